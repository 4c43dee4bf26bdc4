"""Times and markup as the site writes and reads them."""

import re
from datetime import datetime, timedelta, timezone
from html import escape, unescape

# Not UTC on purpose: a client that reads the local text as UTC is two hours off.
_ZONE = timezone(timedelta(hours=2))

#: Formats of the times that calls send.
MOMENT = "%Y-%m-%d %H:%M:%S"
DAY = "%d.%m.%Y"

DAY_SECONDS = 86_400
_UNITS = ((DAY_SECONDS, "day"), (3600, "hour"), (60, "minute"))


def local_text(moment: int) -> str:
    return datetime.fromtimestamp(moment, _ZONE).strftime(MOMENT)


def read_time(text: str, pattern: str) -> int | None:
    """Return the Unix time of a local text in a format, or None if it does not fit."""
    try:
        moment = datetime.strptime(text, pattern).replace(tzinfo=_ZONE)
    except ValueError:
        return None
    # `strptime` also accepts days and months of one digit; the site does not.
    return int(moment.timestamp()) if moment.strftime(pattern) == text else None


def day_of(moment: int) -> int:
    return _midnight(datetime.fromtimestamp(moment, _ZONE))


def periods(now: int) -> dict[str, tuple[int, int]]:
    """Return when each value of `date` in a list of tickets begins and ends."""
    today = datetime.fromtimestamp(now, _ZONE)
    day = timedelta(days=1)
    monday = today - timedelta(days=today.weekday())
    first = today.replace(day=1)
    named = {
        "today": (today, today + day),
        "yesterday": (today - day, today),
        "this_week": (monday, monday + 7 * day),
        "last_week": (monday - 7 * day, monday),
        "this_month": (first, (first + 31 * day).replace(day=1)),
        "last_month": ((first - day).replace(day=1), first),
    }
    return {name: (_midnight(begin), _midnight(end)) for name, (begin, end) in named.items()}


def _midnight(day: datetime) -> int:
    return int(day.replace(hour=0, minute=0, second=0, microsecond=0).timestamp())


def ago(moment: int, now: int) -> str:
    """Return how long ago a moment was, such as `2 days ago`."""
    passed = max(now - moment, 0)
    for seconds, unit in _UNITS:
        if passed >= seconds:
            amount = passed // seconds
            return f"{amount} {unit}{'' if amount == 1 else 's'} ago"
    return "just now"


_TO_HTML = (
    (re.compile(r"\[([bius])\](.*?)\[/\1\]", re.DOTALL), r"<\1>\2</\1>"),
    (re.compile(r"\[url=(https?://[^\]\s]+)\](.*?)\[/url\]", re.DOTALL), r'<a href="\1">\2</a>'),
    (re.compile(r"\[quote\](.*?)\[/quote\]", re.DOTALL), r"<blockquote>\1</blockquote>"),
    (re.compile(r"\n"), "<br />\n"),
)
_TO_BBCODE = (
    (re.compile(r"<(/?[bius])>", re.IGNORECASE), r"[\1]"),
    (
        re.compile(r'<a\s[^>]*?href="([^"]*)"[^>]*>(.*?)</a>', re.DOTALL | re.IGNORECASE),
        r"[url=\1]\2[/url]",
    ),
    (re.compile(r"<(/?)blockquote>", re.IGNORECASE), r"[\1quote]"),
    (re.compile(r"<br\s*/?>\n?", re.IGNORECASE), "\n"),
    (re.compile(r"<[^>]+>"), ""),
)


def markup(content: str, *, is_html: bool, as_bbcode: bool) -> str:
    """Return a content as BBCode or as HTML, from the markup that it was written in."""
    if is_html == (not as_bbcode):
        return content
    if is_html:
        for pattern, replacement in _TO_BBCODE:
            content = pattern.sub(replacement, content)
        return unescape(content)
    content = escape(content)
    for pattern, replacement in _TO_HTML:
        content = pattern.sub(replacement, content)
    return content
