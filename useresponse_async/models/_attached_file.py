"""What is known of a file that hangs on an object or a comment?"""

from __future__ import annotations

import attrs

from useresponse_async.models._wire import Model, wire

__all__ = ["AttachedFile", "FileName"]


@attrs.define(kw_only=True, repr=False)
class FileName(Model):
    """A file's name: in full, shortened for display, and its extension alone."""

    full: str | None = wire(alone=True)
    short: str | None = None
    ext: str | None = None


@attrs.define(kw_only=True, repr=False)
class AttachedFile(Model):
    """A file as the server has it: ``url`` shows it, ``direct_url`` downloads it."""

    id: int | None = None
    name: FileName | None = None
    url: str | None = None
    direct_url: str | None = wire("directUrl")
    icon: str | None = None
