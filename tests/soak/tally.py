"""What was done, and what failed."""

from collections import Counter
from dataclasses import dataclass, field, fields

_MOST_PROBLEMS = 20


@dataclass(kw_only=True)
class Tally:
    """Counts of a soak; it does not grow with time."""

    jobs: Counter[str] = field(default_factory=Counter)
    items: int = 0  # items that came and were checked, one by one
    lost: int = 0  # items of complete walks that did not come
    duplicated: int = 0  # items that came twice in a walk
    misplaced: int = 0  # items that came out of order
    created: int = 0  # as the server says
    not_created: int = 0  # creations that failed, and were not done
    created_unseen: int = 0  # creations that failed, and were done all the same, once
    created_twice: int = 0
    cancelled: int = 0  # calls and walks cancelled on their way
    left_early: int = 0  # walks and maps whose loop was left
    clients: int = 0  # opened and closed beside the one that lives on
    ended_by_close: int = 0  # calls under which a client was closed
    without_slot: int = 0  # calls that had no slot in time
    out_of_time: int = 0  # calls that took longer than they might
    bytes_moved: int = 0  # of files that went up or came down, and were compared
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
        """Return the names of what never happened, so was not tested."""
        silent = {"lost", "duplicated", "misplaced", "created_twice", "problems"}
        return [f.name for f in fields(self) if f.name not in silent and not getattr(self, f.name)]
