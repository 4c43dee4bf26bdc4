"""Which paths does the sandbox serve?"""

from useresponse_async.sandbox.routes.users import USER_ROUTES
from useresponse_async.sandbox.routing import Routes

#: Tried from the top, so the most asked one comes first.
ROUTES: Routes = {**USER_ROUTES}
