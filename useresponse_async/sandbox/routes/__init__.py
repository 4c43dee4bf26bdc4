"""Which paths does the sandbox serve?"""

from useresponse_async.sandbox.routes.accounts import ACCOUNT_ROUTES, OPEN_TO_ALL
from useresponse_async.sandbox.routes.activity import ACTIVITY_ROUTES
from useresponse_async.sandbox.routes.bans import BAN_ROUTES
from useresponse_async.sandbox.routes.categories import CATEGORY_ROUTES
from useresponse_async.sandbox.routes.changelog import CHANGELOG_ROUTES
from useresponse_async.sandbox.routes.chats import CHAT_ROUTES
from useresponse_async.sandbox.routes.comment_actions import COMMENT_ACTION_ROUTES
from useresponse_async.sandbox.routes.comments import COMMENT_ROUTES
from useresponse_async.sandbox.routes.custom_fields import CUSTOM_FIELD_ROUTES
from useresponse_async.sandbox.routes.files import FILE_ROUTES
from useresponse_async.sandbox.routes.moderation import MODERATION_ROUTES
from useresponse_async.sandbox.routes.notes import NOTE_ROUTES
from useresponse_async.sandbox.routes.object_actions import OBJECT_ACTION_ROUTES
from useresponse_async.sandbox.routes.objects import OBJECT_ROUTES
from useresponse_async.sandbox.routes.reports import REPORT_ROUTES
from useresponse_async.sandbox.routes.search import SEARCH_ROUTES
from useresponse_async.sandbox.routes.tickets import TICKET_ROUTES
from useresponse_async.sandbox.routes.users import USER_ROUTES
from useresponse_async.sandbox.routing import Routes

__all__ = ["OPEN_TO_ALL", "ROUTES"]

#: Tried from the top, so the most asked ones come first.
ROUTES: Routes = {
    **USER_ROUTES,
    **TICKET_ROUTES,
    **OBJECT_ROUTES,
    **SEARCH_ROUTES,
    **COMMENT_ROUTES,
    **COMMENT_ACTION_ROUTES,
    **OBJECT_ACTION_ROUTES,
    **FILE_ROUTES,
    **MODERATION_ROUTES,
    **ACCOUNT_ROUTES,
    **BAN_ROUTES,
    **ACTIVITY_ROUTES,
    **NOTE_ROUTES,
    **CUSTOM_FIELD_ROUTES,
    **CATEGORY_ROUTES,
    **CHAT_ROUTES,
    **CHANGELOG_ROUTES,
    **REPORT_ROUTES,
}
