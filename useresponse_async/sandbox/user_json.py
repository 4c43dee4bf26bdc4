"""How does a user look on the wire, to staff and to the public?"""

from functools import lru_cache

from useresponse_async.sandbox.catalog import ROLE_IDS, SITE, TEAMS, USER_FIELDS
from useresponse_async.sandbox.people import UserRecord

_SIZES = ("big", "medium", "small", "tiny")
_DEFAULT_AVATAR = {size: f"{SITE}/images/avatar_{size}.png" for size in _SIZES}
_ROLES = {alias: {"id": number, "alias": alias} for alias, number in ROLE_IDS.items()}
_TEAMS = {number: {"id": number, "name": name} for number, name in TEAMS.items()}


def public_user(user: UserRecord) -> dict[str, object]:
    """Show what a guest may see of a user."""
    return {
        "id": user.id,
        "name": user.name,
        "shortName": user.short_name,
        "avatar": _avatar(user.id) if user.own_avatar else _DEFAULT_AVATAR,
        "isDefaultAvatar": not user.own_avatar,
        "profileUrl": f"{SITE}/users/{user.id}",
        "registrationDate": user.registered,
        "role": _ROLES[user.role],
    }


def full_user(user: UserRecord) -> dict[str, object]:
    """Show what staff may see of a user; what is unknown is left out."""
    shown = public_user(user)
    if user.email is not None:
        shown["email"] = user.email
    if user.phone is not None:
        shown["phone"] = user.phone
    shown["gravatarEmail"] = None
    if user.last_visit is not None:
        shown["lastVisitAt"] = user.last_visit
    shown["team"] = _TEAMS.get(user.team)
    shown["tags"] = user.tags
    shown["custom_fields"] = [_field(*field) for field in user.properties.items()]
    return shown


# The same few values come up for everybody, and nobody changes what comes back from here.
@lru_cache(maxsize=1024)
def _field(number: int, values: tuple[str, ...]) -> dict[str, object]:
    return {
        "id": number,
        "label": USER_FIELDS[number],
        "name": f"property_{number}",
        "value": values,
        "textValue": values,
    }


def _avatar(number: int) -> dict[str, str]:
    base = f"{SITE}/avatars/{number}_"
    return {
        "big": base + "big.jpg",
        "medium": base + "medium.jpg",
        "small": base + "small.jpg",
        "tiny": base + "tiny.jpg",
    }
