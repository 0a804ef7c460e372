"""How the demo's connected home lived so far: what it said day by day, what happened, what its family had done."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Any, Final
from zoneinfo import ZoneInfo

from app import assembly
from app.broker.api import Message
from app.core import clock
from app.core.access import Actor
from app.core.database import unit_of_work
from app.demo import behaviour, smart_home
from app.demo.client import Attempt, Later, Phones
from app.demo.community import TIME_ZONE, Village
from app.demo.simulated_days import EVENTS, REPORTS, Moment
from app.demo.simulated_home import Said, SimulatedHome

LIVED: Final = timedelta(days=10)
"""So much of its past is lived: enough to know what is usual there."""
SPEAKING_JOBS: Final = ("community.send_home_commands", "community.publish_home_panels")
"""What a gateway does that can be done in the past, where this home is all that is spoken to."""
_ZONE: Final = ZoneInfo(TIME_ZONE)
_BEGINS: Final = time(5)
_TOGETHER: Final = timedelta(minutes=25)
_OBEYS_AFTER: Final = timedelta(seconds=1)
_ALWAYS_AT: Final = (time(7), time(20))
"""Outside of these times things happen by the clock; between them a day may begin earlier or later than usual."""
_LEAKS_ON, _OPEN_ON, _LOOKED_AFTER_ON = 2, 5, 4
"""Weekdays: the sink runs over, the front door is left open in the evening, the family does something from afar."""
_FALLS_SILENT: Final = ("Living room climate", (1, 2))
"""A sensor whose battery is changed late, and the weekdays on which it says nothing."""
_STORIES: Final[dict[int, tuple[Moment, ...]]] = {
    _LEAKS_ON: (
        Moment(time(15, 20), "Kitchen water", {"water_leak": True}),
        Moment(time(15, 50), "Kitchen water", {"water_leak": False}),
    ),
    _OPEN_ON: (
        Moment(time(23, 5), "Front door", {"contact": False}),
        Moment(time(23, 25), "Front door", {"contact": True}),
    ),
}
_COMES_BY_AT: Final = time(19, 10)
_OUT_AT: Final = time(19, 40)


class HomeDays:
    """The home: what it says, and what it does when something is said to it (a ``Publisher`` of ``app.broker``)."""

    def __init__(self, phones: Phones, village: Village, later: Later, attempt: Attempt, since: datetime) -> None:
        self._phones = phones
        self._village = village
        self._later = later
        self._attempt = attempt
        self._since = since
        self._simulated = SimulatedHome()
        self._home: smart_home.SmartHome | None = None
        self._begun = clock.now()
        self._name = str(clock.new_id())

    def begin_day(self, day: date) -> None:
        """Look forward to what is said from this morning to the next."""
        begins = datetime.combine(day, _BEGINS, _ZONE)
        if begins + timedelta(days=1) <= self._since or smart_home.lives_there(self._village) is None:
            return
        if self._home is None:
            self._later(clock.now(), self._connect)
        for batch in _batches(day):
            if batch[-1][0] > clock.now():
                self._later(batch[-1][0], partial(self._live, batch))
        if day.weekday() == _LOOKED_AFTER_ON:
            for at, act in ((_COMES_BY_AT, self._come_by), (_OUT_AT, self._put_out)):
                if (when := datetime.combine(day, at, _ZONE)) > clock.now():
                    self._later(when, act)

    async def publish(
        self,
        topic: str,
        payload: bytes,
        *,
        qos: int = 0,  # noqa: ARG002 - nothing is lost on this way
        retain: bool = False,  # noqa: ARG002
        expires_in: timedelta | None = None,  # noqa: ARG002
    ) -> None:
        """Do what is said, and say so a moment later."""
        if self._home is not None and topic.startswith(self._prefix):
            said = self._simulated.answer(topic.removeprefix(self._prefix), payload)
            if said:
                at = clock.now() + _OBEYS_AFTER
                self._later(at, partial(self._say, [(at, one) for one in said]))

    @property
    def _prefix(self) -> str:
        return f"homes/{self._home.key}/" if self._home else ""

    async def _connect(self) -> None:
        if self._home is not None:
            return
        self._home = await smart_home.arrange(self._phones, self._village)
        now = clock.now()
        await self._say([(now, one) for one in self._simulated.announce()])
        await self._light_the_way()

    async def _live(self, batch: Sequence[tuple[datetime, Moment]]) -> None:
        said = [(at, one) for at, moment in batch for one in self._simulated.change(moment.device, moment.becomes)]
        await self._say(said)

    async def _say(self, said: Iterable[tuple[datetime, Said]]) -> None:
        if self._home is None or assembly.GATEWAY_CONSUMER is None:
            return
        async with unit_of_work() as session:  # or nobody could have missed anything, nor be known to be about
            await assembly.home_listened(session, self._name, self._begun)
        await assembly.GATEWAY_CONSUMER.take(
            [
                Message(
                    f"{self._prefix}{one.topic}", one.payload, 1, one.is_retained, is_repeated=False, received_at=at
                )
                for at, one in said
            ]
        )

    async def _light_the_way(self) -> None:
        """Have the light in the hall go on when she gets up at night, unless it does already."""
        path = f"/v1/homes/{self._home.id if self._home else ''}"
        if (await self._phones.ask(self._manager, "GET", f"{path}/automations"))["items"]:
            return
        values = {"bed": await self._entity("bed"), "light": await self._entity("light"), "minutes": 10}
        await self._phones.ask(self._manager, "POST", f"{path}/automation-templates/night_light", {"values": values})

    async def _come_by(self) -> None:
        """Turn the light in the hall on from afar, and think better of opening the door."""
        body = {"command": "turn_on", "arguments": {"brightness": 200}}
        await self._attempt(self._manager, f"/v1/home-entities/{await self._entity('light')}/commands", body)
        body = {"command": "unlock"}
        await self._attempt(self._manager, f"/v1/home-entities/{await self._entity('lock')}/commands", body)

    async def _put_out(self) -> None:
        body = {"command": "turn_off"}
        await self._attempt(self._manager, f"/v1/home-entities/{await self._entity('light')}/commands", body)

    async def _entity(self, role: str) -> str | None:
        path = f"/v1/homes/{self._home.id if self._home else ''}/entities?limit=100"
        entities: list[dict[str, Any]] = (await self._phones.ask(self._manager, "GET", path))["items"]
        return next((one["id"] for one in entities if one["role"] == role), None)

    @property
    def _manager(self) -> Actor:
        resident = smart_home.lives_there(self._village)
        if resident is None:
            raise LookupError("nobody lives there")
        return resident.circle[smart_home.MANAGES].actor


def _batches(day: date) -> list[list[tuple[datetime, Moment]]]:
    """Return what is said from five in the morning on, and until five the next: what comes close together at once."""
    batches: list[list[tuple[datetime, Moment]]] = []
    for at, moment in sorted(_said_on(day), key=lambda said: said[0]):
        # Whoever gets up, gets up now: what follows from it is not to be late.
        is_apart = not batches or batches[-1][-1][1].device in ("Bed", "Kitchen water", "Front door")
        if is_apart or at - batches[-1][0][0] > _TOGETHER:
            batches.append([])
        batches[-1].append((at, moment))
    return batches


def _said_on(day: date) -> Iterable[tuple[datetime, Moment]]:
    dice = behaviour.chance("home day", day)
    shift = timedelta(minutes=dice.randint(-12, 18))
    for moment in (*EVENTS, *REPORTS, *_STORIES.get(day.weekday(), ())):
        of = day if moment.at >= _BEGINS else day + timedelta(days=1)
        if moment.device == _FALLS_SILENT[0] and of.weekday() in _FALLS_SILENT[1]:
            continue
        is_loose = moment in EVENTS and _ALWAYS_AT[0] <= moment.at < _ALWAYS_AT[1]
        yield datetime.combine(of, moment.at, _ZONE) + (shift if is_loose else timedelta()), moment
