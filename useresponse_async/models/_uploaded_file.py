"""What is known of a file that was uploaded, and hangs on nothing yet?"""

from __future__ import annotations

import attrs

from useresponse_async.models._wire import Model

__all__ = ["UploadedFile"]


@attrs.define(kw_only=True, repr=False)
class UploadedFile(Model):
    """An uploaded file: its ``token`` attaches it to a comment, ``url`` shows it.

    ``name`` is the one that it was uploaded with; the server does not tell it.
    """

    token: str | None = None
    name: str | None = None
    url: str | None = None
