"""Move from `useresponse` 0.0.7: the same work with both, and a comparison of the results.

Install:  pip install useresponse-async useresponse==0.0.7
Run:      python from_useresponse.py
Needs:    USERESPONSE_URL and USERESPONSE_API_KEY in the environment

    useresponse 0.0.7                            useresponse-async
    API(url, key)                                AsyncClient(url, api_key=key)
    users.get(7) -> dict                         await users.get(7) -> User
    users.get_by_email(address)                  await users.get_by_email(address)
    users.search(page=2)["data"]                 (await users.search(page=2)).items
    users.search_iter(role="user")               async for user in users.search(role="user")
    users.edit(7, full_name=…)                   await users.update(7, full_name=…)
    tickets.search_iter(status=TicketStatus.all) async for ticket in tickets.search(status="all")
    user["shortName"], user["role"]["alias"]     user.short_name, user.role.alias
    UnauthenticatedException  401                AuthenticationError
    UnauthorizedException     403                PermissionDeniedError
    404: None, or the error as a dict            NotFoundError
    UseresponseSso(…).get_login_url(redirect)    sso.login_url(…, redirect=redirect)

Also different: 503 and 500 are retried, pages are fetched concurrently, logs and errors do not
contain the key, and the default API version is 3.0.
"""

import os
import sys
from typing import Any

import anyio
from useresponse.api import API
from useresponse.api.tickets import TicketStatus

from useresponse_async import AsyncClient


def before(url: str, key: str) -> dict[str, Any]:
    api = API(url, key)
    return {
        "names": [user["name"] for user in api.users.search_iter(role="user")],
        "role of 7": api.users.get(7)["role"]["alias"],
        "second page": [user["id"] for user in api.users.search(page=2, count=20)["data"]],
        "titles": [one["title"] for one in api.tickets.search_iter(status=TicketStatus.all)],
    }


async def after(url: str, key: str) -> dict[str, Any]:
    async with AsyncClient(url, api_key=key, api_version="4.0") as client:
        seven = await client.users.get(7)
        second = await client.users.search(page=2, count=20)
        return {
            "names": [user.name async for user in client.users.search(role="user")],
            "role of 7": seven.role and seven.role.alias,
            "second page": [user.id for user in second.items],
            "titles": [one.title async for one in client.tickets.search(status="all")],
        }


if __name__ == "__main__":
    site = os.environ["USERESPONSE_URL"], os.environ["USERESPONSE_API_KEY"]
    old, new = before(*site), anyio.run(after, *site)
    for what in old:
        print(f"{what}: {'the same' if old[what] == new[what] else 'NOT the same'}")
    sys.exit(old != new)
