"""Did every user from 1 to N arrive exactly once, and in order?"""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["Arrivals"]


class Arrivals:
    """Holds against each other who should come and who came.

    Args:
        expected: How many users there are; their ids are 1 to this.

    Attributes:
        count: Users that came, each as often as it came.
        duplicated: Arrivals of a user that had come before.
        misplaced: Arrivals after a user with a higher id.
        unknown: Arrivals of a user that does not exist.
    """

    def __init__(self, expected: int) -> None:
        self.count: int = 0
        self.duplicated: int = 0
        self.misplaced: int = 0
        self.unknown: int = 0
        self._expected = expected
        self._seen: set[int] = set()
        self._highest = 0

    @property
    def lost(self) -> int:
        """Users that have not come."""
        return self._expected - len(self._seen)

    def take(self, ids: Iterable[int | None]) -> None:
        """Take note of users that came, in the order they came."""
        for user_id in ids:
            self.count += 1
            if user_id is None or not 1 <= user_id <= self._expected:
                self.unknown += 1
            elif user_id in self._seen:
                self.duplicated += 1
            else:
                self._seen.add(user_id)
                self.misplaced += user_id < self._highest
                self._highest = max(self._highest, user_id)

    def problem(self) -> str | None:
        """Return what is wrong, in a few words; ``None`` if nothing is."""
        wrong = {
            "lost": self.lost,
            "duplicated": self.duplicated,
            "out of order": self.misplaced,
            "unknown": self.unknown,
        }
        return ", ".join(f"{count:,} {what}" for what, count in wrong.items() if count) or None
