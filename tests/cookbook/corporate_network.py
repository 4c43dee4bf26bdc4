"""Connect from a corporate network: a proxy, a certificate authority, a gateway's header.

Install:  pip install useresponse-async
Run:      python corporate_network.py http://proxy:3128 corporate-ca.pem
Needs:    USERESPONSE_URL and USERESPONSE_API_KEY in the environment, and GATEWAY_TOKEN
          if a gateway requires its own token in every request

A transport of your own (`transport=`) replaces the client's. So it needs the proxy, the authority
and as many connections as there are requests in flight; and what it logs contains the API key.
"""

import os
import ssl
import sys

import anyio

from useresponse_async import AsyncClient, Secret


def make_client(proxy: str, ca_file: str) -> AsyncClient:
    # Only the corporate authority is trusted. To trust it in addition to the usual ones, create
    # the default context and then call context.load_verify_locations(ca_file).
    context = ssl.create_default_context(cafile=ca_file)
    token = os.environ.get("GATEWAY_TOKEN")
    headers = {"X-Gateway-Token": Secret(token)} if token else {}  # shown in no log and no error
    # Without proxy=, HTTPS_PROXY, ALL_PROXY and NO_PROXY of the environment are used.
    return AsyncClient(verify=context, proxy=proxy, headers=headers)


async def main(proxy: str, ca_file: str) -> None:
    async with make_client(proxy, ca_file) as client:
        me = await client.users.me()
        print(f"I am {me.name}, one of {await client.users.search().count()} users")


if __name__ == "__main__":
    anyio.run(main, sys.argv[1], sys.argv[2])
