"""How is what a server says kept from steering the terminal it is shown on?"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["harmless_json"]

# json.dumps spells out the other control characters itself. U+009B begins a command as ESC [ does;
# the next turn text around; halves of surrogate pairs cannot be written at all.
_STEERING: Final = re.compile("[\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def harmless_json(text: str) -> str:
    """Return the same JSON, with what would steer a terminal spelled out."""
    return _STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
