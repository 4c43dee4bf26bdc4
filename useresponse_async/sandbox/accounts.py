"""Which key belongs to whom, and who can prove to be whom?"""

import hmac
from hashlib import blake2b

from useresponse_async.sandbox.catalog import Role
from useresponse_async.sandbox.people import KEY_HOLDERS, UserRecord

_ROLES: dict[int, Role] = {number: role for role, number in KEY_HOLDERS.items()}


class Accounts:
    """The keys of one sandbox: one for each role from the start, others as they are issued."""

    def __init__(self, api_key: str) -> None:
        self._api_key = api_key
        self._issued: dict[str, int] = {}
        self.role_keys: dict[Role, str] = {
            "admin": api_key,
            "agent": f"{api_key}-agent",
            "user": f"{api_key}-user",
        }

    def role_of_key(self, key: str) -> Role | None:
        """Tell which role's key this is, if it is one of those."""
        return next((role for role, known in self.role_keys.items() if known == key), None)

    def owner(self, key: str) -> int | None:
        """Tell to whom a key was issued."""
        return self._issued.get(key)

    def issue(self, user: int) -> str:
        """Give a user's key, the same every time."""
        if user in _ROLES:
            return self.role_keys[_ROLES[user]]
        key = blake2b(f"{self._api_key}:{user}".encode(), digest_size=20).hexdigest()
        self._issued[key] = user
        return key

    def sso_token(self, email: str, sso_id: str | None = None) -> str:
        """Tell the token that `sso/identity.json` takes for an address and an id."""
        text = f"{email.lower()}\n{sso_id or ''}"
        return hmac.new(f"{self._api_key}-sso".encode(), text.encode(), "sha256").hexdigest()


def knows_password(user: UserRecord, password: str) -> bool:
    """Tell whether this is the user's password."""
    return user.password is not None and hmac.compare_digest(
        user.password.encode(), password.encode()
    )
