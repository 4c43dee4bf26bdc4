"""Attachments in the bodies of objects and comments."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from useresponse_async._exceptions import ArgumentError
from useresponse_async._files import Attachment
from useresponse_async.models import UploadedFile

__all__ = ["attachment_of", "attachments_of", "uploads_of"]

T = TypeVar("T")


def attachment_of(name: str, value: Attachment) -> dict[str, Any]:
    """Return a file for the body of an object: with its content.

    Raises:
        ArgumentError: It is not an attachment.
    """
    if not isinstance(value, Attachment):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ArgumentError(name, f"expected an Attachment, not {type(value).__name__}")
    return {"name": value.name, "body": value}


def attachments_of(name: str, values: Sequence[Attachment] | None) -> list[dict[str, Any]] | None:
    """Return files for the body of an object: with their content; ``None`` for no file.

    Raises:
        ArgumentError: It is not a sequence of attachments.
    """
    return [attachment_of(name, value) for value in _each(name, values)] or None


def uploads_of(name: str, values: Sequence[UploadedFile] | None) -> list[dict[str, str]] | None:
    """Return files for the body of a comment: with their tokens; ``None`` for no file.

    Raises:
        ArgumentError: It is not a sequence of uploaded files with tokens.
    """
    return [_upload_of(name, value) for value in _each(name, values)] or None


def _upload_of(name: str, value: UploadedFile) -> dict[str, str]:
    if not isinstance(value, UploadedFile):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ArgumentError(
            name,
            f"expected an UploadedFile from files.upload(), not {type(value).__name__}",
        )
    if not value.token:
        raise ArgumentError(name, f"{value!r} has no token; pass what files.upload() returned")
    # A file without a name keeps that of its upload.
    return {"token": value.token} | ({"name": value.name} if value.name else {})


def _each(name: str, values: Sequence[T] | None) -> Iterable[T]:
    if values is None:
        return ()
    if not isinstance(values, Iterable):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ArgumentError(name, f"must be a sequence, not {type(values).__name__}; pass a list")
    return values
