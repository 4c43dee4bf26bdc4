"""How does BBCode become HTML, and HTML BBCode?"""

import re
from html import escape, unescape

_SIMPLE = ("b", "i", "u", "s")
_TO_HTML = (
    (re.compile(rf"\[({'|'.join(_SIMPLE)})\](.*?)\[/\1\]", re.DOTALL), r"<\1>\2</\1>"),
    (
        re.compile(r"\[url=(https?://[^\]\s]+)\](.*?)\[/url\]", re.DOTALL),
        r'<a href="\1">\2</a>',
    ),
    (re.compile(r"\[quote\](.*?)\[/quote\]", re.DOTALL), r"<blockquote>\1</blockquote>"),
    (re.compile(r"\n"), "<br />\n"),
)
_TO_BBCODE = (
    (re.compile(rf"<(/?(?:{'|'.join(_SIMPLE)}))>", re.IGNORECASE), r"[\1]"),
    (
        re.compile(r'<a\s[^>]*?href="([^"]*)"[^>]*>(.*?)</a>', re.DOTALL | re.IGNORECASE),
        r"[url=\1]\2[/url]",
    ),
    (re.compile(r"<(/?)blockquote>", re.IGNORECASE), r"[\1quote]"),
    (re.compile(r"<br\s*/?>\n?", re.IGNORECASE), "\n"),
    (re.compile(r"<[^>]+>"), ""),
)


def shown(content: str, *, is_html: bool, as_bbcode: bool) -> str:
    """Show a content in the markup a call asks for, whichever it was written in."""
    if is_html:
        return _to_bbcode(content) if as_bbcode else content
    return content if as_bbcode else _to_html(content)


def _to_html(bbcode: str) -> str:
    text = escape(bbcode)
    for pattern, replacement in _TO_HTML:
        text = pattern.sub(replacement, text)
    return text


def _to_bbcode(html: str) -> str:
    text = html
    for pattern, replacement in _TO_BBCODE:
        text = pattern.sub(replacement, text)
    return unescape(text)
