"""What is known of a forum?"""

from __future__ import annotations

from typing import Any

import attrs

from useresponse_async.models._wire import Model, unknown_keys

__all__ = ["Forum"]


@attrs.define(kw_only=True, repr=False)
class Forum(Model):
    """A forum of the community; its ``id`` is a text."""

    id: str | None = None
    name: str | None = None
    extra: dict[str, Any] = unknown_keys()
