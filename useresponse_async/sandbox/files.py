"""Which files are there, under which tokens, and with what in them?"""

import base64
from dataclasses import dataclass
from hashlib import blake2b
from typing import Literal

# A picture of one transparent dot.
_DOT = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)

# Whose file it is: uploaded by a call, attached to a seeded object, sent in a seeded chat.
_Owner = Literal["f", "o", "m"]


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One file; its token is all that is needed to fetch it."""

    id: int
    token: str
    name: str
    content: bytes


class Files:
    """The files of one sandbox: seeded ones computed from their token, others kept."""

    def __init__(self, seed: int, first_id: int) -> None:
        self._seed = seed
        self._next = first_id
        self._kept: dict[str, StoredFile] = {}

    def add(self, name: str, content: bytes) -> StoredFile:
        """Keep a file."""
        file = StoredFile(self._next, self._token("f", self._next), name, content)
        self._next += 1
        self._kept[file.token] = file
        return file

    def renamed(self, file: StoredFile, name: str) -> StoredFile:
        """Give the same content under another name."""
        return file if name == file.name else self.add(name, file.content)

    def get(self, token: str) -> StoredFile | None:
        """Find a file."""
        if token in self._kept:
            return self._kept[token]
        digits = token[1:].partition("-")[0]
        if not (digits.isascii() and digits.isdigit() and len(digits) < 12):  # noqa: PLR2004
            return None
        number = int(digits)
        if token == self.of_object(number):
            return StoredFile(number, token, f"log-{number}.txt", f"Log {number}\n".encode())
        if token == self.of_message(number):
            return StoredFile(number, token, f"photo-{number}.png", _DOT)
        return None

    def of_object(self, number: int) -> str:
        """Tell the token of a seeded object's file."""
        return self._token("o", number)

    def of_message(self, number: int) -> str:
        """Tell the token of a seeded message's file."""
        return self._token("m", number)

    def _token(self, owner: _Owner, number: int) -> str:
        check = blake2b(f"{self._seed}:{owner}{number}".encode(), digest_size=12).hexdigest()
        return f"{owner}{number}-{check}"
