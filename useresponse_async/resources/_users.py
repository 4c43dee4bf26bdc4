"""Users."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from useresponse_async._arguments import (
    Params,
    Properties,
    Tags,
    body_of,
    comma_text,
    optional_id,
    optional_text,
    positive_id,
    query_of,
    secret_text,
    text,
    truth,
)
from useresponse_async._decode import entity, entity_or_none, list_of
from useresponse_async._exceptions import ArgumentError
from useresponse_async._pagination import Pages
from useresponse_async._secret import Secret
from useresponse_async._session import Session
from useresponse_async.models import CustomField, Object, User
from useresponse_async.resources._notes import Notes
from useresponse_async.resources._resource import Resource

__all__ = ["UserRole", "UserSort", "Users"]

UserRole: TypeAlias = Literal["user", "agent", "admin"] | str
"""A role's alias; values other than those listed are sent unchanged."""

UserSort: TypeAlias = (
    Literal["roles", "department", "top_rated", "created_most", "commented_most"] | str
)
"""A sort order of users; values other than those listed are sent unchanged."""


class Users(Resource):
    """Users: customers, agents and administrators.

    Every method can also raise the exceptions that
    :class:`~useresponse_async.resources.Resource` lists.

    Attributes:
        notes: The resource with the methods for agents' notes about users.
    """

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.notes: Notes = Notes(session)

    def search(
        self,
        *,
        role: UserRole | None = None,
        search: str | None = None,
        email: str | None = None,
        sort: UserSort | None = None,
        page: int | None = None,
        count: int = 50,
        params: Params | None = None,
    ) -> Pages[User]:
        """Search users, or list all of them.

        Args:
            role: Only users with this role: ``user``, ``agent``, ``admin`` or a custom role.
            search: Only users that contain this text.
            email: Only the user with this email address.
            sort: The server's sort order: ``roles``, ``department``, ``top_rated``,
                ``created_most`` or ``commented_most``.
            page: Number of the first page; default: 1.
            count: Number of users per page; servers may ignore values above 50.
            params: Additional query parameters, sent unchanged.

        Returns:
            A paginated list: await it for one page, or use ``async for`` to get all users.

        Raises:
            ArgumentError: An argument is invalid, or is repeated in ``params``.

        Endpoint: ``GET users/search.json``.
        """
        return Pages(
            self._session,
            "users/search.json",
            User,
            query={
                "role": optional_text("role", role),
                "search": optional_text("search", search),
                "email": optional_text("email", email),
                "sort": optional_text("sort", sort),
            },
            params=params,
            page=page,
            count=count,
        )

    async def get(self, user_id: int) -> User:
        """Return a user.

        Args:
            user_id: The user's id.

        Returns:
            The user.

        Raises:
            NotFoundError: The user does not exist, or this key has no access to it.

        Endpoint: ``GET users/{id}.json``.
        """
        path = f"users/{positive_id('user_id', user_id)}.json"
        return await self._call("GET", path, entity(User))

    async def get_by_email(self, email: str) -> User | None:
        """Return the user with the given email address, or ``None``.

        If this key has no access to email addresses, they cannot be compared: a single result
        is returned unchecked. If the server does not filter by address, all users are read.

        Args:
            email: The email address; its case is ignored.

        Returns:
            The user; ``None`` if there is none, or this key has no access to it.

        Raises:
            PermissionDeniedError: The API key's owner is not permitted to search users.

        Endpoint: ``GET users/search.json``.
        """
        wanted = text("email", email).strip().casefold()
        without_email: list[User] = []
        async with self.search(email=email.strip()) as users:
            async for user in users:
                if user.email is None:
                    without_email = [*without_email[:1], user]
                elif user.email.strip().casefold() == wanted:
                    return user
        return without_email[0] if len(without_email) == 1 else None

    async def me(self) -> User:
        """Return the API key's owner.

        Returns:
            The user; its ``api_key`` is a :class:`~useresponse_async.Secret`.

        Raises:
            AuthenticationError: The API key is missing or invalid.

        Endpoint: ``GET me.json``.
        """
        return await self._call("GET", "me.json", entity(User), sensitive=True)

    async def update_me(
        self,
        *,
        email: str | None = None,
        full_name: str | None = None,
        phone: str | None = None,
        tags: Tags | None = None,
        team_id: int | None = None,
        properties: Properties | None = None,
    ) -> User | None:
        """Update the API key's owner. Pass at least one field; the others stay unchanged.

        Not idempotent: retried only after a 503, a 429 or a failure to connect.

        Args:
            email: The new email address, which must be unique.
            full_name: The new full name; ``name`` in the model.
            phone: The new telephone number; an empty string removes it.
            tags: The tags that replace the old ones, as a sequence or as one comma-separated
                string.
            team_id: The id of the new team.
            properties: The new values of custom fields: a mapping of field ids to values.

        Returns:
            The updated user; ``None`` if the server sends only a confirmation.

        Raises:
            ArgumentError: No field was passed, or an argument is invalid.
            ConflictError: Another user already has this email address.

        Endpoint: ``POST profile/update.json``.
        """
        body = _changes(
            properties, email=email, full_name=full_name, phone=phone, tags=tags, team_id=team_id
        )
        return await self._call(
            "POST", "profile/update.json", entity_or_none(User), body=body, sensitive=True
        )

    async def create(
        self,
        email: str,
        *,
        full_name: str,
        password: str | Secret | None = None,
        tags: Tags | None = None,
        team_id: int | None = None,
        properties: Properties | None = None,
    ) -> User:
        """Create a user.

        Not idempotent: retried only after a 503, a 429 or a failure to connect.

        Args:
            email: The email address, which must be unique.
            full_name: The user's full name; ``name`` in the model.
            password: The password; it never appears in an error.
            tags: The tags, as a sequence or as one comma-separated string.
            team_id: The id of the user's team.
            properties: The values of custom fields: a mapping of field ids to values.

        Returns:
            The new user.

        Raises:
            ConflictError: Another user already has this email address.

        Endpoint: ``POST users.json``.
        """
        password = None if password is None else secret_text("password", password)
        body = body_of(
            {
                "email": text("email", email),
                "full_name": text("full_name", full_name),
                "tags": comma_text("tags", tags),
                "team_id": optional_id("team_id", team_id),
            },
            properties,
        )
        if password is not None:
            body["password"] = password
        return await self._call(
            "POST", "users.json", entity(User), body=body, sensitive=password is not None
        )

    async def update(
        self,
        user_id: int,
        *,
        email: str | None = None,
        full_name: str | None = None,
        phone: str | None = None,
        tags: Tags | None = None,
        team_id: int | None = None,
        properties: Properties | None = None,
    ) -> User | None:
        """Update a user. Pass at least one field; the others stay unchanged.

        Not idempotent: retried only after a 503, a 429 or a failure to connect.

        Args:
            user_id: The user's id.
            email: The new email address, which must be unique.
            full_name: The new full name; ``name`` in the model.
            phone: The new telephone number; an empty string removes it.
            tags: The tags that replace the old ones, as a sequence or as one comma-separated
                string.
            team_id: The id of the user's new team.
            properties: The new values of custom fields: a mapping of field ids to values.

        Returns:
            The updated user; ``None`` if the server sends only a confirmation.

        Raises:
            ArgumentError: No field was passed, or an argument is invalid.
            ConflictError: Another user already has this email address.
            NotFoundError: The user does not exist, or this key has no access to it.

        Endpoint: ``POST users/{id}.json``.
        """
        path = f"users/{positive_id('user_id', user_id)}.json"
        body = _changes(
            properties, email=email, full_name=full_name, phone=phone, tags=tags, team_id=team_id
        )
        return await self._call("POST", path, entity_or_none(User), body=body)

    async def delete(self, user_id: int) -> User | None:
        """Delete a user permanently.

        Args:
            user_id: The user's id.

        Returns:
            The deleted user; ``None`` if the server sends only a confirmation.

        Raises:
            NotFoundError: The user does not exist, or this key has no access to it.

        Endpoint: ``DELETE users/{id}.json``.
        """
        path = f"users/{positive_id('user_id', user_id)}.json"
        return await self._call("DELETE", path, entity_or_none(User), absent_is_done=True)

    async def change_password(self, user_id: int, password: str | Secret) -> User | None:
        """Change a user's password.

        Not idempotent: retried only after a 503, a 429 or a failure to connect.

        Args:
            user_id: The user's id.
            password: The new password; it never appears in an error.

        Returns:
            The user; ``None`` if the server sends only a confirmation.

        Raises:
            NotFoundError: The user does not exist, or this key has no access to it.

        Endpoint: ``POST users/{id}/change-password.json``.
        """
        password = secret_text("password", password)
        path = f"users/{positive_id('user_id', user_id)}/change-password.json"
        return await self._call(
            "POST", path, entity_or_none(User), body={"password": password}, sensitive=True
        )

    async def ban(
        self,
        user_id: int,
        *,
        reason: str | None = None,
        days: int | None = None,
        permanent: bool | None = None,
        delete_related_objects: bool | None = None,
    ) -> User | None:
        """Ban a user. The API has no endpoint to lift a ban.

        Not idempotent: retried only after a 503, a 429 or a failure to connect.

        Args:
            user_id: The user's id.
            reason: The reason for the ban.
            days: Duration of the ban, in days; ignored if ``permanent`` is true. If neither is
                passed, the server decides.
            permanent: Ban permanently.
            delete_related_objects: Also delete everything that the user has written.

        Returns:
            The user; ``None`` if the server sends only a confirmation.

        Raises:
            NotFoundError: The user does not exist, or this key has no access to it.

        Endpoint: ``POST users/{id}/ban.json``.
        """
        path = f"users/{positive_id('user_id', user_id)}/ban.json"
        # The only endpoint that is documented to take JSON's true and false.
        flags = {"permanent": permanent, "delete_related_objects": delete_related_objects}
        body = body_of(
            {
                "ban_reason": optional_text("reason", reason),
                "ban_duration_days": optional_id("days", days),
                **{name: truth(name, on) for name, on in flags.items() if on is not None},
            }
        )
        return await self._call("POST", path, entity_or_none(User), body=body)

    def activity(
        self,
        user_id: int,
        *,
        page: int | None = None,
        count: int = 50,
        params: Params | None = None,
    ) -> Pages[Object]:
        """List the tickets, topics and other objects on which a user has been active.

        Args:
            user_id: The user's id.
            page: Number of the first page; default: 1.
            count: Number of objects per page; servers may ignore values above 50.
            params: Additional query parameters, sent unchanged.

        Returns:
            A paginated list: await it for one page, or use ``async for`` to get all objects.

        Raises:
            ArgumentError: An argument is invalid, or is repeated in ``params``.

        Endpoint: ``GET users/{id}/activity.json``.
        """
        return Pages(
            self._session,
            f"users/{positive_id('user_id', user_id)}/activity.json",
            Object,
            query={},
            params=params,
            page=page,
            count=count,
        )

    async def custom_fields(self, *, params: Params | None = None) -> list[CustomField]:
        """List the custom fields of users.

        Args:
            params: Query parameters, sent unchanged.

        Returns:
            The fields.

        Raises:
            NotFoundError: The server's API version does not have this endpoint.

        Endpoint: ``GET users/custom-fields/list.json``.
        """
        path = "users/custom-fields/list.json"
        query = query_of({}, params)
        return await self._call("GET", path, list_of(CustomField), query=query)


def _changes(
    properties: Properties | None,
    *,
    email: str | None,
    full_name: str | None,
    phone: str | None,
    tags: Tags | None,
    team_id: int | None,
) -> dict[str, Any]:
    body = body_of(
        {
            "email": optional_text("email", email),
            "full_name": optional_text("full_name", full_name),
            "phone": phone,
            "tags": comma_text("tags", tags),
            "team_id": optional_id("team_id", team_id),
        },
        properties,
    )
    if not body:
        raise ArgumentError("update", "nothing to change; pass an argument, e.g. full_name")
    return body
