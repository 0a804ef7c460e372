"""The hub: one for all open pages of a process. It follows what is committed and nudges those whom it may concern.

It looks once for all of them, however many there are. What a nudge says (which parts to fetch again) goes only to
readers who may see the resident; whose rights may have changed is nudged about nothing until they were read anew.
"""

import asyncio
import contextlib
import contextvars
import itertools
import time
import weakref
from collections.abc import Awaitable, Callable, Collection, Iterator
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock, failures, live, wakeups
from app.core.access import Actor
from app.core.database import reading
from app.core.events import CHANNEL, CRITICAL_CHANNEL, QUIET_CHANNEL
from app.identity.api import Reach, reach_of
from app.portal.live.following import Seen, Tracks
from app.portal.live.listeners import Listener, Rights
from app.portal.live.topics import INBOX
from eldercare.api import ALARMS_CHANGED
from notifications.api import ALL_INBOXES, inbox_channel, inbox_channels

LOOK_SECONDS: Final = 1.0
"""After which the hub looks even though nothing woke it."""
GAP_SECONDS: Final = 0.1  # between two looks: in a storm there are many wake-ups
INBOX_SECONDS: Final = 5.0  # after which inboxes are looked at, woken or not
RIGHTS_SECONDS: Final = 60.0
HEARTBEAT_SECONDS: Final = 15.0
PATIENCE_SECONDS: Final = 60.0  # with a reader who takes nothing in
BEGIN_SECONDS: Final = 10.0
BLIND_SECONDS: Final = 15.0
"""After which, if no look succeeds, lines end: whoever hears nothing must not think that nothing happens."""
_MANY: Final = 100  # who hear of the same: up to here all may fetch at once
_SPREAD_MILLISECONDS: Final = 2  # for each of more
_AT_ONCE: Final = 2  # readings of rights; requests need the other connections

log = structlog.get_logger(__name__)
Present = Callable[[AsyncConnection], Awaitable[Actor | None]]


class Hub:
    """Where open pages listen."""

    def __init__(self) -> None:
        self._listeners: set[Listener] = set()
        self._unread: dict[Listener, None] = {}  # whose rights are to be read, in turn
        self._running: asyncio.Task[None] | None = None
        self._begun = asyncio.Event()
        self._looked_at = 0.0
        self._to_read = asyncio.Event()
        self._reaches: weakref.WeakValueDictionary[int, Reach] = weakref.WeakValueDictionary()

    @property
    def listeners(self) -> Collection[Listener]:
        """Who listens."""
        return self._listeners

    async def join(self, listener: Listener) -> None:
        """Have the listener nudged of whatever is committed from now on.

        Raises ``TimeoutError`` where the database cannot be followed.
        """
        self._listeners.add(listener)
        self._read_rights(listener)
        if self._running is None or self._running.done():
            self._begun.clear()
            self._looked_at = time.monotonic()
            self._running = asyncio.create_task(self._run(), name="portal_live", context=contextvars.Context())
        try:
            async with asyncio.timeout(BEGIN_SECONDS):
                await self._begun.wait()
        except BaseException:
            self.leave(listener)
            raise

    def leave(self, listener: Listener) -> None:
        """Nudge the listener no more."""
        self._listeners.discard(listener)
        self._unread.pop(listener, None)
        listener.stop()

    async def _run(self) -> None:
        try:
            async with asyncio.TaskGroup() as tasks:
                others = [tasks.create_task(part()) for part in (self._keep_reading, self._keep_beating)]
                await self._keep_following()
                for other in others:
                    other.cancel()
        except* Exception as failed:
            # A mistake of ours: pages come back by themselves and fetch everything, and somebody has to know.
            for error in failed.exceptions:
                log.error("live_hub_failed", error=type(error).__name__, place=failures.place_of(error))  # noqa: TRY400 - a traceback may hold data
            for listener in list(self._listeners):
                listener.end()
            raise

    async def _keep_following(self) -> None:
        woken = asyncio.Event()
        hints = (CHANNEL, CRITICAL_CHANNEL, QUIET_CHANNEL, ALARMS_CHANGED, ALL_INBOXES, live.CHANNEL)
        with wakeups.noting(woken, *hints, *inbox_channels()) as heard:
            tracks = Tracks()
            looked_at_inboxes = time.monotonic()
            while self._listeners and not live.ending():
                channels = set(heard)
                heard.clear()
                woken.clear()
                now = time.monotonic()
                inboxes = ALL_INBOXES in channels or now - looked_at_inboxes >= INBOX_SECONDS
                if inboxes:
                    looked_at_inboxes = now
                if not await self._look(tracks, inboxes=inboxes):
                    heard.update(channels)  # nobody could look
                self._nudge_inboxes(channels)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_SECONDS):
                        await woken.wait()
                await asyncio.sleep(max(0.0, now + GAP_SECONDS - time.monotonic()))
        for listener in list(self._listeners):
            listener.end()
        self._running = None

    async def _look(self, tracks: Tracks, *, inboxes: bool) -> bool:
        """Look, and nudge whom it concerns; return whether anybody could look."""
        try:
            async with reading() as connection:
                if not tracks.begun:
                    await tracks.begin(connection)
                accounts = list({one.account_id for one in self._listeners}) if inboxes else []
                seen = await tracks.look(connection, accounts)
        except Exception as error:  # noqa: BLE001 - the next look sees it, or says that anything may have changed
            log.warning("live_look_failed", error=failures.code_of(error))
            return False
        self._looked_at = time.monotonic()
        self._begun.set()
        self._tell(seen)
        return True

    def _tell(self, seen: Seen) -> None:
        """Nudge whom it concerns. Whose rights may be others now comes first: they hear nothing until it is known."""
        if seen.is_all:
            # A look passed what it did not tell, of rights, too.
            for listener in self._listeners:
                listener.doubt()
                self._read_rights(listener)
        elif seen.other_rights:
            for listener in self._listeners:
                if not seen.other_rights.isdisjoint(listener.concerns):
                    listener.doubt()
                    self._read_rights(listener)
        nudged = [(listener, topics) for listener, topics in self._concerned(seen) if topics]
        for listener, topics in nudged:
            listener.nudge(topics, _spread(len(nudged)))

    def _concerned(self, seen: Seen) -> Iterator[tuple[Listener, frozenset[str]]]:
        """Yield who is to hear of which topics; those who see the same are looked at once."""
        at = clock.now()
        told: dict[tuple[object, ...], frozenset[str]] = {}
        for listener in self._listeners:
            topics: frozenset[str] = frozenset()
            rights = listener.rights
            if seen.changes and rights is not None:
                key = (
                    id(rights.reach),
                    rights.at_desk,
                    rights.announces,
                    rights.keeps,
                    rights.works_at,
                    rights.oversees,
                )
                if key not in told:
                    told[key] = rights.topics(seen.changes, at)
                topics = told[key]
            elif seen.changes:
                listener.missed = True
            yield listener, topics | {INBOX} if listener.account_id in seen.inboxes else topics

    def _nudge_inboxes(self, channels: set[str]) -> None:
        """Nudge those whose inbox may have changed: some others share its channel, which tells them nothing."""
        if channels.isdisjoint(_INBOXES):
            return
        for listener in self._listeners:
            if inbox_channel(listener.account_id) in channels:
                listener.nudge((INBOX,))

    def _read_rights(self, listener: Listener) -> None:
        self._unread.setdefault(listener)
        self._to_read.set()

    async def _keep_reading(self) -> None:
        """Read rights: first of those who wait for it, and of everybody again and again."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._to_read.wait()
            self._to_read.clear()
            long_ago = time.monotonic() - RIGHTS_SECONDS
            for listener in self._listeners:
                if listener.read_at < long_ago:
                    self._unread.setdefault(listener)
            while self._unread:
                spread = _spread(len(self._unread))
                batch = list(itertools.islice(self._unread, _AT_ONCE))  # who has waited longest
                for listener in batch:
                    del self._unread[listener]
                await asyncio.gather(*(self._read(listener, spread) for listener in batch))

    async def _read(self, listener: Listener, spread: int) -> None:
        listener.read_at = time.monotonic()
        was_doubted = listener.doubts
        try:
            async with reading() as connection:
                actor = await listener.present(connection)
                reach = await reach_of(connection, actor) if actor is not None else None
        except Exception as error:  # noqa: BLE001 - whose rights cannot be read now hears nothing they should not
            log.warning("live_rights_unread", error=failures.code_of(error))
            listener.doubt()
            listener.read_at = time.monotonic() - RIGHTS_SECONDS  # at the next turn
            return
        if actor is None or reach is None:
            listener.over()
            return
        if listener.doubts != was_doubted:
            self._read_rights(listener)  # they changed again while these were read
            return
        listener.know(Rights.of(actor, self._shared(reach)), spread)

    def _shared(self, reach: Reach) -> Reach:
        """Return the one reach of all who see the same: a desk's is as large as its community."""
        mark = hash((reach.own, frozenset(reach.residents.items()), frozenset(reach.communities.items())))
        known = self._reaches.get(mark)
        if known == reach:
            return known
        self._reaches[mark] = reach
        return reach

    async def _keep_beating(self) -> None:
        """Let lines be heard now and then, and give up on those who take nothing in."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            now = time.monotonic()
            if now - self._looked_at > BLIND_SECONDS:
                self._begun.clear()  # nor does anybody come in
                for listener in list(self._listeners):
                    listener.end()
            for listener in list(self._listeners):
                listener.beat(now, HEARTBEAT_SECONDS, PATIENCE_SECONDS)


def _spread(many: int) -> int:
    """Return over how many milliseconds so many are to fetch what they are told of."""
    return many * _SPREAD_MILLISECONDS if many > _MANY else 0


_INBOXES: Final = frozenset(inbox_channels())
hub: Final = Hub()
"""The process's hub."""
