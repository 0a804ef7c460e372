"""What every channel does: it takes rendered messages and tells, as it learns it, what became of each."""

import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

Result = Literal["sent", "retry", "wait", "failed", "uncertain"]


@dataclass(frozen=True, slots=True)
class PushAddress:
    """An installation of the app: ``fid`` if it has one, the registration ``token`` of older apps otherwise."""

    installation_id: uuid.UUID
    fid: str | None
    token: str | None
    platform: str


@dataclass(frozen=True, slots=True)
class Message:
    """A delivery as it leaves: rendered, addressed, with what the provider needs to rank, replace and expire it."""

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


class Channel(Protocol):
    """A way to reach people."""

    def send(self, messages: Sequence[Message]) -> AsyncIterator[Sequence[Outcome]]:
        """Send ``messages`` and yield each one's outcome as it becomes known; slow ones hold up no others."""
        ...

    async def close(self) -> None:
        """Give back connections; the channel opens them again when it is used again."""
        ...
