"""Which items were seen before? Remembered in little memory, since ids are mostly dense."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, TypeVar

__all__ = ["SeenIds"]

T = TypeVar("T")

_IDS_PER_BLOCK: Final = 512


class SeenIds:
    """A set of ids, kept as one bit each; negative ids are as good as any."""

    def __init__(self) -> None:
        self.tells_all_apart: bool = True
        """Whether every item so far had an id."""
        self._blocks: dict[int, int] = {}

    def add(self, item_id: int) -> bool:
        """Add an id; return whether it is new."""
        block, bit = divmod(item_id, _IDS_PER_BLOCK)
        bits, mask = self._blocks.get(block, 0), 1 << bit
        if bits & mask:
            return False
        self._blocks[block] = bits | mask
        return True

    def only_new(self, items: Iterable[T]) -> list[T]:
        """Return those of ``items`` whose ids are new; one without an id always is."""
        kept: list[T] = []
        for item in items:
            item_id: object = getattr(item, "id", None)
            if not isinstance(item_id, int):
                self.tells_all_apart = False
                kept.append(item)
            elif self.add(item_id):
                kept.append(item)
        return kept

    def holds_any(self, items: Iterable[object]) -> bool:
        """Return whether one of ``items`` has an id that was seen; none is added."""
        for item in items:
            item_id: object = getattr(item, "id", None)
            if isinstance(item_id, int):
                block, bit = divmod(item_id, _IDS_PER_BLOCK)
                if self._blocks.get(block, 0) >> bit & 1:
                    return True
        return False
