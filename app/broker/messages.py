"""What is heard from homes and said to them, and what whoever listens has to bring along."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol


class Message(NamedTuple):
    """One message as it came.

    ``is_retained``: it was kept by the broker and may be old. ``is_repeated``: it was sent to us before and not
    acknowledged, so that it may have been stored already. ``received_at`` is our clock's. What the broker wants our
    word for is called ``packet_id`` within our ``session`` with it; it is 0 where it wants none.
    """

    topic: str
    payload: bytes
    qos: int
    is_retained: bool
    is_repeated: bool
    received_at: datetime
    session: str = ""
    packet_id: int = 0


class Unanswered(ConnectionError):  # noqa: N818 - says what is the matter
    """The database was lost as it was told to commit: what was to be stored may be, and ``was_stored`` finds out.

    That returns whether it is, and raises ``ConnectionError`` or what the driver raises while nobody can know.
    """

    def __init__(self, was_stored: Callable[[], Awaitable[bool]]) -> None:
        super().__init__("a commit was not answered")
        self.was_stored = was_stored


class NotConnected(RuntimeError):  # noqa: N818 - says what is the matter
    """There is no connection to the broker: nothing was sent."""


class Unconfirmed(RuntimeError):  # noqa: N818 - says what is the matter
    """The connection ended, or nobody answered, while a message was being sent: it may have arrived."""


class Publisher(Protocol):
    """What says things to homes."""

    async def publish(
        self, topic: str, payload: bytes, *, qos: int = 0, retain: bool = False, expires_in: timedelta | None = None
    ) -> None:
        """Return once the message was handed to the broker, with ``qos`` 1 once it has confirmed it.

        With ``qos`` 0 that is when it has left this process. After ``expires_in`` (whole seconds, one at least) the
        broker no longer delivers it, if it speaks MQTT 5; older ones know no expiry. Raises ``NotConnected`` and
        ``Unconfirmed``.
        """


class Consumer(Protocol):
    """What stores the messages of homes."""

    @property
    def filters(self) -> Sequence[str]:
        """The topics to hear, such as ``homes/#``."""

    def is_urgent(self, message: Message) -> bool:
        """Say whether this one must not wait for others; asked for every message, so it has to be quick."""

    def may_be_overtaken(self, message: Message) -> bool:
        """Say whether a state may be left out for a later one: it is known to be no danger. In doubt it is kept."""

    def begin_anew(self, session: str) -> None:
        """Know that the broker has forgotten ``session``: what it sends in it is nothing that it sent before."""

    async def take(self, messages: Sequence[Message]) -> None:
        """Store ``messages``, oldest first: they are acknowledged when this returns, and come again if it raises.

        It is called for several batches at a time, but what is said at one topic is in one of them only. Raises
        ``Unanswered`` if it cannot know whether they are stored.
        """

    async def take_alone(self, message: Message) -> None:
        """Store as much as can be of one message that ``take`` refuses whatever it is with, and see that it is known.

        It is acknowledged when this returns. If it raises, the message is left out.
        """
