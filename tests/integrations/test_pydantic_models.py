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
from pydantic import BaseModel, TypeAdapter, ValidationError

from useresponse_async import (
    AsyncClient,
    Avatar,
    Comment,
    FieldValue,
    Object,
    Page,
    ReportPage,
    Secret,
    Team,
    User,
    models,
)

MODELS = [getattr(models, name) for name in models.__all__]

USER = User(
    id=7,
    name="Ann",
    team=Team(id=1, name="Support"),
    avatar=Avatar(big="/b.png"),
    tags=["vip"],
    custom_fields=[FieldValue(id=3, value=["eu", 1, None])],
    api_key=Secret("a-secret-key"),
    extra={"karma": {"score": 3}},
)


class Visit(BaseModel):
    host: User
    guests: list[User] = []
    found: Page[User] | None = None


@pytest.mark.parametrize("model", MODELS)
def test_every_model_has_a_schema_with_each_of_its_fields(model):
    schema = TypeAdapter(model).json_schema()
    assert schema == TypeAdapter(model).json_schema(mode="serialization")
    required = {
        name: {"items": [], "number": 1, "size": 1, "id": 1}[name]
        for name, field in attrs.fields_dict(model).items()
        if field.default is attrs.NOTHING
    }
    made = TypeAdapter(model).validate_python(required)
    written = json.loads(TypeAdapter(model).dump_json(made))
    assert schema["properties"].keys() == written.keys()
    assert schema["title"] == model.__name__
    assert set(schema.get("required", [])) == required.keys()
    assert "Attributes:" not in schema["description"]


def test_a_model_is_serialized_as_by_to_dict():
    assert json.loads(TypeAdapter(User).dump_json(USER)) == USER.to_dict()
    assert json.loads(TypeAdapter(list[User]).dump_json([USER])) == [USER.to_dict()]


def test_a_secret_is_serialized_as_asterisks():
    written = Visit(host=USER).model_dump_json()
    assert '"api_key":"***"' in written
    assert "a-secret-key" not in written + repr(Visit(host=USER).model_dump())


def test_a_datetime_is_serialized_in_iso_8601():
    moment = datetime(2030, 1, 31, 9, 0, tzinfo=timezone.utc)
    written = json.loads(TypeAdapter(Comment).dump_json(Comment(id=1, created_at=moment)))
    assert datetime.fromisoformat(written["created_at"].replace("Z", "+00:00")) == moment


def test_fields_can_be_excluded():
    visit = Visit(host=USER)
    assert visit.model_dump(include={"host": {"id": True, "team": {"name"}}}) == {
        "host": {"id": 7, "team": {"name": "Support"}}
    }
    assert "extra" not in visit.model_dump(exclude={"host": {"extra"}})["host"]
    assert visit.model_dump(exclude_none=True)["host"].keys() == {
        "id", "name", "avatar", "team", "tags", "custom_fields", "api_key", "extra"
    }  # fmt: skip


def test_a_model_is_validated_from_its_serialization():
    written = {**USER.to_dict(), "api_key": "a-secret-key"}
    read = TypeAdapter(User).validate_json(json.dumps(written))
    assert type(read) is User
    assert read == USER
    assert read.api_key is not None
    assert read.api_key.reveal() == "a-secret-key"


def test_missing_fields_have_their_defaults():
    read = TypeAdapter(User).validate_python({"id": 7})
    assert read == User(id=7)
    assert read.extra == {}
    assert read.tags is not TypeAdapter(User).validate_python({"id": 7}).tags


def test_an_instance_is_not_copied():
    visit = Visit.model_validate({"host": USER, "guests": [{"id": 8, "nickname": "Bo"}]})
    assert visit.host is USER
    assert visit.guests == [User(id=8)]


def test_a_validation_error_names_the_place():
    wrong = {"host": {"id": "x", "custom_fields": [{"id": []}]}, "found": {"items": [7]}}
    with pytest.raises(ValidationError) as caught:
        Visit.model_validate(wrong)
    places = [error["loc"] for error in caught.value.errors()]
    assert places == [
        ("host", "id"),
        ("host", "custom_fields", 0, "id"),
        ("found", "items", 0),
        ("found", "number"),
        ("found", "size"),
    ]


def test_the_schema_of_a_page_has_the_type_of_its_items():
    of_users = TypeAdapter(Page[User]).json_schema()
    assert of_users["title"] == "Page[User]"
    assert of_users["properties"]["items"]["items"] == {"$ref": "#/$defs/User"}
    assert of_users["properties"]["number"]["description"] == "The number of the page, from 1."
    assert TypeAdapter(Page).json_schema()["properties"]["items"]["items"] == {}
    report = TypeAdapter(ReportPage).json_schema()
    assert report["properties"]["items"]["items"] == {"$ref": "#/$defs/Object"}
    assert report["properties"]["total_items"]["description"]
    assert report["properties"]["groups"]["description"]


def test_pages_of_different_items_are_different_types():
    class Found(BaseModel):
        users: Page[User]
        objects: Page[Object]
        names: Page[str]
        maybe: Page[User | None]

    page = {"number": 1, "size": 2}
    found = Found.model_validate(
        {
            "users": {**page, "items": [{"id": 1}]},
            "objects": {**page, "items": [{"id": 1}]},
            "names": {**page, "items": ["a"]},
            "maybe": {**page, "items": [None]},
        }
    )
    assert [type(getattr(found, name).items[0]) for name in ("users", "objects", "names")] == [
        User,
        Object,
        str,
    ]
    titles = {entry["title"] for entry in Found.model_json_schema()["$defs"].values()}
    assert {"Page[User]", "Page[Object]", "Page[str]"} < titles


def make_app(client: AsyncClient) -> FastAPI:
    app = FastAPI()

    @app.get("/person", response_model=User)
    async def person() -> Any:
        return await client.users.get(7)

    @app.get("/people")
    async def people() -> Page[User]:
        return await client.users.search(count=5)

    @app.get("/list")
    async def everybody() -> list[User]:
        return (await client.users.search(count=5)).items

    @app.get("/short", response_model=User, response_model_include={"id", "name"})
    async def short() -> Any:
        return await client.users.get(7)

    class Person(BaseModel):
        id: int
        name: str

    @app.get("/own", response_model=Person)
    async def own() -> Any:
        return await client.users.get(7)

    @app.post("/visit")
    async def visit(visit: Visit) -> Visit:
        return visit

    @app.post("/person")
    async def echo(user: Annotated[User, Body()]) -> User:
        return user

    return app


@pytest.mark.anyio
async def test_fastapi_responds_with_models(client):
    user = await client.users.get(7)
    page = await client.users.search(count=5)
    async with browser_of(make_app(client)) as browser:
        assert (await browser.get("/person")).json() == user.to_dict()
        answered = (await browser.get("/people")).json()
        assert answered["items"] == [item.to_dict() for item in page.items]
        assert answered["total_items"] == page.total_items
        assert (await browser.get("/list")).json() == answered["items"]
        assert (await browser.get("/short")).json() == {"id": 7, "name": user.name}
        assert (await browser.get("/own")).json() == {"id": 7, "name": user.name}


@pytest.mark.anyio
async def test_fastapi_accepts_models(client):
    async with browser_of(make_app(client)) as browser:
        answer = await browser.post("/person", json={"id": 3, "team": {"id": 1}})
        assert answer.json() == User(id=3, team=Team(id=1)).to_dict()
        answer = await browser.post("/visit", json={"host": {"id": 3}})
        assert answer.json()["host"] == User(id=3).to_dict()
        answer = await browser.post("/visit", json={"host": {"id": "x"}})
        assert answer.status_code == 422
        assert answer.json()["detail"][0]["loc"] == ["body", "host", "id"]


@pytest.mark.anyio
async def test_fastapi_documents_models(client):
    document = make_app(client).openapi()
    schemas = document["components"]["schemas"]
    # Some pydantic versions name what comes in and what goes out apart, for their own reasons.
    names = {name.removesuffix("-Input").removesuffix("-Output") for name in schemas}
    assert {"Page_User_", "Visit"} < names
    assert {"User", "Team"} < schemas.keys()
    user = schemas["User"]["properties"]
    assert user["short_name"]["anyOf"] == [{"type": "string"}, {"type": "null"}]
    assert user["team"]["anyOf"][0] == {"$ref": "#/components/schemas/Team"}
    assert user["extra"]["type"] == "object"
    answer = document["paths"]["/person"]["get"]["responses"]["200"]
    assert answer["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/User"}


SCRIPTS = {
    "the core imports no extra": """
import sys
from useresponse_async import AsyncClient, Page, User, models
[getattr(models, name) for name in models.__all__]
User(id=1).to_json()
assert not {"pydantic", "pydantic_core", "fastapi", "starlette", "dlt"} & sys.modules.keys()
""",
    "without fastapi the module says what to install": """
import importlib.util, sys
real = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name == "fastapi" else real(name, *rest)
sys.modules["fastapi"] = None
from useresponse_async import MissingExtraError
try:
    import useresponse_async.integrations.fastapi
except MissingExtraError as error:
    assert "pip install 'useresponse-async[fastapi]'" in str(error)
else:
    raise AssertionError("it was imported")
""",
}


@pytest.mark.parametrize("what", SCRIPTS)
def test_extras_are_imported_only_where_they_are_used(what):
    subprocess.run([sys.executable, "-c", SCRIPTS[what]], check=True, timeout=60)  # noqa: S603 - our own script


def test_a_union_is_serialized_as_the_models_class():
    written = TypeAdapter(Team | User).dump_python(USER, mode="json")
    assert written["email"] == USER.email
    assert written["tags"] == ["vip"]
    both = TypeAdapter(list[Team | User]).dump_python([Team(id=1), USER], mode="json")
    assert [sorted(both[0]), "tags" in both[1]] == [["extra", "id", "name"], True]
