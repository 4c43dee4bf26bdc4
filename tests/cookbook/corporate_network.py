"""Connect from a corporate network: a proxy, a certificate authority, a gateway's header.

Install:  pip install useresponse-async
Run:      python corporate_network.py http://proxy:3128 corporate-ca.pem
Needs:    USERESPONSE_URL and USERESPONSE_API_KEY in the environment, and GATEWAY_TOKEN
          if a gateway requires its own token in every request
"""

import os
import ssl
import sys

import anyio
import httpx

from useresponse_async import AsyncClient


class GatewayTransport(httpx.AsyncBaseTransport):
    """Adds the gateway's header. Do not log the requests seen here: they contain the API key."""

    def __init__(self, inner: httpx.AsyncBaseTransport, token: str) -> None:
        self._inner = inner
        self._token = token

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        request.headers["X-Gateway-Token"] = self._token
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self._inner.aclose()


def make_client(proxy: str, ca_file: str) -> AsyncClient:
    # Only the corporate authority is trusted. To trust it in addition to the usual ones, create
    # the default context and then call context.load_verify_locations(ca_file).
    context = ssl.create_default_context(cafile=ca_file)
    token = os.environ.get("GATEWAY_TOKEN")
    if token is None:
        # Without proxy=, HTTPS_PROXY, ALL_PROXY and NO_PROXY of the environment are used.
        return AsyncClient(verify=context, proxy=proxy)
    # Your own transport replaces the client's, so it also needs the proxy, the authority and as
    # many connections as there are requests in flight.
    limits = httpx.Limits(max_connections=10, max_keepalive_connections=10)
    wire = httpx.AsyncHTTPTransport(verify=context, proxy=proxy, limits=limits)
    return AsyncClient(transport=GatewayTransport(wire, token), max_in_flight=10)


async def main(proxy: str, ca_file: str) -> None:
    async with make_client(proxy, ca_file) as client:
        me = await client.users.me()
        print(f"I am {me.name}, one of {await client.users.search().count()} users")


if __name__ == "__main__":
    anyio.run(main, sys.argv[1], sys.argv[2])
