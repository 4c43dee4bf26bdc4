"""Files: uploads, downloads and attachments."""

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b
from mimetypes import guess_type
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from useresponse_async.sandbox._calls import Access, Call, Fields, Refusal, Routes, success
from useresponse_async.sandbox._installation import SITE

if TYPE_CHECKING:
    from useresponse_async.sandbox._controls import State

# A picture of one transparent dot.
_DOT = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
_SHORT_NAME = 20
_MOST_DIGITS = 11


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One file; its token suffices to fetch it."""

    id: int
    token: str
    name: str
    content: bytes


class Files:
    """The files of one sandbox: seeded ones computed from their token, others stored."""

    def __init__(self, seed: int, first_id: int) -> None:
        self._seed = seed
        self._next_id = first_id
        self._stored: dict[str, StoredFile] = {}

    def add(self, name: str, content: bytes) -> StoredFile:
        file = StoredFile(self._next_id, self.token("f", self._next_id), name, content)
        self._next_id += 1
        self._stored[file.token] = file
        return file

    def get(self, token: str) -> StoredFile | None:
        if token in self._stored:
            return self._stored[token]
        digits = token[1:].partition("-")[0]
        if not (digits.isascii() and digits.isdigit() and len(digits) <= _MOST_DIGITS):
            return None
        number = int(digits)
        if token == self.token("o", number):
            return StoredFile(number, token, f"log-{number}.txt", f"Log {number}\n".encode())
        if token == self.token("m", number):
            return StoredFile(number, token, f"photo-{number}.png", _DOT)
        return None

    def token(self, owner: Literal["f", "o", "m"], number: int) -> str:
        """Return the token of a file that was uploaded, or that is of an object or a message."""
        check = blake2b(f"{self._seed}:{owner}{number}".encode(), digest_size=12).hexdigest()
        return f"{owner}{number}-{check}"


def file_url(call: Call, file: StoredFile) -> str:
    """Return the URL that shows a file; with `?download=1` added, it downloads the file."""
    # The sandbox's address as the caller uses it.
    site = str(call.request.base_url).rstrip("/") + call.state.options.root_path
    return f"{site}/files/{file.token}/{quote(file.name, safe='')}"


def attachments_json(call: Call, tokens: Iterable[str]) -> list[dict[str, object]]:
    shown: list[dict[str, object]] = []
    for file in filter(None, map(call.state.files.get, tokens)):
        name = PurePosixPath(file.name)
        extension = name.suffix.removeprefix(".")
        short = file.name
        if len(short) > _SHORT_NAME:
            short = f"{name.stem[:_SHORT_NAME]}….{extension}" if extension else short[:_SHORT_NAME]
        url = file_url(call, file)
        shown.append(
            {
                "id": file.id,
                "name": {"full": file.name, "short": short, "ext": extension},
                "url": url,
                "directUrl": f"{url}?download=1",
                "icon": f"{SITE}/images/files/{extension or 'file'}.png",
            }
        )
    return shown


def read_new_files(body: Fields) -> list[tuple[str, bytes]]:
    """Read the names and contents of the files inside a call."""
    files: list[tuple[str, bytes]] = []
    for entry in body.entries("attachments"):
        name = entry.text("name", required=True)
        content = entry.content("body")
        if name is None or content is None:
            body.wrong("attachments")
        else:
            files.append((name, content))
    return files


def read_file(body: Fields, field: str) -> tuple[str, bytes]:
    """Read the one file that a call is about, and check the call."""
    name = body.text("name", required=True)
    content = body.content(field)
    body.check()
    return name or "", content or b""


def upload(call: Call) -> Response:
    """Store a file; its token can go into a comment's attachments."""
    file = call.state.files.add(*read_file(call.body, "content"))
    return success({"token": file.token, "url": file_url(call, file)})


FILE_ROUTES: Routes = {"POST /upload-file.json": (Access.USER, upload)}


def download(state: "State", request: Request, token: str) -> Response:
    """Return a file to any caller who knows its token, outside of the API."""
    if request.method not in ("GET", "HEAD"):
        raise Refusal(405, headers={"Allow": "GET, HEAD"})
    with state.lock:
        file = state.files.get(token)
    if file is None:
        raise Refusal(404)
    place = "attachment" if "download" in request.query_params else "inline"
    return Response(
        b"" if request.method == "HEAD" else file.content,
        headers={
            "Content-Length": str(len(file.content)),
            "Content-Disposition": f"{place}; filename*=utf-8''{quote(file.name, safe='')}",
            "X-Content-Type-Options": "nosniff",
        },
        media_type=guess_type(file.name)[0] or "application/octet-stream",
    )
