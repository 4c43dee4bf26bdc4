"""What can be done with users?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

from useresponse_async.arguments import (
    Params,
    Properties,
    body_of,
    comma_text,
    optional_id,
    optional_text,
    positive_id,
    text,
)
from useresponse_async.codec import entity, entity_or_none
from useresponse_async.errors import ArgumentError
from useresponse_async.models.user import User
from useresponse_async.operations import Executor, Operation
from useresponse_async.paging import Pages

__all__ = ["UserRole", "UserSort", "Users"]

UserRole: TypeAlias = Literal["user", "agent", "admin"] | str
"""A role's alias; the known ones are spelled out, any other is sent as given."""

UserSort: TypeAlias = (
    Literal["roles", "department", "top_rated", "created_most", "commented_most"] | str
)
"""An order of users; the known ones are spelled out, any other is sent as given."""


class Users:
    """Users: customers, agents and administrators.

    Every method raises, besides what it names itself:

    - :class:`~useresponse_async.ArgumentError`: an argument cannot work; nothing was sent;
    - :class:`~useresponse_async.APIConnectionError`: no answer came
      (:class:`~useresponse_async.APITimeoutError`: none in time);
    - :class:`~useresponse_async.AuthenticationError`,
      :class:`~useresponse_async.PermissionDeniedError`, or another
      :class:`~useresponse_async.APIStatusError`: the server refused;
    - :class:`~useresponse_async.DecodeError`: the answer is not what the API promises;
    - :class:`~useresponse_async.ClientClosedError`: the client is closed.

    Cancelling a call closes its connection; a request that was sent may have had its effect.
    """

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

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
            role: Only users with this role.
            search: Only users that this text finds.
            email: Only the user with this e-mail address.
            sort: The order of the users.
            page: The page to begin with, from 1.
            count: Users on a page, in items; servers are known to honour up to 50.
            params: Further query parameters, sent as given.

        Returns:
            The pages: await them for the first, iterate over them for every user.

        Endpoint: ``GET users/search.json``.
        """
        return Pages(
            self._executor,
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

        Raises:
            NotFoundError: There is no such user, or this key may not see it.

        Endpoint: ``GET users/{id}.json``.
        """
        return await self._executor.execute(
            Operation(
                method="GET",
                path=f"users/{positive_id('user_id', user_id)}.json",
                decode=entity(User),
            )
        )

    async def me(self) -> User:
        """Return the user that the API key belongs to.

        Raises:
            AuthenticationError: There is no key, or it is not valid.

        Endpoint: ``GET me.json``.
        """
        return await self._executor.execute(
            Operation(method="GET", path="me.json", decode=entity(User))
        )

    async def create(
        self,
        email: str,
        *,
        full_name: str,
        password: str | None = None,
        tags: str | Sequence[str] | None = None,
        team_id: int | None = None,
        properties: Properties | None = None,
    ) -> User:
        """Create a user. Sent once only, unless the server says that it was unavailable.

        Args:
            email: The e-mail address, which no other user has.
            full_name: The name.
            password: The password.
            tags: The tags, one by one or as one text with commas.
            team_id: The id of the user's team.
            properties: Values of custom fields by the field's id.

        Returns:
            The new user.

        Raises:
            ConflictError: There is a user with this e-mail address.

        Endpoint: ``POST users.json``.
        """
        body = body_of(
            {
                "email": text("email", email),
                "full_name": text("full_name", full_name),
                "password": optional_text("password", password),
                "tags": comma_text("tags", tags),
                "team_id": optional_id("team_id", team_id),
            },
            properties,
        )
        return await self._executor.execute(
            Operation(method="POST", path="users.json", body=body, decode=entity(User))
        )

    async def update(
        self,
        user_id: int,
        *,
        email: str | None = None,
        full_name: str | None = None,
        phone: str | None = None,
        tags: str | Sequence[str] | None = None,
        team_id: int | None = None,
        properties: Properties | None = None,
    ) -> User | None:
        """Change a user. What is left out stays as it is; at least one thing must be given.

        Args:
            user_id: The user's id.
            email: The new e-mail address, which no other user has.
            full_name: The new name.
            phone: The new telephone number.
            tags: The new tags, one by one or as one text with commas.
            team_id: The id of the user's new team.
            properties: New values of custom fields by the field's id.

        Returns:
            The user as it is now; ``None`` where the server says no more than that it is done.

        Raises:
            ConflictError: There is another user with this e-mail address.
            NotFoundError: There is no such user, or this key may not see it.

        Endpoint: ``POST users/{id}.json``.
        """
        path = f"users/{positive_id('user_id', user_id)}.json"
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
            raise ArgumentError("update", "nothing to change was given, e.g. full_name")
        return await self._executor.execute(
            Operation(method="POST", path=path, body=body, decode=entity_or_none(User))
        )

    async def delete(self, user_id: int) -> User | None:
        """Delete a user for good.

        Args:
            user_id: The user's id.

        Returns:
            The user as it was; ``None`` where the server says no more than that it is done.

        Raises:
            NotFoundError: There is no such user, or this key may not see it.

        Endpoint: ``DELETE users/{id}.json``.
        """
        return await self._executor.execute(
            Operation(
                method="DELETE",
                path=f"users/{positive_id('user_id', user_id)}.json",
                decode=entity_or_none(User),
                absent_is_done=True,
            )
        )

    async def change_password(self, user_id: int, password: str) -> User | None:
        """Give a user a new password.

        Args:
            user_id: The user's id.
            password: The new password.

        Returns:
            The user; ``None`` where the server says no more than that it is done.

        Raises:
            NotFoundError: There is no such user, or this key may not see it.

        Endpoint: ``POST users/{id}/change-password.json``.
        """
        return await self._executor.execute(
            Operation(
                method="POST",
                path=f"users/{positive_id('user_id', user_id)}/change-password.json",
                body={"password": text("password", password)},
                decode=entity_or_none(User),
            )
        )
