"""Login, registration and identity."""

from __future__ import annotations

from typing import Literal, TypeAlias

from useresponse_async._arguments import (
    Properties,
    body_of,
    optional_text,
    property_keys,
    query_of,
    secret_text,
    text,
)
from useresponse_async._decode import entity
from useresponse_async._secret import Secret
from useresponse_async.models import User
from useresponse_async.resources._resource import Resource

__all__ = ["Auth", "AvatarType"]

AvatarType: TypeAlias = Literal["url", "content", "gravatar"] | str
"""The form of a picture; values other than those listed are sent unchanged."""


class Auth(Resource):
    """Login and registration. The returned users contain their API keys, as secrets.

    Every method can also raise the exceptions that
    :class:`~useresponse_async.resources.Resource` lists. Passwords and tokens never
    appear in an error.
    """

    async def login(self, email: str, password: str | Secret) -> User:
        """Sign a user in.

        Not idempotent: retried only after a 503, a 429 or a failure to connect.

        Args:
            email: The user's email address.
            password: The user's password.

        Returns:
            The user, with ``api_key``.

        Raises:
            AuthenticationError: The email address or the password is wrong.

        Endpoint: ``POST auth/login.json``.
        """
        password = secret_text("password", password)
        body = {"email": text("email", email), "password": password}
        return await self._call("POST", "auth/login.json", entity(User), body=body, sensitive=True)

    async def register(
        self,
        *,
        name: str | None = None,
        email: str | None = None,
        sso_id: str | None = None,
        avatar_type: AvatarType | None = None,
        avatar_content: str | None = None,
        properties: Properties | None = None,
    ) -> User:
        """Register a user.

        Not idempotent: retried only after a 503, a 429 or a failure to connect.

        No argument is required: some servers create a guest if none is passed.

        Args:
            name: The user's name.
            email: The user's email address.
            sso_id: The user's id in another system.
            avatar_type: The form of the picture: ``url``, ``content`` or ``gravatar``.
            avatar_content: The picture's URL, or the picture itself in base64.
            properties: The values of custom fields: a mapping of field ids to values.

        Returns:
            The new user, with ``api_key``.

        Raises:
            ConflictError: Another user already has this email address.

        Endpoint: ``POST register.json``.
        """
        body = body_of(
            {
                "name": optional_text("name", name),
                "email": optional_text("email", email),
                "sso_id": optional_text("sso_id", sso_id),
                "avatar_type": optional_text("avatar_type", avatar_type),
                "avatar_content": optional_text("avatar_content", avatar_content),
                "properties": property_keys(properties) or None,
            }
        )
        return await self._call("POST", "register.json", entity(User), body=body, sensitive=True)

    async def identity(self, token: str | Secret, email: str, *, sso_id: str | None = None) -> User:
        """Return the user whom another system signed in.

        Args:
            token: The other system's token for the user.
            email: The user's email address.
            sso_id: The user's id in the other system.

        Returns:
            The user, with ``api_key``.

        Raises:
            AuthenticationError: The token is invalid.

        Endpoint: ``GET sso/identity.json``.
        """
        token = secret_text("token", token)
        query = query_of({"email": text("email", email), "sso_id": optional_text("sso_id", sso_id)})
        return await self._call(
            "GET",
            "sso/identity.json",
            entity(User),
            query=(("token", token), *query),
            sensitive=True,
        )
