"""Which comments exist now, on which objects?"""

from collections.abc import Callable, Sequence

from useresponse_async.sandbox.comment_records import CommentRecord, seeded_comment
from useresponse_async.sandbox.seeding import Seeding
from useresponse_async.sandbox.visibility import Eyes, sees_comment

# What no list shows, to nobody.
_UNLISTED = ("trashed", "declined")


class Comments:
    """The comments of one sandbox: computed from the seed until somebody changes them.

    Not locked in itself; whoever calls it holds the lock of the state it belongs to.
    """

    def __init__(self, seeding: Seeding) -> None:
        self._seeding = seeding
        self._next = seeding.comments + 1
        self._changed: dict[int, CommentRecord] = {}
        self._added: dict[int, list[int]] = {}
        self._removed: set[int] = set()
        self._unlisted: set[int] = set()

    def get(self, number: int) -> CommentRecord | None:
        """Find a comment by id, in the trash too."""
        if not 0 < number < self._next or number in self._removed:
            return None
        return self._changed.get(number) or seeded_comment(self._seeding, number)

    def create(self, fill: Callable[[int], CommentRecord]) -> CommentRecord:
        """Add the comment that `fill` makes of the next free id."""
        comment = fill(self._next)
        self._next += 1
        self._added.setdefault(comment.object, []).append(comment.id)
        self.change(comment)
        return comment

    def change(self, comment: CommentRecord) -> None:
        """Put a changed record in the place of the old one."""
        self._changed[comment.id] = comment
        if comment.state in _UNLISTED:
            self._unlisted.add(comment.id)
        else:
            self._unlisted.discard(comment.id)

    def remove_all_on(self, number: int) -> None:
        """Take an object's comments away for good."""
        for comment in self._on(number):
            self._removed.add(comment)
            self._changed.pop(comment, None)
        self._added.pop(number, None)

    def by(self, author: int) -> Sequence[CommentRecord]:
        """List what one user wrote, as far as it is listed."""
        comments = (self._existing(number) for number in self.newest())
        return [comment for comment in comments if comment.author == author]

    def newest(self) -> Sequence[int]:
        """List all comments but those in the trash, newest first."""
        gone = self._removed | self._unlisted
        return [number for number in range(self._next - 1, 0, -1) if number not in gone]

    def seen_on(self, number: int, eyes: Eyes) -> Sequence[int]:
        """List an object's comments that show to somebody, oldest first."""
        listed = [comment for comment in self._on(number) if comment not in self._unlisted]
        if eyes.staff:
            return listed
        return [comment for comment in listed if sees_comment(eyes, self._existing(comment))]

    def _on(self, number: int) -> list[int]:
        # The seed has no comments on what was written later, whatever its id.
        if number > self._seeding.objects:
            return self._added.get(number, [])
        seeded = [n for n in self._seeding.comments_on(number) if n not in self._removed]
        return seeded + self._added.get(number, [])

    def _existing(self, number: int) -> CommentRecord:
        comment = self.get(number)
        if comment is None:
            raise LookupError(f"the sandbox has no comment {number}")
        return comment
