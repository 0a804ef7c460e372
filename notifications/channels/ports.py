"""What every channel does: it takes rendered messages and tells, as it learns it, what became of each."""

import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, Protocol

BROWSER = "web"
"""The platform of an installation that is a browser."""
Result = Literal["sent", "retry", "wait", "failed", "uncertain"]
Verdict = Literal["sent", "gone", "failed", "quota", "unavailable", "paused"]


@dataclass(frozen=True, slots=True)
class WebPushSubscription:
    """Where a browser's push service takes messages, and the keys to encrypt them with (base64url)."""

    endpoint: str
    p256dh: str
    auth: str


@dataclass(frozen=True, slots=True)
class PushAddress:
    """An installation of the app and how its ``provider`` knows it: by ``fid``, ``token`` or ``web_push``."""

    installation_id: uuid.UUID
    provider: str
    platform: str
    fid: str | None = None
    token: str | None = None
    web_push: WebPushSubscription | None = None
    is_silent: bool = False  # it has left pushes unconfirmed for so long that it counts as unreachable


@dataclass(frozen=True, slots=True)
class Attachment:
    """What a mail says once more for programs: a ``text/<subtype>`` beside its words, with the type's parameters."""

    subtype: str
    content: str
    parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Message:
    """A delivery as it leaves: rendered, addressed, with what the provider needs to rank, replace and expire it.

    ``variables`` are the notice's, rendered, of a text message: for providers that fill in registered templates.
    ``unnamed`` are title and body without what people are called, of a push that goes to a browser, too.
    """

    delivery_id: uuid.UUID
    notice_id: uuid.UUID
    notice_key: str
    community_id: uuid.UUID
    account_id: uuid.UUID
    recipient_name: str
    category: str
    urgency: str
    channel: str
    title: str | None
    body: str
    language: str
    collapse_key: str
    expires_at: datetime
    data: Mapping[str, str] = field(default_factory=dict)
    installations: tuple[PushAddress, ...] = ()
    address: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    attachment: Attachment | None = None
    unnamed: tuple[str | None, str] | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a message.

    ``sent``: the provider took it. ``retry``: it failed in a way that passes; not before ``retry_at`` if that is known.
    ``wait``: it was not tried and is to be at ``retry_at``, which counts as no attempt. ``failed``: it never will be.
    ``uncertain``: it may have been sent. ``gone`` are installations the provider says no longer exist, ``taken`` those
    it took the push for.
    """

    delivery_id: uuid.UUID
    result: Result
    error: str | None = None
    provider_message_id: str | None = None
    retry_at: datetime | None = None
    gone: tuple[uuid.UUID, ...] = ()
    taken: tuple[uuid.UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What a push service said of one message to one installation, with its error code for the record.

    ``gone``: the installation no longer exists. ``quota``: it wants no message of ours for ``retry_after``.
    ``unavailable``: it failed in a way that passes, not before ``retry_after``. ``paused``: it was not asked.
    """

    verdict: Verdict
    code: str | None = None
    message_id: str | None = None
    retry_after: timedelta | None = None


class PushProvider(Protocol):
    """A push service: it takes one message for one installation."""

    async def post(self, message: Message, installation: PushAddress) -> Answer:
        """Post ``message`` to one of its installations; raises nothing that says something about the message."""
        ...

    def service_of(self, installation: PushAddress) -> str:
        """Return the name of what has a quota of its own: when it says "quota", all it serves is held up."""
        ...

    async def close(self) -> None:
        """Give back connections; the provider opens them again when it is used again."""
        ...


class Channel(Protocol):
    """A way to reach people."""

    def send(self, messages: Sequence[Message]) -> AsyncIterator[Sequence[Outcome]]:
        """Send ``messages`` and yield each one's outcome as it becomes known; slow ones hold up no others."""
        ...

    async def close(self) -> None:
        """Give back connections; the channel opens them again when it is used again."""
        ...
