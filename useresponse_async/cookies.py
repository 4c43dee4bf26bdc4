"""When is a response searched for cookies? Only where it sets one."""

from __future__ import annotations

from http.cookiejar import CookieJar

import httpx

__all__ = ["HTTPClient"]


class HTTPClient(httpx.AsyncClient):
    """httpx's client, without the search for cookies in answers that set none.

    httpx writes request and response anew for the standard library's cookie jar before it looks,
    which takes longer than all else that it does above its transport.

    Args:
        transport: What sends the requests.
    """

    def __init__(self, transport: httpx.AsyncBaseTransport) -> None:
        super().__init__(transport=transport)
        self._set_cookies = _SetCookies()

    @property
    def cookies(self) -> httpx.Cookies:
        """The cookies that answers have set."""
        return self._set_cookies

    @cookies.setter
    def cookies(
        self, cookies: httpx.Cookies | CookieJar | dict[str, str] | list[tuple[str, str]]
    ) -> None:
        self._set_cookies = _SetCookies(cookies)


class _SetCookies(httpx.Cookies):
    def extract_cookies(self, response: httpx.Response) -> None:
        if "Set-Cookie" in response.headers:
            super().extract_cookies(response)
