"""What was done, and what went wrong?"""

from collections import Counter
from dataclasses import dataclass, field, fields

__all__ = ["Tally"]

_MOST_PROBLEMS = 20


@dataclass(kw_only=True)
class Tally:
    """Counts of a soak; it does not grow with time.

    Attributes:
        jobs: Jobs done, by name.
        items: Items that came and were checked, one by one.
        lost: Items of whole walks that did not come.
        duplicated: Items that came twice in a walk.
        misplaced: Items that came out of order.
        created: Things created, as the server says.
        not_created: Creations that failed, and were not done.
        created_unseen: Creations that failed, and were done all the same, once.
        created_twice: Creations that were done more than once.
        cancelled: Calls and walks cancelled on their way.
        left_early: Walks and maps that the loop was left of.
        clients: Clients opened and closed beside the one that lives on.
        ended_by_close: Calls that a client was closed under.
        without_turn: Calls that had no turn in time.
        out_of_time: Calls that took longer than they might.
        bytes_moved: Bytes of files that went up or came down, and were compared.
        retries: Tries that were made again, as the hooks were told.
        responses: Responses that the hooks were told of.
    """

    jobs: Counter[str] = field(default_factory=Counter)
    items: int = 0
    lost: int = 0
    duplicated: int = 0
    misplaced: int = 0
    created: int = 0
    not_created: int = 0
    created_unseen: int = 0
    created_twice: int = 0
    cancelled: int = 0
    left_early: int = 0
    clients: int = 0
    ended_by_close: int = 0
    without_turn: int = 0
    out_of_time: int = 0
    bytes_moved: int = 0
    retries: int = 0
    responses: int = 0
    problems: Counter[str] = field(default_factory=Counter)

    def problem(self, text: str) -> None:
        """Take note of what must not be; only so many different ones are kept."""
        if text in self.problems or len(self.problems) < _MOST_PROBLEMS:
            self.problems[text] += 1
        else:
            self.problems["further problems"] += 1

    def missed(self) -> list[str]:
        """Name what did not happen a single time, so was not tried."""
        silent = {"lost", "duplicated", "misplaced", "created_twice", "problems"}
        return [f.name for f in fields(self) if f.name not in silent and not getattr(self, f.name)]
