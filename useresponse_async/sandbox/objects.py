"""Which objects exist now, and which of them does a search find, in which order?"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from useresponse_async.sandbox.categories import CATEGORIES
from useresponse_async.sandbox.files import Files
from useresponse_async.sandbox.kinds import OWNERSHIPS
from useresponse_async.sandbox.object_records import ObjectRecord, ObjectState, seeded_object
from useresponse_async.sandbox.seeding import Seeding
from useresponse_async.sandbox.statuses import first_status
from useresponse_async.sandbox.visibility import Eyes, sees_object

#: What `sort` may be, each with what it puts first.
SORTS: dict[str, Callable[[ObjectRecord], tuple[int, ...]]] = {
    "new": lambda record: (-record.created, -record.id),
    "updated": lambda record: (-record.activity, -record.id),
    "new_updated": lambda record: (
        record.status != first_status(record.type),
        -record.activity,
        -record.id,
    ),
}

# What the usual lists show; everything else has to be asked for.
_LISTED: tuple[ObjectState, ...] = ("active", "moderation")
_MOST_SEARCHES = 32

_Test = Callable[[ObjectRecord], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectSearch:
    """What a call looks for, with whose eyes; `today` is when the day began."""

    eyes: Eyes
    today: int
    ownership: str | None = None
    type: str | None = None
    text: str | None = None
    statuses: frozenset[int] | None = None
    created: tuple[int, int] | None = None
    author: int | None = None
    responsible: int | None = None
    category: int | None = None
    forum: int | None = None
    featured: bool | None = None
    properties: tuple[tuple[int, tuple[str, ...]], ...] = ()
    state: ObjectState | None = None
    sort: str = "new"


class Objects:
    """The objects of one sandbox: computed from the seed until somebody changes them.

    Not locked in itself; whoever calls it holds the lock of the state it belongs to.
    """

    def __init__(self, seeding: Seeding, files: Files) -> None:
        self._seeding = seeding
        self._files = files
        self._next = seeding.objects + 1
        self._ids = {ownership: list(seeding.object_ids(ownership)) for ownership in OWNERSHIPS}
        self._changed: dict[int, ObjectRecord] = {}
        self._removed: set[int] = set()
        self._unlisted: dict[int, ObjectState] = {}
        self._searches: dict[ObjectSearch, Sequence[int]] = {}
        self._counts: dict[ObjectSearch, Mapping[int, int]] = {}

    def get(self, number: int) -> ObjectRecord | None:
        """Find an object by id, wherever it is."""
        if not 0 < number < self._next or number in self._removed:
            return None
        return self._changed.get(number) or seeded_object(self._seeding, self._files, number)

    def create(self, fill: Callable[[int], ObjectRecord]) -> ObjectRecord:
        """Add the object that `fill` makes of the next free id."""
        record = fill(self._next)
        self._next += 1
        self._ids[record.ownership].append(record.id)
        self.change(record)
        return record

    def change(self, record: ObjectRecord) -> None:
        """Put a changed record in the place of the old one."""
        self._changed[record.id] = record
        self._unlisted.pop(record.id, None)
        if record.state not in _LISTED:
            self._unlisted[record.id] = record.state
        self._forget_searches()

    def remove(self, number: int) -> None:
        """Take an object away for good; the id is not used again."""
        record = self._existing(number)
        self._changed.pop(number, None)
        self._unlisted.pop(number, None)
        self._ids[record.ownership].remove(number)
        self._removed.add(number)
        self._forget_searches()

    def find(self, search: ObjectSearch) -> Sequence[int]:
        """List the ids a search finds, in order; the same list again until something changes."""
        found = self._searches.get(search)
        if found is None:
            if len(self._searches) >= _MOST_SEARCHES:
                self._forget_searches()
            found = self._searches[search] = self._find(search)
        return found

    def count_by_status(self, search: ObjectSearch) -> Mapping[int, int]:
        """Count what a search finds, by status id."""
        counts = self._counts.get(search)
        if counts is None:
            statuses = (self._existing(number).status for number in self.find(search))
            counts = self._counts[search] = Counter(statuses)
        return counts

    def _find(self, search: ObjectSearch) -> Sequence[int]:
        numbers = self._in_state(search)
        tests = _tests(search)
        if not tests and search.sort == "new":
            return sorted(numbers, key=self._newest_first)
        records = (self._existing(number) for number in numbers)
        found = [record for record in records if all(test(record) for test in tests)]
        return [record.id for record in sorted(found, key=SORTS[search.sort])]

    def _in_state(self, search: ObjectSearch) -> Iterable[int]:
        modules = OWNERSHIPS if search.ownership is None else (search.ownership,)
        numbers = (number for module in modules for number in self._ids[module])
        if search.state is None:
            return (number for number in numbers if number not in self._unlisted)
        return (number for number in numbers if self._unlisted.get(number) == search.state)

    def _newest_first(self, number: int) -> tuple[int, int]:
        changed = self._changed.get(number)
        return (-(changed.created if changed else self._seeding.written(number)), -number)

    def _existing(self, number: int) -> ObjectRecord:
        record = self.get(number)
        if record is None:
            raise LookupError(f"the sandbox has no object {number}")
        return record

    def _forget_searches(self) -> None:
        self._searches.clear()
        self._counts.clear()


def _tests(search: ObjectSearch) -> list[_Test]:
    tests = [
        _equals(name, wanted)
        for name in ("type", "author", "responsible", "category", "featured")
        if (wanted := getattr(search, name)) is not None
    ]
    if search.forum is not None:
        tests.append(lambda record: _forum(record) == search.forum)
    if not search.eyes.staff:
        tests.append(lambda record: sees_object(search.eyes, record, search.today))
    if search.text:
        tests.append(_contains(search.text.lower()))
    if search.statuses is not None:
        statuses = search.statuses
        tests.append(lambda record: record.status in statuses)
    if search.created is not None:
        begin, end = search.created
        tests.append(lambda record: begin <= record.created < end)
    tests += [_has_value(number, values) for number, values in search.properties if values]
    return tests


def _equals(name: str, wanted: object) -> _Test:
    return lambda record: getattr(record, name) == wanted


def _contains(text: str) -> _Test:
    return lambda record: (
        text in record.title.lower()
        or text in record.content.lower()
        or any(text == tag.lower() for tag in record.tags)
    )


def _has_value(number: int, values: tuple[str, ...]) -> _Test:
    return lambda record: any(value in record.properties.get(number, ()) for value in values)


def _forum(record: ObjectRecord) -> int:
    return CATEGORIES[record.category].forum if record.category else 1
