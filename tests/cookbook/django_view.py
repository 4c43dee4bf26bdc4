"""A Django async view with data from UseResponse, and one client for the process.

Install:  pip install useresponse-async django uvicorn
Run:      uvicorn django_view:application --workers 2
Needs:    USERESPONSE_URL and USERESPONSE_API_KEY in the environment

It needs an ASGI server. Under WSGI, and so under `runserver`, Django runs each call of an async
view on its own event loop, and a client can be used on one event loop only.
"""

import os
from typing import Any

from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.management.utils import get_random_secret_key
from django.http import HttpRequest, JsonResponse
from django.urls import path

from useresponse_async import AsyncClient, NotFoundError, UseResponseError

settings.configure(
    ROOT_URLCONF=__name__,
    ALLOWED_HOSTS=["127.0.0.1", "localhost"],
    SECRET_KEY=os.environ.get("DJANGO_SECRET_KEY") or get_random_secret_key(),
)

# It does not connect before its first call, so it can be created when Django starts. Wrong
# settings then raise an error at once.
useresponse = AsyncClient(timeout=10, max_in_flight=20)


async def person(_request: HttpRequest, user_id: int) -> JsonResponse:
    try:
        user = await useresponse.users.get(user_id)
    except NotFoundError:
        return JsonResponse({"detail": "no such user"}, status=404)
    except UseResponseError:
        return JsonResponse({"detail": "the help desk cannot be reached"}, status=502)
    return JsonResponse({"id": user.id, "name": user.name})


urlpatterns = [path("people/<int:user_id>", person)]
django_application = get_asgi_application()


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Serve Django, which does not support lifespan events, and close the client on shutdown."""
    if scope["type"] != "lifespan":
        await django_application(scope, receive, send)
        return
    await receive()  # lifespan.startup
    await send({"type": "lifespan.startup.complete"})
    await receive()  # lifespan.shutdown
    await useresponse.aclose()
    await send({"type": "lifespan.shutdown.complete"})
