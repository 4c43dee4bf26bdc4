"""Who asks for an export? Told apart without writing down the API key."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Final

from useresponse_async._secret import Secret

__all__ = ["GUEST", "MARK_FORM", "is_mark_of", "mark_of"]

GUEST: Final = "guest"
MARK_FORM: Final = rf"{GUEST}|[0-9a-f]{{32}}:[0-9a-f]{{64}}"

# Some 50 ms: whoever finds the mark of a key that can be guessed pays them for each guess.
_ROUNDS: Final = 250_000
_SALT_BYTES: Final = 16


def mark_of(key: Secret | None) -> str:
    """Return what tells the asker from others; the key cannot be read from it.

    Args:
        key: The asker's key; ``None`` for a guest.
    """
    return GUEST if key is None else _salted(key, secrets.token_hex(_SALT_BYTES))


def is_mark_of(mark: str, key: Secret | None) -> bool:
    """Return whether ``mark`` was made of ``key``."""
    if key is None or mark == GUEST:
        return key is None and mark == GUEST
    salt, _, _ = mark.partition(":")
    return hmac.compare_digest(mark, _salted(key, salt))


def _salted(key: Secret, salt: str) -> str:
    text = key.reveal().encode("utf-8", "surrogatepass")
    return f"{salt}:{hashlib.pbkdf2_hmac('sha256', text, salt.encode(), _ROUNDS).hex()}"
