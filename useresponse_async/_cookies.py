"""What becomes of the cookies that a server sets? Nothing: the key alone says who calls."""

from __future__ import annotations

from http.cookiejar import CookieJar

import httpx

__all__ = ["CookielessClient"]


class CookielessClient(httpx.AsyncClient):
    """httpx's client, which keeps no cookies.

    httpx looks for them in every answer, which takes longer than all else that it does above its
    transport, and keeps as many as a server likes to send.

    Args:
        transport: What sends the requests.
    """

    def __init__(self, transport: httpx.AsyncBaseTransport) -> None:
        super().__init__(transport=transport)
        self._no_cookies = _NoCookies()

    @property
    def cookies(self) -> httpx.Cookies:
        """No cookies, whatever was answered."""
        return self._no_cookies

    @cookies.setter
    def cookies(
        self,
        cookies: httpx.Cookies | CookieJar | dict[str, str] | list[tuple[str, str]],  # noqa: ARG002
    ) -> None:
        raise AttributeError("this client keeps no cookies")


class _NoCookies(httpx.Cookies):
    def extract_cookies(self, response: httpx.Response) -> None:
        """Take none."""
