"""How does a user look on the wire, to staff and to the public?"""

from useresponse_async.sandbox.catalog import ROLE_IDS, SITE, TEAMS
from useresponse_async.sandbox.custom_fields import values_json
from useresponse_async.sandbox.people import UserRecord

_SIZES = ("big", "medium", "small", "tiny")
_DEFAULT_AVATAR = {size: f"{SITE}/images/avatar_{size}.png" for size in _SIZES}
_ROLES = {alias: {"id": number, "alias": alias} for alias, number in ROLE_IDS.items()}
_TEAMS: dict[int, dict[str, object]] = {
    number: {"id": number, "name": name} for number, name in TEAMS.items()
}


def public_user(user: UserRecord) -> dict[str, object]:
    """Show what a guest may see of a user."""
    return {
        "id": user.id,
        "name": user.name,
        "shortName": user.short_name,
        "avatar": _avatar(user) if user.own_avatar else _DEFAULT_AVATAR,
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
    shown["gravatarEmail"] = user.gravatar
    if user.last_visit is not None:
        shown["lastVisitAt"] = user.last_visit
    shown["team"] = team_json(user.team)
    shown["tags"] = user.tags
    shown["custom_fields"] = values_json("users", user.properties.items(), staff=True)
    return shown


def team_json(number: int) -> dict[str, object] | None:
    """Show a team, or that there is none."""
    return _TEAMS.get(number)


def _avatar(user: UserRecord) -> dict[str, str]:
    if user.avatar is not None:
        return dict.fromkeys(_SIZES, user.avatar)
    return {size: f"{SITE}/avatars/{user.id}_{size}.jpg" for size in _SIZES}
