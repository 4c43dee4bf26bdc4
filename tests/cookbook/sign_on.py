"""Log users of your site in to UseResponse: One Login.

Install:  pip install useresponse-async fastapi uvicorn
Run:      python sign_on.py --port 8000, and open /support or /support?to=/topic/1

The environment: USERESPONSE_URL, and USERESPONSE_SSO_SECRET and USERESPONSE_SSO_SOURCE from the
One Login settings. An API key is not needed.

An authenticating proxy, such as oauth2-proxy, names the user in X-Forwarded-… headers. So only
that proxy may have access to this port.
"""

import argparse
import os
import re
from typing import Annotated

import uvicorn
from fastapi import Depends, FastAPI, Header, HTTPException, Query
from fastapi.responses import RedirectResponse
from pydantic import BaseModel

from useresponse_async import Secret
from useresponse_async.sso import login_url

SITE = os.environ["USERESPONSE_URL"].rstrip("/")
SOURCE = os.environ["USERESPONSE_SSO_SOURCE"]
SECRET = Secret(os.environ["USERESPONSE_SSO_SECRET"])

app = FastAPI()


class Visitor(BaseModel):
    id: str
    name: str
    email: str


def visitor(
    x_forwarded_user: Annotated[str, Header()] = "",
    x_forwarded_preferred_username: Annotated[str, Header()] = "",
    x_forwarded_email: Annotated[str, Header()] = "",
) -> Visitor:
    """Return the logged-in user. In an application with sessions, use the session."""
    if not (x_forwarded_user and x_forwarded_email):
        raise HTTPException(401, "log in first")
    name = x_forwarded_preferred_username or x_forwarded_email
    return Visitor(id=x_forwarded_user, name=name, email=x_forwarded_email)


@app.get("/support")
async def support(
    who: Annotated[Visitor, Depends(visitor)], to: Annotated[str, Query()] = "/"
) -> RedirectResponse:
    # Only a page of the help desk: any other URL would make this an open redirect.
    if not re.fullmatch(r"/(?![/\\])[^\s\\]*", to):
        raise HTTPException(400, "to: it is no path")
    url = login_url(
        domain=SITE,
        secret=SECRET,
        source=SOURCE,
        full_name=who.name,
        email=who.email,
        user_id=who.id,
        redirect=SITE + to,
    )
    # The URL is as sensitive as a password, so caches and other sites must not receive it.
    headers = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    return RedirectResponse(url, status_code=303, headers=headers)


def main() -> None:
    parser = argparse.ArgumentParser(description="Sign users on to UseResponse.")
    parser.add_argument("--port", type=int, default=8000)
    uvicorn.run(app, host="127.0.0.1", port=parser.parse_args().port)


if __name__ == "__main__":
    main()
