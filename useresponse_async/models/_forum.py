"""What is known of a forum?"""

from __future__ import annotations

import attrs

from useresponse_async.models._wire import Model

__all__ = ["Forum"]


@attrs.define(kw_only=True, repr=False)
class Forum(Model):
    """A forum of the community; its ``id`` is a text."""

    id: str | None = None
    name: str | None = None
