"""A batch of homes' messages, stored in one unit of work: all of it, or none and it comes again.

What is stored and comes again nevertheless is left out, where once more would be a press too many: what a broker calls
it is written down in the same unit of work.

What homes announce comes first, so that what they report with it is understood. Whoever speaks for no home we know, or
for one that nothing may be collected of, is not heard; it is counted.
"""

import asyncio
import hashlib
import uuid
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Final

from prometheus_client import Counter
from sqlalchemy.ext.asyncio import AsyncSession

from app.broker.api import Message, Unanswered
from app.core import clock
from app.core.database import after_commit, connection_of, is_unreachable, reading, unit_of_work
from app.home_assistant.api import AVAILABILITY, OFFLINE, STATE, Reported
from community.home_devices.schemas import DeviceFact, HeardConfig
from community.home_devices.service.discovering import take_discovery
from community.home_devices.service.noting import note_device_facts
from community.home_inbox import repository
from community.home_inbox.repository import Name, Receipt
from community.home_inbox.rules import SEEN_EVERY, Routes, Said, is_ours, is_streamed, kind_of, split
from community.home_inbox.service import followers
from community.home_inbox.service.last_resort import tell_desk
from community.home_inbox.service.routing import RoutingCache, read_routes
from community.home_inbox.service.streaming import announcements
from community.home_states.rules.standing import Heard
from community.home_states.rules.traits import Traits
from community.home_states.schemas import StateChange
from community.home_states.service.taking import take_reports
from community.homes.views import HomeRow, homes_by_id, homes_by_key

MESSAGES = Counter("hearthline_home_messages", "Messages of homes, by what became of them", ["outcome"])
_TAKEN, _UNKNOWN_HOME = MESSAGES.labels("taken"), MESSAGES.labels("unknown_home")
_CLOSED, _UNKNOWN_TOPIC = MESSAGES.labels("not_active"), MESSAGES.labels("unknown_topic")
_REPEATED = MESSAGES.labels("repeated")
TURN: Final = 100
"""Messages that are read before others get a turn: some milliseconds."""

Tell = Callable[[AsyncSession, Sequence[StateChange]], Awaitable[None]]
Local = tuple[str, Message]
"""A message and its topic without the home's prefix."""
Reports = dict[uuid.UUID, tuple[Traits, list[Heard]]]


class Inbox:
    """Stores what a gateway hears of homes (a ``Consumer`` of ``app.broker``)."""

    filters: Final[Sequence[str]] = ("homes/#",)

    def __init__(self, cache: RoutingCache | None = None) -> None:
        self._cache = cache or RoutingCache()
        self._begun: dict[str, datetime] = {}

    def is_urgent(self, message: Message) -> bool:
        """Say whether a message may tell of a danger, or is somebody who presses a button of ours."""
        found = None if message.is_retained else split(message.topic)
        if found is None:
            return False
        key, local = found
        routes = self._cache.peek(key)
        return routes is not None and (local in routes.urgent or local.startswith("hearthline/"))

    def may_be_overtaken(self, message: Message) -> bool:
        """Say whether a later state makes a message needless: not before it is known what its home has."""
        found = split(message.topic)
        return found is None or (self._cache.peek(found[0]) is not None and not self.is_urgent(message))

    def begin_anew(self, session: str) -> None:
        """Know that what the broker calls its messages in ``session`` means others than before."""
        self._begun[session] = clock.now()

    async def take(self, messages: Sequence[Message]) -> None:
        """Store a batch, oldest first: committed when it returns, nothing of it kept when it raises.

        Raises ``Unanswered`` if the database went away as it was told to commit.
        """
        by_key = _by_key(messages)
        if not by_key:
            return
        batch = await self._stored(by_key, followers.tell)
        batch.count()

    async def take_alone(self, message: Message) -> None:
        """Store one that cannot be stored as others are: what stands, and who can hear of it, does.

        The duty desk is told that a home said something we could not follow: it may have been a call for help.
        """
        by_key = _by_key([message])
        if not by_key:
            return
        heard = is_stored = False

        async def tell(session: AsyncSession, changes: Sequence[StateChange]) -> None:
            nonlocal heard
            heard = await followers.tell_apart(session, changes)

        try:
            await self._stored(by_key, tell)
            is_stored = True
        finally:
            if not (heard and is_stored):
                async with unit_of_work() as session:
                    await tell_desk(session, {key: [local for local, _ in said] for key, said in by_key.items()})

    async def _stored(self, by_key: Mapping[str, list[Local]], tell: Tell) -> "_Batch":
        transaction: str | None = None
        try:
            async with unit_of_work() as session:
                batch = await self._store(session, by_key, tell)
                transaction = await repository.transaction_of(session)
        except BaseException as error:
            # What is kept at hand says already that batteries and signs of life were noted.
            self._cache.forget(by_key.keys())
            if transaction is not None and is_unreachable(error):
                raise Unanswered(partial(_was_stored, transaction)) from error
            raise
        return batch

    async def _store(self, session: AsyncSession, by_key: Mapping[str, list[Local]], tell: Tell) -> "_Batch":
        await self._begin(session)
        homes = await homes_by_key(connection_of(session), by_key)
        batch = _Batch(homes, await _unknown(session, by_key))
        routes = await self._routes(session, batch)
        reports = await batch.reports(routes)
        await note_device_facts(session, list(batch.devices.values()))
        await tell(session, await take_reports(session, reports))
        await followers.press(session, batch.presses)
        await batch.keep_receipts(session)
        await repository.note_homes(session, batch.homes_seen)
        return batch

    async def _begin(self, session: AsyncSession) -> None:
        for name, at in list(self._begun.items()):
            await repository.forget_receipts(session, name, at)
            after_commit(session, partial(self._has_begun, name, at))

    def _has_begun(self, name: str, at: datetime) -> None:
        if self._begun.get(name) == at:
            del self._begun[name]

    async def _routes(self, session: AsyncSession, batch: "_Batch") -> dict[str, Routes]:
        connection = connection_of(session)
        changed = await take_discovery(session, batch.configs) if batch.configs else set()
        routes = await self._cache.of(connection, [home for home in batch.active.values() if home.id not in changed])
        routes |= await self._anew(session, changed)
        heard, tried = announcements(batch.active, routes, batch.streamed)
        if heard:
            routes |= await self._anew(session, await take_discovery(session, heard))
        if tried:
            after_commit(session, partial(self._cache.note_tried, tried))
        return routes

    async def _anew(self, session: AsyncSession, changed: Collection[uuid.UUID]) -> dict[str, Routes]:
        if not changed:
            return {}
        connection = connection_of(session)
        read = await read_routes(connection, list((await homes_by_id(connection, changed)).values()))
        # Only what is committed is kept: a version that was rolled back is given to another registry.
        after_commit(session, partial(self._cache.keep_all, read))
        return read


class _Batch:
    """A batch's messages by what they are, and who was heard in it."""

    def __init__(self, homes: Mapping[str, HomeRow], by_key: Mapping[str, list[Local]]) -> None:
        self.active = {key: home for key, home in homes.items() if home.state == "active"}
        self.configs: list[HeardConfig] = []
        self.presses: list[Said] = []
        self.devices: dict[uuid.UUID, DeviceFact] = {}
        self.homes_seen: dict[uuid.UUID, datetime] = {}
        self.streamed: dict[str, list[tuple[str, bytes]]] = {}
        self._states: dict[str, list[Local]] = {}
        self._named = {_name(message): message for said in by_key.values() for _, message in said if message.packet_id}
        self._moments: set[Name] = set()
        self._taken = self._unknown_topics = 0
        self._unknown_homes = sum(len(said) for key, said in by_key.items() if key not in homes)
        self._closed = sum(len(said) for key, said in by_key.items() if key in homes and key not in self.active)
        for key, home in self.active.items():
            self._sort(home, by_key[key])

    def _sort(self, home: HomeRow, said: Sequence[Local]) -> None:
        states = self._states[home.key] = []
        prefix = home.discovery_prefix
        for one in said:
            local, message = one
            kind = kind_of(local, prefix)
            if kind == "state":
                states.append(one)
                if is_streamed(local):
                    self.streamed.setdefault(home.key, []).append((local, message.payload))
                continue
            self._taken += 1
            if is_ours(kind, local):
                continue
            _, payload, _, is_retained, is_repeated, at, *_ = message
            if kind == "config":
                self.configs.append(HeardConfig(home, local, payload, is_retained))
            else:
                self._moments.add(_name(message))
                self.presses.append(Said(home, local, payload, is_retained, is_repeated, at))
            if not is_retained:
                self.homes_seen[home.id] = at

    async def reports(self, routes: Mapping[str, Routes]) -> Reports:
        """Return what entities say in this batch, each in the order it was heard.

        What is urgent gets its turn in between.
        """
        reports: Reports = {}
        read = 0
        for key, states in self._states.items():
            read += len(states)
            if read >= TURN:
                read = 0
                await asyncio.sleep(0)
            home_id, of_home = self.active[key].id, routes.get(key)
            if of_home is None:
                continue  # closed meanwhile
            for local, message in states:
                if local not in of_home.by_topic:
                    self._unknown_topics += 1
                elif self._read(of_home, local, message, reports):
                    self._taken += 1
                if message.is_retained or local in of_home.orders:
                    continue
                if _is_due(of_home, home_id, message.received_at):
                    self.homes_seen[home_id] = message.received_at
        return reports

    def _read(self, of_home: Routes, local: str, message: Message, reports: Reports) -> bool:
        _, payload, _, is_retained, is_repeated, at, *_ = message
        for traits, reads in of_home.by_topic[local]:
            for report in reads.read(local, payload):
                if traits.is_hazard or report.is_event:
                    self._moments.add(_name(message))
                heard = Heard(report, local, at, is_retained, is_repeated)
                known = reports.get(traits.entity_id)
                if known is None:
                    reports[traits.entity_id] = (traits, [heard])
                else:
                    known[1].append(heard)
                # That a thing is gone is said by others, or by a broker on its behalf.
                if not (is_retained or (report.role == AVAILABILITY and report.value == OFFLINE)):
                    self._see(of_home, traits, report, at)
        return True

    def _see(self, of_home: Routes, traits: Traits, report: Reported, at: datetime) -> None:
        device_id = traits.device_id
        battery = None
        if traits.is_battery and report.role == STATE and report.number is not None:
            battery = round(report.number)
            if of_home.batteries.get(device_id) == battery:
                battery = None
            else:
                of_home.batteries[device_id] = battery
        if battery is not None or _is_due(of_home, device_id, at):
            known = self.devices.get(device_id)
            if known is not None and battery is None:
                battery = known.battery
            self.devices[device_id] = DeviceFact(device_id, at, battery)

    async def keep_receipts(self, session: AsyncSession) -> None:
        """Write down what must not count once more, should it come again."""
        receipts = [
            Receipt(name, _digest(message), message.received_at)
            for name, message in self._named.items()
            if name in self._moments
        ]
        await repository.keep_receipts(session, receipts, [name for name in self._named if name not in self._moments])

    def count(self) -> None:
        """Count what became of the messages."""
        for counter, amount in (
            (_TAKEN, self._taken),
            (_UNKNOWN_TOPIC, self._unknown_topics),
            (_UNKNOWN_HOME, self._unknown_homes),
            (_CLOSED, self._closed),
        ):
            if amount:
                counter.inc(amount)


def _is_due(of_home: Routes, who: uuid.UUID, at: datetime) -> bool:
    """Say whether it is to be noted again that a home or a device was heard, and remember so."""
    last = of_home.seen_at.get(who)
    if last is not None and at - last < SEEN_EVERY:
        return False
    of_home.seen_at[who] = at
    return True


def _by_key(messages: Sequence[Message]) -> dict[str, list[Local]]:
    by_key: dict[str, list[Local]] = {}
    for message in messages:
        found = split(message.topic)
        if found is None:
            _UNKNOWN_HOME.inc()
            continue
        key, local = found
        said = by_key.get(key)
        if said is None:
            by_key[key] = [(local, message)]
        else:
            said.append((local, message))
    return by_key


async def _unknown(session: AsyncSession, by_key: Mapping[str, list[Local]]) -> Mapping[str, list[Local]]:
    """Return what is not stored yet."""
    names = {_name(one) for said in by_key.values() for _, one in said if one.is_repeated and one.packet_id}
    known = await repository.digests(session, names) if names else {}
    if not known:
        return by_key
    again = {
        _name(one)
        for said in by_key.values()
        for _, one in said
        if one.is_repeated and known.get(_name(one)) == _digest(one)
    }
    after_commit(session, partial(_REPEATED.inc, len(again)))
    return {key: [one for one in said if _name(one[1]) not in again] for key, said in by_key.items()}


async def _was_stored(transaction: str) -> bool:
    """Say whether a transaction was committed that nobody answered for."""
    async with reading() as connection:
        status = await repository.status_of(connection, transaction)
    if status == "in progress":
        raise ConnectionError("the commit is still under way")
    return status == "committed"


def _name(message: Message) -> Name:
    return message.session, message.packet_id


def _digest(message: Message) -> int:
    """Return what tells a message from another that a broker calls the same."""
    said = hashlib.blake2b(message.topic.encode(errors="surrogatepass"), digest_size=8)
    said.update(b"\0" + message.payload)
    return int.from_bytes(said.digest(), signed=True)
