"""What a hub tells becomes messages like those of any home's devices, and goes the same way: through the inbox."""

import asyncio
import time
from collections.abc import Iterable, Mapping
from typing import Any, Final

from app.broker.api import Message
from app.core import clock
from app.core.database import reading
from app.home_assistant.api import (
    HubMessage,
    NotUnderstood,
    hub_announcement,
    hub_presence,
    hub_removal,
    hub_reports,
)
from community.home_hubs import views
from community.home_hubs.rules import BATCH, BATCH_SECONDS, MOST_ENTITIES, REFRESH_SECONDS
from community.home_hubs.schemas import Asked, HubFailed
from community.home_hubs.service.speaking import Line
from community.home_inbox.service.taking import Inbox
from community.homes.views import HomeRow

_EVENTS: Final = ("state_changed", "entity_registry_updated", "device_registry_updated", "area_registry_updated")
_BELOW: Final = "%/hub/%/config"

Record = Mapping[str, Any]
Heard = tuple[HubMessage, bool, bool]
"""A message, whether it tells how a thing stands and not that something happened just now, and whether it may do so."""


class Hearing:
    """Hears one hub: everything it has at first, then what changes."""

    def __init__(self, asked: Asked, line: Line, inbox: Inbox) -> None:
        self._home, self._line, self._inbox = asked.home, line, inbox
        self._known: set[str] = set()
        self._left_out: set[str] = set()
        self._stale_since: float | None = None

    async def run(self) -> None:
        """Hear until the line ends; raises ``HubFailed``."""
        # First, so that nothing that changes while the rest is asked for is missed.
        for event in _EVENTS:
            await self._line.ask("subscribe_events", event_type=event)
        await self._take_stock()
        while True:
            await self._take(self._told(await self._batch()))
            if self._stale_since is not None and time.monotonic() - self._stale_since >= REFRESH_SECONDS:
                self._stale_since = None
                await self._take_stock()

    async def _take_stock(self) -> None:
        """Announce everything the hub has, say how it stands, and take out what it has no more."""
        states = _records(await self._line.ask("get_states"))
        if not states:
            raise HubFailed("not_home_assistant")  # none has nothing at all: it would look as if all were gone
        entries = {one.get("entity_id"): one for one in _records(await self._line.ask("config/entity_registry/list"))}
        devices = {one.get("id"): one for one in _records(await self._line.ask("config/device_registry/list"))}
        areas = {
            one.get("area_id"): one.get("name") for one in _records(await self._line.ask("config/area_registry/list"))
        }
        announced: list[Heard] = []
        reports: list[Heard] = []
        self._known.clear()
        for state in states[:MOST_ENTITIES]:
            entry = entries.get(state.get("entity_id"), {})
            device = devices.get(entry.get("device_id"), {})
            area = areas.get(entry.get("area_id") or device.get("area_id"))
            self._describe(state, entry, {**device, "area": area}, announced, reports)
        self._left_out = {one["entity_id"] for one in states if isinstance(one.get("entity_id"), str)} - self._known
        topics = {message.topic for message, *_ in announced}
        async with reading() as connection:
            before = await views.announced_topics(connection, self._home.id, self._home.discovery_prefix + "/" + _BELOW)
        gone = [(HubMessage(topic, b""), True, False) for topic in sorted(before - topics)]
        await self._take([*gone, *announced])
        await self._take([(hub_presence(is_there=True), True, False), *reports])

    def _describe(
        self, state: Record, entry: Record, device: Record, announced: list[Heard], reports: list[Heard]
    ) -> None:
        prefix = self._home.discovery_prefix
        try:
            announced.append((hub_announcement(state, entry, device, prefix), True, False))
            reports += [(report, True, False) for report in hub_reports(state, has_happened=False, remembers=True)]
            self._known.add(state["entity_id"])
        except NotUnderstood as problem:
            if problem.code == "refused_component":
                # Said without anything in it, so that it is counted and shown what was not taken.
                announced.append((HubMessage(hub_removal(state["entity_id"], prefix).topic, b"{}"), True, False))

    async def _batch(self) -> list[dict[str, Any]]:
        """Return the next events: as soon as there is one, with those that come right after it."""
        events: list[dict[str, Any]] = []
        wait = None if self._stale_since is None else REFRESH_SECONDS
        try:
            async with asyncio.timeout(wait):
                events.append(await self._line.next_event())
            async with asyncio.timeout(BATCH_SECONDS):
                while len(events) < BATCH:
                    events.append(await self._line.next_event())
        except TimeoutError:
            pass
        return events

    def _told(self, events: Iterable[Record]) -> list[Heard]:
        heard: list[Heard] = []
        for event in events:
            data = event.get("data")
            if event.get("event_type") != "state_changed" or not isinstance(data, dict):
                self._be_stale()
            else:
                heard += self._changed(data)
        return heard

    def _changed(self, data: Record) -> list[Heard]:
        entity_id, state, before = data.get("entity_id"), data.get("new_state"), data.get("old_state")
        if not isinstance(entity_id, str):
            return []
        if not isinstance(state, dict):
            if entity_id not in self._known:
                return []
            self._known.discard(entity_id)
            return [(hub_removal(entity_id, self._home.discovery_prefix), True, False)]
        if entity_id not in self._known:
            # A camera, what is hidden, what is one too many: it was seen, and changes all the time.
            if entity_id not in self._left_out:
                self._be_stale()
            return []
        was = before.get("state") if isinstance(before, dict) else None
        # What could not be reached a moment ago only tells how it stands. What was not known may do so, or be the first
        # press since the hub was started: what calls for help counts then.
        is_standing = was is None or was == "unavailable"
        has_happened = not is_standing and was != state.get("state")
        try:
            reports = hub_reports(state, has_happened=has_happened, remembers=is_standing)
            return [(report, is_standing, was == "unknown") for report in reports]
        except NotUnderstood:
            return []

    def _be_stale(self) -> None:
        if self._stale_since is None:
            self._stale_since = time.monotonic()

    async def _take(self, heard: list[Heard]) -> None:
        for begin in range(0, len(heard), BATCH):
            await self._inbox.take([_message(self._home, *one) for one in heard[begin : begin + BATCH]])


async def say_away(home: HomeRow, inbox: Inbox) -> None:
    """Have it stored that nothing is known any more of what a home's hub told of, and that nothing reaches it."""
    await inbox.take([_message(home, hub_presence(is_there=False), is_standing=True, may_stand=False)])


def _message(home: HomeRow, told: HubMessage, is_standing: bool, may_stand: bool) -> Message:
    return Message(f"homes/{home.key}/{told.topic}", told.payload, 1, is_standing, may_stand, clock.now())


def _records(result: Any) -> list[dict[str, Any]]:
    return [one for one in result if isinstance(one, dict)] if isinstance(result, list) else []
