"""Login URLs for One Login, UseResponse's single sign-on."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from itertools import cycle
from typing import Final
from urllib.parse import urlencode

from useresponse_async._arguments import encodable, positive_id, text
from useresponse_async._exceptions import ArgumentError
from useresponse_async._secret import Secret

__all__ = ["login_url"]

_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"


def login_url(
    *,
    domain: str,
    secret: str | Secret,
    source: str,
    full_name: str,
    email: str,
    user_id: str | int,
    properties: Mapping[int, str] | None = None,
    redirect: str | None = None,
) -> str:
    """Return a URL that signs a user in when a browser opens it. Nothing is sent.

    Treat the URL like a password, and do not log it: it does not expire, so anyone who reads it
    can sign in as that user until the secret changes. The algorithm is the vendor's, and weak by
    today's standards (SHA-1, MD5 and a reversible encoding).

    Args:
        domain: The site's URL with its scheme, e.g. ``https://help.example.org``.
        secret: The secret of the integration, from the One Login settings.
        source: The integration domain, without a scheme, as in the One Login settings.
        full_name: The user's full name.
        email: The user's email address.
        user_id: The user's id in your system.
        properties: The values of the user's custom fields: a mapping of field ids to values.
        redirect: The URL to open after login.

    Returns:
        The URL; keep it secret.

    Raises:
        ArgumentError: An argument is empty or malformed; the message does not contain its value.

    Endpoint: ``GET {domain}/sso/…/direct-sso``, by the user's browser.
    """
    if "://" in source:
        raise ArgumentError("source", "must be a domain without a scheme, e.g. example.com")
    key = _utf8("secret", secret.reveal() if isinstance(secret, Secret) else secret)
    path = "/".join(
        _encoded(_utf8(name, value), key)
        for name, value in {
            "source": source,
            "full_name": full_name,
            "email": email,
            "user_id": str(user_id),
        }.items()
    )
    signature = _signature(key, full_name, str(user_id), email, source)
    query = urlencode(_query(key, properties, redirect))
    url = f"{_address(domain)}/sso/{path}/{signature}/direct-sso"
    return f"{url}?{query}" if query else url


def _address(domain: str) -> str:
    scheme, mark, rest = text("domain", domain).partition("://")
    if scheme.lower() not in {"http", "https"} or not mark or not rest.strip("/"):
        raise ArgumentError("domain", "not a URL with a scheme, e.g. https://example.org")
    if "?" in rest or "#" in rest:
        raise ArgumentError("domain", "contains a query or a fragment")
    return domain.rstrip("/")


def _utf8(name: str, value: str) -> bytes:
    return encodable(name, text(name, value)).encode()


def _encoded(data: bytes, secret: bytes) -> str:
    key = hashlib.sha1(secret).hexdigest().encode()  # noqa: S324 - the vendor's choice
    shifted = [byte + shift for byte, shift in zip(data, cycle(key), strict=False)]
    # In base 36, which takes two digits, of which the last comes first.
    return "".join(_DIGITS[number % 36] + _DIGITS[number // 36] for number in shifted)


def _signature(secret: bytes, *values: str) -> str:
    inner = hashlib.md5(secret[::-1]).hexdigest()  # noqa: S324 - the vendor's choice
    glue = hashlib.sha1(inner.encode()).hexdigest()  # noqa: S324 - the vendor's choice
    joined = glue.join(values).encode()
    return hashlib.sha1(joined[::-1]).hexdigest()  # noqa: S324 - the vendor's choice


def _query(
    secret: bytes, properties: Mapping[int, str] | None, redirect: str | None
) -> dict[str, str]:
    query = {} if redirect is None else {"redirect": text("redirect", redirect)}
    for field_id, value in (properties or {}).items():
        name = f"properties[property_{positive_id('properties', field_id)}]"
        query[name] = _encoded(_utf8("properties", value), secret)
    return query
