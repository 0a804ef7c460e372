"""One open page that listens: what it may hear of, what it is still to hear, and the line it hears it on."""

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import orjson
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.types import Send

from app.core.access import Actor
from app.identity.api import Reach
from app.portal.live.topics import ALARM, EVERYTHING, TODAY, Change, Changes

ATTRACTION_KIND: Final = "attraction"
MOST_TOPICS: Final = 100  # of one nudge; of more it says that everything may have changed
MANY_RESIDENTS: Final = 100
TODAY_SECONDS: Final = 8.0
"""So long the overview of many stands before it is fetched again: in a morning something happens every second, and it
costs much. After a quiet while it is told of at once."""
TODAY_OF_ALARMS_SECONDS: Final = 2.0
_BEAT: Final = b"event: beat\ndata: {}\n\n"  # an event, as a page cannot hear comments
_OVER: Final = b"event: over\ndata: {}\n\n"


@dataclass(frozen=True, slots=True)
class Rights:
    """What a listener may hear of."""

    reach: Reach
    at_desk: bool
    announces: uuid.UUID | None
    """The community whose announcements they may write."""
    keeps: frozenset[uuid.UUID] = frozenset()
    """The organizations whose orders they keep."""
    works_at: frozenset[uuid.UUID] = frozenset()
    """The organizations that run attractions for which they work."""
    oversees: uuid.UUID | None = None
    """The community they run."""

    @classmethod
    def of(cls, actor: Actor, reach: Reach) -> "Rights":
        """Return an actor's."""
        at_desk = actor.holds("operator", "dispatcher", organization_kind="operator")
        announces = actor.community_id if actor.holds("operator", "coordinator") else None
        keeps = frozenset(one.organization_id for one in actor.memberships if one.role == "coordinator")
        works_at = frozenset(
            one.organization_id for one in actor.memberships if one.organization_kind == ATTRACTION_KIND
        )
        oversees = actor.community_id if actor.holds("operator", organization_kind="operator") else None
        return cls(reach, at_desk, announces, keeps, works_at, oversees)

    @property
    def of_many(self) -> bool:
        """Whether their overview is one of many."""
        return bool(self.reach.communities) or len(self.reach.residents) > MANY_RESIDENTS

    def topics(self, changes: Changes, at: datetime) -> frozenset[str]:
        """Return which parts of their pages these changes change."""
        found: set[str] = set(changes.of_organizations(self.keeps))
        for change in changes.announced:
            if self._hears_of(change):
                found.update(change.topics)
        reach = self.reach
        for change in changes.which_concern({reach.own, *reach.residents}, reach.communities):
            resident_id, community_id = change.resident_id, change.community_id
            if resident_id is not None and reach.allows(resident_id, community_id, change.scopes, at):
                found.update(change.topics)
                if self.at_desk:
                    found.update(change.at_desk)
        return frozenset(found)

    def _hears_of(self, change: Change) -> bool:
        """Say whether they may know of something that is about no resident."""
        if change.organization_id is None:
            return change.community_id == self.announces
        return change.organization_id in self.works_at or change.community_id == self.oversees


class Listener:
    """An open page. It has no task and no queue: a set of topics, and a task only while these are on their way."""

    __slots__ = (
        "_beats",
        "_ended",
        "_held_spread",
        "_held_until",
        "_is_open",
        "_is_over",
        "_line",
        "_said_at",
        "_send",
        "_sending",
        "_spread",
        "_today_at",
        "_topics",
        "account_id",
        "concerns",
        "doubts",
        "missed",
        "present",
        "read_at",
        "rights",
    )

    def __init__(
        self,
        account_id: uuid.UUID,
        concerns: Iterable[uuid.UUID],
        present: Callable[[AsyncConnection], Awaitable[Actor | None]],
        send: Send,
    ) -> None:
        self.account_id = account_id
        self.concerns = frozenset(concerns)
        """The accounts and sessions whose facts may change what this listener may hear of."""
        self.present = present
        """Returns who listens as of now; ``None`` once they are signed out."""
        self.rights: Rights | None = None
        """``None`` while they are not known (any more): the listener hears of nothing."""
        self.doubts = 0
        self.missed = False
        """Whether something passed that it could not be told whether they may hear of."""
        self.read_at = time.monotonic()
        self._send = send
        self._topics: set[str] = set()
        self._spread = self._held_spread = 0
        self._held_until: float | None = None
        self._today_at = float("-inf")
        self._sending: asyncio.Task[None] | None = None
        self._line: asyncio.Task[object] | None = None
        self._said_at = time.monotonic()
        self._is_open = self._ended = self._is_over = self._beats = False

    @property
    def has_ended(self) -> bool:
        """Whether the line is to be closed."""
        return self._ended

    def open(self, line: asyncio.Task[object] | None) -> None:
        """Begin to say things; ``line`` is the task that waits until the reader has gone."""
        self._is_open, self._line = True, line
        self._go_on()

    def nudge(self, topics: Iterable[str], spread: int = 0) -> None:
        """Have the reader told that these parts changed, with whatever they were not told yet.

        ``spread``: milliseconds over which all who are told of it are to fetch them.
        """
        if self._ended:
            return
        told = self._hold_back(frozenset(topics), spread)
        if told:
            self._spread = max(self._spread, spread)
        self._topics.update(told)
        if len(self._topics) > MOST_TOPICS:
            self._topics = {EVERYTHING}
        self._go_on()

    def _hold_back(self, topics: frozenset[str], spread: int) -> frozenset[str]:
        """Return what is told now: of an overview of many only if the last time is long enough ago."""
        if TODAY not in topics or self.rights is None or not self.rights.of_many:
            return topics
        is_alarm = any(topic.startswith(ALARM) for topic in topics)
        now, until = time.monotonic(), self._today_at + (TODAY_OF_ALARMS_SECONDS if is_alarm else TODAY_SECONDS)
        if until <= now:
            self._held_until, self._today_at = None, now
            return topics
        self._held_until = until if self._held_until is None else min(self._held_until, until)
        self._held_spread = max(self._held_spread, spread)
        return topics - {TODAY}

    def doubt(self) -> None:
        """Tell nothing until the rights are known again."""
        self.doubts += 1
        self.rights = None

    def know(self, rights: Rights, spread: int = 0) -> None:
        """Tell what these rights let them hear; what was not told for want of them is told as everything.

        ``spread``: as of ``nudge``.
        """
        before, self.rights = self.rights, rights
        if self.missed or (before is None and self.doubts) or (before is not None and before != rights):
            self.nudge((EVERYTHING,), spread)
        self.missed = False

    def beat(self, now: float, every: float, patience: float) -> None:
        """Tell what was held back; let the line be heard if it was not for long; end it for who takes nothing in."""
        if self._held_until is not None and self._held_until <= now:
            self._held_until, self._today_at = None, now
            self._spread, self._held_spread = max(self._spread, self._held_spread), 0
            self._topics.add(TODAY)
            self._go_on()
        quiet = now - self._said_at
        if self._sending is not None:
            if quiet > patience:
                self.end()
        elif quiet >= every:
            self._beats = True
            self._go_on()

    def over(self) -> None:
        """Tell the reader that they are signed out, and end."""
        self._is_over = True
        self._topics.clear()
        self._go_on()

    def end(self) -> None:
        """End the line."""
        self._ended = True
        if self._line is not None:
            self._line.cancel()

    def stop(self) -> None:
        """Say nothing more."""
        self._ended, self._line = True, None
        if self._sending is not None:
            self._sending.cancel()

    def _go_on(self) -> None:
        if self._is_open and self._sending is None and not self._ended and self._is_due:
            self._said_at = time.monotonic()
            self._sending = asyncio.create_task(self._say())

    @property
    def _is_due(self) -> bool:
        return bool(self._topics) or self._beats or self._is_over

    async def _say(self) -> None:
        """Say what there is to say; what comes in while a slow reader takes it in is said after it, at once."""
        try:
            while self._is_due and not self._ended:
                chunk, is_last = self._next(), self._is_over
                await self._send({"type": "http.response.body", "body": chunk, "more_body": True})
                self._said_at = time.monotonic()
                if is_last:
                    self.end()
        finally:
            self._sending = None

    def _next(self) -> bytes:
        topics, self._topics, self._beats = self._topics, set(), False
        spread, self._spread = self._spread, 0
        if self._is_over:
            return _OVER
        return event("changed", sorted(topics), spread) if topics else _BEAT


def event(name: str, topics: Sequence[str], spread: int = 0) -> bytes:
    """Return an event that names topics, as it goes over the line."""
    data = {"topics": topics, "spread": spread} if spread else {"topics": topics}
    return b"event: %s\ndata: %s\n\n" % (name.encode(), orjson.dumps(data))
