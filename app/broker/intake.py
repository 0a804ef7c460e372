"""What was heard and is not stored yet: gathered into batches, stored, and only then acknowledged."""

import asyncio
import math
import time
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Final

import structlog

from app.broker import telemetry
from app.broker.frames import Published
from app.broker.lanes import Held, Lane
from app.broker.messages import Consumer, Message, Unanswered
from app.broker.rules import MOST_BYTES, home_of, shape, tells_a_state
from app.broker.wire import Wire
from app.core import clock, failures
from app.core.database import is_unreachable
from app.core.mqtt_settings import MqttSettings

_QUIET: Final = 0.02  # seconds without a message after which nobody is waited for
_LONGEST_WAIT: Final = timedelta(seconds=15)
_AGAIN: Final = 0.9  # of the queue's length, below which is read on
LAST_TRIES: Final = 20.0
"""Seconds after it was asked to stop in which it tries to store what waits, should the database be away."""
MOST_HELD: Final = 256 * 1_048_576
"""Bytes of payloads that wait: one home that sends what is as long as a message may be must not fill the memory."""
MOST_IN_BATCH: Final = 32 * 1_048_576
"""Bytes of payloads that are stored together."""
URGENT_AT_ONCE: Final = 3
"""Batches of what is urgent that are stored at the same time: a home whose own is held up holds up no other home's."""
GIVES_WAY: Final = 0.2
"""Seconds for which what can wait waits for what is urgent, however much of that comes."""

log = structlog.get_logger(__name__)


class Intake:
    """Takes in what the connections hear.

    What is urgent is stored beside everything else; of the rest one batch is stored at a time. What is said at one
    topic is stored in the order it came, and the broker is told in the order it sent (MQTT 5.0, 4.6), so that what is
    urgent may be stored before it is acknowledged.
    """

    def __init__(self, consumer: Consumer, settings: MqttSettings) -> None:
        self._consumer = consumer
        self._settings = settings
        self._common, self._urgent = Lane(), Lane()
        self._in_hand: dict[tuple[str, int], Held] = {}
        # Stored, but the wire had ended before that could be said: what comes again is acknowledged and left out.
        self._stored: dict[tuple[str, int], Message] = {}
        # What the broker waits for our word of, in the order it sent it on the session's present wire.
        self._unsaid: defaultdict[str, deque[Held]] = defaultdict(deque)
        self._wires: dict[str, Wire] = {}
        self._came, self._came_urgently = asyncio.Event(), asyncio.Event()
        self._hurries = asyncio.Event()
        self._is_calm = asyncio.Event()
        self._is_calm.set()
        self._is_stopping = False
        self._stops_at = math.inf
        self._has_given_up = False

    def greet(self, session: str, wire: Wire, *, is_kept: bool) -> None:
        """Begin with a new ``wire`` of ``session``, before anything is heard on it.

        If the broker kept the session, it sends again what it has no word of, in the same order and under the same
        ids: what waits is forgotten for that. If it did not keep it, nobody else has what we hold.
        """
        self._wires[session] = wire
        unsaid = self._unsaid.pop(session, ())
        mine = [held for held in self._in_hand.values() if held.session == session]
        if is_kept:
            self._stored.update(((session, held.packet_id), held.message) for held in unsaid if held.is_stored)
            for lane in (self._common, self._urgent):
                lane.keep(held for held in lane.waiting if held.session != session or not held.packet_id)
        else:
            mine += [held for lane in (self._common, self._urgent) for held in lane.waiting if held.session == session]
            self._stored = {key: message for key, message in self._stored.items() if key[0] != session}
            self._in_hand = {key: held for key, held in self._in_hand.items() if key[0] != session}
            for held in mine:
                held.packet_id = 0
                held.message = held.message._replace(packet_id=0)
            self._consumer.begin_anew(session)
        for held in mine:
            held.wire = None
        self._calm_down()

    def hear(self, session: str, wire: Wire, heard: Sequence[Published]) -> None:
        """Take in what came over ``wire``."""
        now, since = clock.now(), time.monotonic()
        unsaid = self._unsaid[session]
        for topic, payload, qos, is_retained, is_repeated, packet_id, _ in heard:
            message = Message(topic, payload, qos, is_retained, is_repeated, now, session, packet_id)
            if is_repeated and packet_id and self._is_known(session, wire, packet_id, message):
                continue
            held = Held(message, packet_id, session, wire, since)
            if packet_id:
                unsaid.append(held)
            if len(payload) > MOST_BYTES:
                telemetry.TOO_LARGE.inc()
                held.is_stored = True
            else:
                self._add(held)
        self._say(session)
        if self._is_full(1):
            self._make_room()

    def stop(self) -> None:
        """Let ``run`` end once what waits is stored, or cannot be; what was not, is not acknowledged."""
        self._is_stopping = True
        self._stops_at = min(self._stops_at, time.monotonic() + LAST_TRIES)
        for event in (self._came, self._came_urgently, self._hurries):
            event.set()

    async def run(self) -> None:
        """Store what comes until ``stop``, and then what is still there."""
        async with asyncio.TaskGroup() as tasks:
            for _ in range(URGENT_AT_ONCE):
                tasks.create_task(self._run_urgent())
            tasks.create_task(self._run_common())

    async def _run_common(self) -> None:
        while not self._has_given_up:
            await self._came.wait()
            if not self._common.waiting:
                if self._is_stopping:
                    return
                self._came.clear()
                continue
            await self._gather()
            await self._give_way()
            if self._common.waiting:  # what waited may have gone with its wire
                await self._store_common()

    async def _run_urgent(self) -> None:
        while not self._has_given_up:
            await self._came_urgently.wait()
            batch = self._urgent.take_of_others(self._settings.batch, MOST_IN_BATCH)
            if batch:
                await self._store_urgent(batch)
            elif self._is_stopping and not self._urgent.waiting:
                return
            else:
                self._came_urgently.clear()

    def _add(self, held: Held) -> None:
        """Let a message wait where it is stored first, but after all that must be stored before it."""
        topic = held.message.topic
        is_urgent = self._consumer.is_urgent(held.message)
        if self._urgent.holds(topic) or (is_urgent and not self._common.stands_before(topic)):
            self._urgent.add(held)
            self._is_calm.clear()
            self._came_urgently.set()
            return
        self._common.add(held)
        self._came.set()
        if is_urgent:
            self._hurries.set()

    def _is_known(self, session: str, wire: Wire, packet_id: int, message: Message) -> bool:
        """Say whether a message that comes again is stored, or is being stored: our word for it is still due."""
        key = (session, packet_id)
        stored, held = self._stored.pop(key, None), self._in_hand.get(key)
        if stored is not None and _same(stored, message):
            held = Held(message, packet_id, session, wire, 0)
            held.is_stored = True
        elif held is None or not _same(held.message, message):
            return False
        held.wire = wire
        self._unsaid[session].append(held)
        telemetry.REPEATED.inc()
        return True

    async def _gather(self) -> None:
        """Wait for others to come, as long as they do."""
        lane = self._common
        until = lane.waiting[0].since + self._settings.batch_milliseconds / 1000
        count = 0
        while (
            count < len(lane.waiting) < self._settings.batch
            and lane.size < MOST_IN_BATCH
            and not self._hurries.is_set()
        ):
            count = len(lane.waiting)
            left = until - time.monotonic()
            if left <= 0:
                return
            try:
                async with asyncio.timeout(min(left, _QUIET)):
                    await self._hurries.wait()
            except TimeoutError:
                continue

    async def _give_way(self) -> None:
        """Let what is urgent have the processor to itself."""
        if self._is_calm.is_set():
            return
        try:
            async with asyncio.timeout(GIVES_WAY):
                await self._is_calm.wait()
        except TimeoutError:
            return

    async def _store_common(self) -> None:
        self._hurries.clear()
        batch = self._common.take(self._settings.batch, MOST_IN_BATCH)
        if self._common.waiting or self._is_stopping:
            self._hurries.set()  # who did not fit in has waited already
        telemetry.LAG.set(time.monotonic() - batch[0].since)
        await self._take_in_hand(self._common, batch)
        if not self._common.waiting:
            telemetry.LAG.set(0)

    async def _store_urgent(self, batch: list[Held]) -> None:
        await self._take_in_hand(self._urgent, batch)
        self._came_urgently.set()  # what waited for these, and whoever waits for there to be nothing more
        self._calm_down()

    def _calm_down(self) -> None:
        if not (self._urgent.waiting or self._urgent.in_hand):
            self._is_calm.set()

    async def _take_in_hand(self, lane: Lane, batch: list[Held]) -> None:
        telemetry.WAITING.set(len(self._common.waiting) + len(self._urgent.waiting))
        self._in_hand.update(((held.session, held.packet_id), held) for held in batch if held.packet_id)
        await self._store(batch)
        lane.put_down(batch)
        if self._has_given_up:
            self.stop()
        if not self._is_full(_AGAIN):
            for wire in self._wires.values():
                wire.resume()

    def _is_full(self, share: float) -> bool:
        """Say whether as much waits as that share of what there is room for."""
        waiting = len(self._common.waiting) + len(self._urgent.waiting)
        return waiting >= self._settings.queue * share or self._common.size + self._urgent.size >= MOST_HELD * share

    async def _store(self, batch: list[Held]) -> None:
        """Store ``batch``; what fails by itself alone is left out, so that it stands in nobody's way."""
        attempts = 0
        was_stored: Callable[[], Awaitable[bool]] | None = None
        while True:
            started = time.monotonic()
            try:
                if was_stored is None or not await was_stored():
                    was_stored = None
                    await self._consumer.take([held.message for held in batch])
            except Exception as error:  # noqa: BLE001 - whatever it is: nothing is acknowledged
                if isinstance(error, Unanswered):
                    was_stored = error.was_stored
                attempts += 1
                _tell(error, batch, attempts)
                if _is_excused(error):
                    if time.monotonic() >= self._stops_at:
                        self._has_given_up = True
                        return
                    await asyncio.sleep(failures.backoff(attempts, _LONGEST_WAIT).total_seconds())
                    continue
                await self._divide(batch)
                return
            telemetry.BATCH_SECONDS.observe(time.monotonic() - started)
            telemetry.BATCHES.inc()
            telemetry.MESSAGES.inc(len(batch))
            self._acknowledge(batch)
            return

    async def _divide(self, batch: list[Held]) -> None:
        if len(batch) == 1:
            await self._store_alone(batch[0].message)
            self._acknowledge(batch)
            return
        middle = len(batch) // 2
        await self._store(batch[:middle])
        if not self._has_given_up:
            await self._store(batch[middle:])

    async def _store_alone(self, message: Message) -> None:
        telemetry.POISONED.inc()
        attempts = 0
        was_stored: Callable[[], Awaitable[bool]] | None = None
        while True:
            try:
                if was_stored is None or not await was_stored():
                    was_stored = None
                    await self._consumer.take_alone(message)
            except Exception as error:  # noqa: BLE001 - whatever it is: it must not stand in the others' way
                if isinstance(error, Unanswered):
                    was_stored = error.was_stored
                if _is_excused(error):
                    attempts += 1
                    await asyncio.sleep(failures.backoff(attempts, _LONGEST_WAIT).total_seconds())
                    continue
                # Under this id alone: what it says, and whose it is, is in no log.
                log.error(  # noqa: TRY400 - a traceback may hold data
                    "message_left_out",
                    message_id=str(clock.new_id()),
                    size=len(message.payload),
                    error=failures.code_of(error),
                    place=failures.place_of(error),
                )
            return

    def _acknowledge(self, batch: Sequence[Held]) -> None:
        for held in batch:
            held.is_stored = True
            if held.packet_id:
                self._in_hand.pop((held.session, held.packet_id), None)
                if held.wire is None:
                    self._stored[held.session, held.packet_id] = held.message
        for session in {held.session for held in batch}:
            self._say(session)

    def _say(self, session: str) -> None:
        """Tell the broker what is stored, up to the first that is not."""
        unsaid, wire = self._unsaid[session], self._wires[session]
        if not wire.is_open:
            return
        packet_ids: list[int] = []
        while unsaid and unsaid[0].is_stored:
            packet_ids.append(unsaid.popleft().packet_id)
        if packet_ids:
            wire.acknowledge(packet_ids)

    def _make_room(self) -> None:
        """Leave out states that were overtaken; if that is not enough, let the broker wait."""
        kept: deque[Held] = deque()
        told: set[tuple[str, tuple[str, ...]]] = set()
        for held in reversed(self._common.waiting):
            message = held.message
            if tells_a_state(message) and self._may_be_overtaken(message):
                of = shape(message)
                if of is not None:
                    if (message.topic, of) in told:
                        telemetry.OVERTAKEN.inc()
                        continue
                    told.add((message.topic, of))
            kept.appendleft(held)
        self._common.keep(kept)
        if self._is_full(_AGAIN):
            for wire in self._wires.values():
                wire.pause()

    def _may_be_overtaken(self, message: Message) -> bool:
        """Say whether whoever stores it knows that it is no danger, and nothing that waits describes it anew."""
        return not self._common.holds(home_of(message.topic)) and self._consumer.may_be_overtaken(message)


def _tell(error: Exception, batch: Sequence[Held], attempts: int) -> None:
    telemetry.FAILURES.inc()
    telemetry.LAG.set(time.monotonic() - batch[0].since)
    log.error(
        "batch_not_stored",
        messages=len(batch),
        attempts=attempts,
        error=failures.code_of(error),
        place=failures.place_of(error),
    )


def _same(one: Message, other: Message) -> bool:
    return one.topic == other.topic and one.payload == other.payload


def _is_excused(error: BaseException) -> bool:
    """Say whether the same is to be tried again; nothing here opens files: what is missing is the database's socket."""
    return failures.is_excused(error) or is_unreachable(error)
