"""Models in pydantic and FastAPI: validation, serialization and schemas."""

import json
import subprocess
import sys
from datetime import datetime, timezone
from typing import Annotated, Any

import attrs
import pytest
from browser import browser_of
from fastapi import Body, FastAPI
from pydantic import BaseModel, TypeAdapter

import useresponse_async as ur

USER = ur.User(
    id=7,
    name="Ann",
    team=ur.Team(id=1, name="Support"),
    avatar=ur.Avatar(big="/b.png"),
    tags=["vip"],
    custom_fields=[ur.FieldValue(id=3, value=["eu", 1, None])],
    api_key=ur.Secret("a-secret-key"),
    extra={"karma": {"score": 3}},
)


class Visit(BaseModel):
    host: ur.User
    guests: list[ur.User] = []


@pytest.mark.parametrize("name", ur.models.__all__)
def test_every_model_has_a_schema_with_each_of_its_fields(name):
    model = getattr(ur.models, name)
    adapter = TypeAdapter(model)
    schema = adapter.json_schema()
    assert schema == adapter.json_schema(mode="serialization")
    required = {
        name: {"items": [], "number": 1, "size": 1, "id": 1}[name]
        for name, field in attrs.fields_dict(model).items()
        if field.default is attrs.NOTHING
    }
    made = adapter.validate_python(required)
    assert schema["properties"].keys() == json.loads(adapter.dump_json(made)).keys()
    assert schema["title"] == model.__name__
    assert set(schema.get("required", [])) == required.keys()
    assert "Attributes:" not in schema["description"]


def test_a_model_is_serialized_as_by_to_dict_and_a_secret_as_asterisks():
    visit = Visit(host=USER)
    written = visit.model_dump_json()
    assert json.loads(written)["host"] == USER.to_dict()
    assert '"api_key":"***"' in written
    assert "a-secret-key" not in written + repr(visit.model_dump())
    # In a union by its class.
    both = TypeAdapter(list[ur.Team | ur.User]).dump_python([ur.Team(id=1), USER], mode="json")
    assert both == [{"id": 1, "name": None, "extra": {}}, USER.to_dict()]


def test_fields_can_be_excluded():
    visit = Visit(host=USER)
    assert visit.model_dump(include={"host": {"id": True, "team": {"name"}}}) == {
        "host": {"id": 7, "team": {"name": "Support"}}
    }
    assert "extra" not in visit.model_dump(exclude={"host": {"extra"}})["host"]
    shown = {"id", "name", "avatar", "team", "tags", "custom_fields", "api_key", "extra"}
    assert visit.model_dump(exclude_none=True)["host"].keys() == shown


def test_a_model_is_validated_from_its_serialization():
    moment = datetime(2030, 1, 31, 9, 0, tzinfo=timezone.utc)
    comment = ur.Comment(id=1, created_at=moment, author=USER)
    written = TypeAdapter(ur.Comment).dump_json(comment)
    assert b'"created_at":"2030-01-31T09:00:00' in written
    read = TypeAdapter(ur.Comment).validate_json(written.replace(b"***", b"a-secret-key"))
    assert (type(read), read) == (ur.Comment, comment)
    assert read.author.api_key.reveal() == "a-secret-key"


def test_missing_fields_have_their_defaults_and_an_instance_is_not_copied():
    visit = Visit.model_validate({"host": USER, "guests": [{"id": 8, "nickname": "Bo"}, {"id": 9}]})
    assert visit.host is USER
    assert visit.guests == [ur.User(id=8), ur.User(id=9)]
    assert visit.guests[0].extra == {}
    assert visit.guests[0].tags is not visit.guests[1].tags


def test_pages_of_different_items_are_different_types():
    class Found(BaseModel):
        users: ur.Page[ur.User]
        objects: ur.Page[ur.Object]
        names: ur.Page[str]
        maybe: ur.Page[ur.User | None]

    given = {"users": [{"id": 1}], "objects": [{"id": 1}], "names": ["a"], "maybe": [None]}
    found = Found.model_validate(
        {name: {"number": 1, "size": 2, "items": items} for name, items in given.items()}
    )
    read = [getattr(found, name).items for name in given]
    assert read == [[ur.User(id=1)], [ur.Object(id=1)], ["a"], [None]]
    schemas = {entry["title"]: entry for entry in Found.model_json_schema()["$defs"].values()}
    of_users = schemas["Page[User]"]["properties"]
    assert of_users["items"]["items"] == {"$ref": "#/$defs/User"}
    assert of_users["number"]["description"] == "The number of the page, from 1."
    assert schemas["Page[Object]"]["properties"]["items"]["items"] == {"$ref": "#/$defs/Object"}
    assert schemas["Page[str]"]["properties"]["items"]["items"] == {"type": "string"}
    assert TypeAdapter(ur.Page).json_schema()["properties"]["items"]["items"] == {}
    report = TypeAdapter(ur.ReportPage).json_schema()["properties"]
    assert report["items"]["items"] == {"$ref": "#/$defs/Object"}
    assert report["total_items"]["description"]
    assert report["groups"]["description"]


class Person(BaseModel):
    id: int
    name: str


@pytest.mark.anyio
async def test_fastapi_responds_with_accepts_and_documents_models(client):
    app = FastAPI()

    @app.get("/people")
    async def people() -> ur.Page[ur.User]:
        return await client.users.search(count=5)

    @app.get("/own", response_model=Person)
    @app.get("/person", response_model=ur.User)
    async def person() -> Any:
        return await client.users.get(7)

    @app.post("/person")
    async def echo(user: Annotated[ur.User, Body()]) -> ur.User:
        return user

    user = await client.users.get(7)
    async with browser_of(app) as browser:
        assert (await browser.get("/person")).json() == user.to_dict()
        assert (await browser.get("/own")).json() == {"id": 7, "name": user.name}
        answered = (await browser.get("/people")).json()
        page = await client.users.search(count=5)
        assert answered["items"] == [item.to_dict() for item in page.items]
        assert answered["total_items"] == page.total_items
        answer = await browser.post("/person", json={"id": 3, "team": {"id": 1}})
        assert answer.json() == ur.User(id=3, team=ur.Team(id=1)).to_dict()
        wrong = {"id": "x", "team": {"id": 1}, "custom_fields": [{"id": []}]}
        answer = await browser.post("/person", json=wrong)
        places = [error["loc"] for error in answer.json()["detail"]]
        assert places == [["body", "id"], ["body", "custom_fields", 0, "id"]]
        assert answer.status_code == 422
    document = app.openapi()
    schemas = document["components"]["schemas"]
    assert {"Page_User_", "User", "Team"} < schemas.keys()
    properties = schemas["User"]["properties"]
    assert properties["short_name"]["anyOf"] == [{"type": "string"}, {"type": "null"}]
    assert properties["team"]["anyOf"][0] == {"$ref": "#/components/schemas/Team"}
    assert properties["extra"]["type"] == "object"
    answer = document["paths"]["/person"]["get"]["responses"]["200"]
    assert answer["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/User"}


CORE = """
import sys
sys.modules["rich"] = None  # httpx itself imports it if it is installed
import useresponse_async.testing._plugin
from useresponse_async import AsyncClient, Page, User, models
[getattr(models, name) for name in models.__all__]
User(id=1).to_json()
print({"pydantic", "pydantic_core", "fastapi", "starlette", "uvicorn", "typer", "dlt",
    "useresponse_async.cli", "useresponse_async.sandbox"} & sys.modules.keys())
"""


def test_the_core_and_the_pytest_plugin_import_no_extra():
    command = [sys.executable, "-W", "error", "-c", CORE]
    assert subprocess.check_output(command, timeout=60) == b"set()\n"  # noqa: S603 - our own
