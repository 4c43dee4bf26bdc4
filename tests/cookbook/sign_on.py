"""Log users of your site in to UseResponse: One Login.

Install:  pip install useresponse-async fastapi uvicorn
Run:      uvicorn sign_on:app, and open /support or /support?to=/topic/1
Needs:    USERESPONSE_URL in the environment, and USERESPONSE_SSO_SECRET and
          USERESPONSE_SSO_SOURCE from the One Login settings; no API key

An authenticating proxy, such as oauth2-proxy, names the user in X-Forwarded-… headers. So only
that proxy may have access to this port. In an application with sessions, use the session.
"""

import os
import re
from typing import Annotated

from fastapi import FastAPI, Header, HTTPException
from fastapi.responses import RedirectResponse

from useresponse_async import Secret
from useresponse_async.sso import login_url

SITE = os.environ["USERESPONSE_URL"].rstrip("/")
SOURCE = os.environ["USERESPONSE_SSO_SOURCE"]
SECRET = Secret(os.environ["USERESPONSE_SSO_SECRET"])

app = FastAPI()


@app.get("/support")
async def support(
    x_forwarded_user: Annotated[str, Header()] = "",
    x_forwarded_preferred_username: Annotated[str, Header()] = "",
    x_forwarded_email: Annotated[str, Header()] = "",
    to: str = "/",
) -> RedirectResponse:
    if not (x_forwarded_user and x_forwarded_email):
        raise HTTPException(401, "log in first")
    # Only a page of the help desk: any other URL would make this an open redirect.
    if not re.fullmatch(r"/(?![/\\])[^\s\\]*", to):
        raise HTTPException(400, "to: not a path")
    url = login_url(
        domain=SITE,
        secret=SECRET,
        source=SOURCE,
        full_name=x_forwarded_preferred_username or x_forwarded_email,
        email=x_forwarded_email,
        user_id=x_forwarded_user,
        redirect=SITE + to,
    )
    # The URL is as sensitive as a password, so caches and other sites must not receive it.
    headers = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    return RedirectResponse(url, status_code=303, headers=headers)
