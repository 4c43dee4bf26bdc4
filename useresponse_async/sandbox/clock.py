"""What time is it in the sandbox, and how does the installation write a time?"""

import time
from datetime import datetime, timedelta, timezone

# Not UTC on purpose: whoever takes the installation's local text for UTC is two hours off.
_ZONE = timezone(timedelta(hours=2))
_MOMENT = "%Y-%m-%d %H:%M:%S"
_DAY = "%d.%m.%Y"

_DAY_SECONDS = 86_400
_UNITS = ((_DAY_SECONDS, "day"), (3600, "hour"), (60, "minute"))

#: What `date` may be in a list of tickets.
PERIODS = ("today", "yesterday", "this_week", "last_week", "this_month", "last_month")


class Clock:
    """The computer's clock, which a test can put forward."""

    def __init__(self) -> None:
        self._ahead = 0.0

    def now(self) -> int:
        """Tell the Unix time in seconds."""
        return int(time.time() + self._ahead)

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        if seconds < 0:
            raise ValueError(f"time passes forwards only, got {seconds}")
        self._ahead += seconds


def local_text(moment: int) -> str:
    """Write a time as the installation's people read it."""
    return datetime.fromtimestamp(moment, _ZONE).strftime(_MOMENT)


def optional_text(moment: int | None) -> str | None:
    """Write a time that may not have come."""
    return None if moment is None else local_text(moment)


def read_moment(text: str) -> int | None:
    """Read `YYYY-MM-DD HH:MM:SS`."""
    return _read(text, _MOMENT)


def read_day(text: str) -> int | None:
    """Read `dd.mm.yyyy`: the moment that day begins."""
    return _read(text, _DAY)


def day_of(moment: int) -> int:
    """Tell when the day of a moment began."""
    return _midnight(datetime.fromtimestamp(moment, _ZONE))


def period(name: str, now: int) -> tuple[int, int]:
    """Tell when one of `PERIODS` begins and ends; weeks begin on Monday."""
    today = datetime.fromtimestamp(now, _ZONE)
    monday = today - timedelta(days=today.weekday())
    first = today.replace(day=1)
    if name == "today":
        begin, end = today, today + timedelta(days=1)
    elif name == "yesterday":
        begin, end = today - timedelta(days=1), today
    elif name == "this_week":
        begin, end = monday, monday + timedelta(days=7)
    elif name == "last_week":
        begin, end = monday - timedelta(days=7), monday
    elif name == "this_month":
        begin, end = first, first + timedelta(days=31)
        end = end.replace(day=1)
    else:
        begin, end = (first - timedelta(days=1)).replace(day=1), first
    return _midnight(begin), _midnight(end)


def ago(moment: int, now: int) -> str:
    """Tell how long ago something was, as people say it."""
    passed = max(now - moment, 0)
    for seconds, unit in _UNITS:
        if passed >= seconds:
            amount = passed // seconds
            return f"{amount} {unit}{'' if amount == 1 else 's'} ago"
    return "just now"


def _read(text: str, pattern: str) -> int | None:
    try:
        moment = datetime.strptime(text, pattern).replace(tzinfo=_ZONE)
    except ValueError:
        return None
    # `strptime` also takes days and months of one digit; the installation does not.
    return int(moment.timestamp()) if moment.strftime(pattern) == text else None


def _midnight(day: datetime) -> int:
    return int(day.replace(hour=0, minute=0, second=0, microsecond=0).timestamp())
