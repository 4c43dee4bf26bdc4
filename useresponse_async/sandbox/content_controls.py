"""How does a test look at the sandbox's tickets, comments and chats, and move them?"""

from useresponse_async.sandbox.chats import MessageRecord
from useresponse_async.sandbox.comment_records import CommentRecord
from useresponse_async.sandbox.kinds import FEEDBACK, HELPDESK, KNOWLEDGE_BASE
from useresponse_async.sandbox.object_records import ObjectRecord, inserted_ticket
from useresponse_async.sandbox.state import State


class ContentControls:
    """What can be read and done about what people have written, from any thread."""

    state: State

    @property
    def ticket_ids(self) -> range:
        """The tickets that existed at the start."""
        return self.state.seeding.object_ids(HELPDESK)

    @property
    def topic_ids(self) -> range:
        """The topics that existed at the start."""
        return self.state.seeding.object_ids(FEEDBACK)

    @property
    def article_ids(self) -> range:
        """The articles that existed at the start."""
        return self.state.seeding.object_ids(KNOWLEDGE_BASE)

    @property
    def comment_ids(self) -> range:
        """The comments that existed at the start."""
        return range(1, self.state.seeding.comments + 1)

    @property
    def chat_ids(self) -> range:
        """The chats there are."""
        return range(1, self.state.seeding.chats + 1)

    def object(self, object_id: int) -> ObjectRecord | None:
        """Look up what the sandbox holds about an object; not to be changed."""
        with self.state.lock:
            return self.state.objects.get(object_id)

    def comment(self, comment_id: int) -> CommentRecord | None:
        """Look up what the sandbox holds about a comment; not to be changed."""
        with self.state.lock:
            return self.state.comments.get(comment_id)

    def insert_tickets(self, count: int) -> list[int]:
        """Let new tickets come in, so that every page of the newest shifts; give their ids."""
        with self.state.lock:
            state, now = self.state, self.state.clock.now()
            return [
                state.objects.create(lambda n: inserted_ticket(state.seeding, n, now)).id
                for _ in range(count)
            ]

    def remove_object(self, object_id: int) -> None:
        """Take an object and its comments away for good.

        Raises:
            LookupError: there is no such object.
        """
        with self.state.lock:
            self.state.objects.remove(object_id)
            self.state.comments.remove_all_on(object_id)

    def say(self, chat_id: int, content: str, *, author: int | None = None) -> MessageRecord:
        """Add a message at the end of a chat, from its author unless another user is named.

        Raises:
            LookupError: there is no such chat.
        """
        with self.state.lock:
            return self.state.chats.say(chat_id, content, self.state.clock.now(), author)

    def key_of(self, user_id: int) -> str:
        """Give a user's own key, which works at once and has that user's role."""
        with self.state.lock:
            return self.state.accounts.issue(user_id)

    def sso_token(self, email: str, sso_id: str | None = None) -> str:
        """Give the token that `sso/identity.json` takes for this address and this id."""
        return self.state.accounts.sso_token(email, sso_id)

    def advance(self, seconds: float) -> None:
        """Let time pass: bans end, announcements expire, today becomes yesterday."""
        with self.state.lock:
            self.state.clock.advance(seconds)
