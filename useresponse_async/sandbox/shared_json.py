"""How do the people and the files inside of other answers look?"""

from collections.abc import Iterable
from pathlib import PurePosixPath

from useresponse_async.sandbox.calls import Call
from useresponse_async.sandbox.catalog import SITE
from useresponse_async.sandbox.downloads import file_url
from useresponse_async.sandbox.files import StoredFile
from useresponse_async.sandbox.markup import shown
from useresponse_async.sandbox.user_json import full_user, public_user

_SHORT_NAME = 20


def person_json(call: Call, number: int) -> dict[str, object] | None:
    """Show a user as much as the caller may see, or that there is nobody."""
    user = call.state.users.get(number) if number else None
    if user is None:
        return None
    in_full = call.viewer.is_staff or number == call.viewer.user_id
    return full_user(user) if in_full else public_user(user)


def content_json(call: Call, content: str, *, is_html: bool) -> str:
    """Show a content in HTML, or in BBCode where the caller asks for it."""
    return shown(content, is_html=is_html, as_bbcode=call.query.flag("bbcode") or False)


def attachments_json(call: Call, tokens: Iterable[str]) -> list[dict[str, object]]:
    """Show files, each with the addresses it can be fetched from."""
    files = (call.state.files.get(token) for token in tokens)
    return [_attachment_json(call.site, file) for file in files if file is not None]


def _attachment_json(site: str, file: StoredFile) -> dict[str, object]:
    name = PurePosixPath(file.name)
    extension = name.suffix.removeprefix(".")
    short = file.name
    if len(short) > _SHORT_NAME:
        short = f"{name.stem[:_SHORT_NAME]}….{extension}" if extension else short[:_SHORT_NAME]
    url = file_url(site, file.token, file.name)
    return {
        "id": file.id,
        "name": {"full": file.name, "short": short, "ext": extension},
        "url": url,
        "directUrl": f"{url}?download=1",
        "icon": f"{SITE}/images/files/{extension or 'file'}.png",
    }
