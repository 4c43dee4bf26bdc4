"""What is exported, and how is it asked for?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from useresponse_async._client import AsyncClient
from useresponse_async._pagination import Pages
from useresponse_async.models._wire import Model

__all__ = ["Source"]


@attrs.frozen(kw_only=True)
class Source:
    """What is exported.

    Attributes:
        things: What the items are called, e.g. ``users``.
        model: What they are.
        filters: Which of them are wanted, as the options say.
        pages: Makes the list, which begins with the page of that number.
    """

    things: str
    model: type[Model]
    filters: dict[str, Any]
    pages: Callable[[AsyncClient, int], Pages[Any]]
