"""The demo's past and present: people answer what they are asked, and come when somebody needs them."""

import asyncio
import heapq
import itertools
import re
import uuid
from collections.abc import Awaitable, Callable, Container, Iterator
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Any, Final, Protocol
from zoneinfo import ZoneInfo

import structlog

from app.broker import api as broker
from app.core import clock
from app.core.access import Actor
from app.core.clock import ManualClock
from app.demo import behaviour, medication, vitals, zones
from app.demo.attention import Attention
from app.demo.circles import Conversations
from app.demo.client import Phones, Refused
from app.demo.clockwork import Clockwork
from app.demo.community import TIME_ZONE, Resident, Village
from app.demo.drills import Drills
from app.demo.handovers import ShiftChange
from app.demo.home_days import LIVED, HomeDays
from app.demo.home_orders import HelpAtHome
from app.demo.outings import Outings
from app.demo.patients import Patients
from app.demo.pharmacy import Pharmacy
from app.demo.stays import Stays
from app.demo.visitors_day import FORGOTTEN_BEFORE, forget_a_dose
from app.demo.visits import CareAtHome
from app.portal.demo import soon

log = structlog.get_logger(__name__)

_ZONE: Final = ZoneInfo(TIME_ZONE)
_DAY_BEGINS: Final = time(5)
_STEP: Final = timedelta(hours=1)  # the longest the clock moves at once
_NOW: Final = timedelta(seconds=1)  # real time goes on: closer than this is there
_LOOK_SECONDS: Final = 2.0
_AT_ONCE: Final = 6
_CODE_TRIES: Final = 50
_CODE: Final = re.compile(r"(?<!\d)\d{6}(?!\d)")
Act = Callable[[], Awaitable[None]]


class _Group(Protocol):
    """People, or things, who know in the morning what they mean to do on a day."""

    def begin_day(self, day: date) -> None: ...


class People:
    """Everybody of the village but those in ``without``: what they notice, and what they mean to do about it when."""

    def __init__(self, phones: Phones, village: Village, *, without: Container[uuid.UUID] = ()) -> None:
        self._phones = phones
        self._village = village
        self._without = without
        self._intentions: list[tuple[datetime, int, Act]] = []
        self._count = itertools.count()
        self._few = asyncio.Semaphore(_AT_ONCE)
        self._asked: set[str] = set()
        self._called: set[tuple[str, int, int]] = set()
        self._next_day = clock.now()
        self._groups: tuple[_Group, ...] = (
            CareAtHome(phones, village, self._later, self._try),
            HelpAtHome(phones, village, self._later, self._try),
            Outings(phones, village, self._later, self._try),
            Conversations(phones, village, self._later, self._try),
            Stays(phones, village, self._later, self._try),
            Pharmacy(phones, village, self._later, self._try),
            Patients(phones, village, self._later, self._try, self._sign_in),
            Attention(phones, village, self._later, self._try),
            ShiftChange(village, self._later, self._try),
            Drills(village, self._later, self._try),
        )
        self._members = {
            (resident.id, member.actor.id): member
            for resident in village.residents.values()
            for member in resident.circle
        }
        self._desk = {actor.id: actor for actor in village.staff["dispatcher"]}

    def next_intention(self) -> datetime:
        """Return when somebody means to do something next, at the latest when the next day begins."""
        return min(self._next_day, *(at for at, _, _ in self._intentions[:1])) if self._intentions else self._next_day

    async def act(self) -> bool:
        """Do what is due by now; say whether anything was."""
        now = clock.now()
        if self._next_day <= now:
            self._begin_day(now)
        acts: list[Act] = []
        while self._intentions and self._intentions[0][0] <= now:
            acts.append(heapq.heappop(self._intentions)[2])
        await asyncio.gather(*(self._one_of_few(act) for act in acts))
        return bool(acts)

    async def _one_of_few(self, act: Act) -> None:
        async with self._few:
            await act()

    async def notice(self) -> None:
        """Look at what was asked and who was called since the last look."""
        today = clock.now().astimezone(_ZONE).date()
        await self.notice_check_ins(today - timedelta(days=1))
        await self.notice_check_ins(today)
        await self.notice_alarms()
        await self.notice_doses()

    async def notice_check_ins(self, day: date) -> None:
        """Make up people's minds about the check-ins of a local day that are open now."""
        path = first = f"/v1/check-ins?date={day}&state=prompted&limit=100"
        while path:
            page = await self._phones.ask(self._village.operator, "GET", path)
            for check_in in page["items"]:
                self._answer_later(check_in)
            path = f"{first}&cursor={page['next']}" if page["next"] else ""

    async def notice_alarms(self) -> None:
        """Make up the minds of those who are called by alarms that nobody has taken."""
        desk = next(iter(self._desk.values()))
        page = await self._phones.ask(desk, "GET", "/v1/alarms?limit=100")
        for alarm in page["items"]:
            place = (alarm["id"], alarm["round"], alarm["step"])
            resident = self._village.residents.get(uuid.UUID(alarm["resident_id"]))
            if alarm["state"] != "raised" or not alarm["step"] or place in self._called or resident is None:
                continue
            self._called.add(place)
            if resident.id not in self._without:
                detail = await self._phones.ask(desk, "GET", f"/v1/alarms/{alarm['id']}")
                self._respond_later(detail, resident)

    async def notice_doses(self) -> None:
        """Make up the minds of those who are reminded of what they take."""
        for resident in self._village.residents.values():
            number, frailty = resident.neighbour.number, resident.neighbour.frailty
            if not medication.takes(number) or resident.id in self._without:
                continue
            page = await self._phones.ask(resident.actor, "GET", "/v1/me/doses?state=reminded&limit=100")
            for dose in page["items"]:
                due_at = datetime.fromisoformat(dose["due_at"])
                taking = medication.taking(number, due_at, frailty, self._age(due_at))
                if dose["drug_name"] == soon.MEDICINE:
                    taking = None  # who forgot it is to be seen
                if taking is not None and dose["id"] not in self._asked:
                    path = f"/v1/me/doses/{dose['id']}/record"
                    self._later(clock.now() + taking.after, partial(self._do, resident.actor, path, taking.body()))
                self._asked.add(dose["id"])

    def _age(self, at: datetime) -> int:
        return self._village.age(at.astimezone(_ZONE).date())

    def _later(self, at: datetime, act: Act) -> None:
        heapq.heappush(self._intentions, (max(at, clock.now()), next(self._count), act))

    def _begin_day(self, now: datetime) -> None:
        """Draw what befalls people today, and look forward to tomorrow."""
        today = now.astimezone(_ZONE).date()
        begins = datetime.combine(today, _DAY_BEGINS, _ZONE)
        self._next_day = datetime.combine(today + timedelta(days=1), _DAY_BEGINS, _ZONE)
        age = self._village.age(today)
        for group in self._groups:
            group.begin_day(today)
        for resident in self._village.residents.values():
            number = resident.neighbour.number
            if resident.id in self._without:
                continue
            absence = behaviour.absence(number, today)
            if absence and begins >= now:
                self._later(begins, partial(self._leave, resident, *absence))
            for at, path, body in _sent(resident, begins, age):
                if at >= now:
                    self._later(at, partial(self._do, resident.actor, path, body))
            call = behaviour.sos(number, today, resident.neighbour.frailty)
            if call and resident.neighbour.has_app and begins + call.at >= now:
                self._later(begins + call.at, partial(self._press, resident, call))

    def _answer_later(self, check_in: dict[str, Any]) -> None:
        resident = self._village.residents.get(uuid.UUID(check_in["resident_id"]))
        if check_in["id"] in self._asked or resident is None or resident.id in self._without:
            return
        self._asked.add(check_in["id"])
        due_at = datetime.fromisoformat(check_in["due_at"])
        neighbour = resident.neighbour
        age = self._age(due_at)
        answer = behaviour.answer(neighbour.number, due_at, check_in["channel"], neighbour.frailty, age)
        if answer is not None:
            asked_at = datetime.fromisoformat(check_in["asked_at"] or check_in["due_at"])
            self._later(asked_at + answer.after, partial(self._answer, resident, check_in["id"], answer))

    async def _answer(self, resident: Resident, check_in_id: str, answer: behaviour.Answer) -> None:
        body: dict[str, Any] = {"status": answer.status} | ({"how": answer.how} if answer.how else {})
        if answer.by == "self":
            if resident.neighbour.has_app:
                today = clock.now().astimezone(_ZONE).date()
                body |= behaviour.felt(resident.neighbour.number, today, self._village.age(today)).body()
            await self._try(resident.actor, f"/v1/me/check-ins/{check_in_id}/answer", body)
            return
        carers = self._village.staff["carer"]
        who = resident.circle[0].actor if answer.by == "circle" else carers[resident.neighbour.number % len(carers)]
        await self._try(who, f"/v1/residents/{resident.id}/check-ins/{check_in_id}/answer", body)

    def _respond_later(self, alarm: dict[str, Any], resident: Resident) -> None:
        place = (alarm["round"], alarm["step"])
        told = {uuid.UUID(row["account_id"]) for row in alarm["notices"] if (row["round"], row["step"]) == place}
        for account_id in sorted(told):
            member = self._members.get((resident.id, account_id))
            actor = member.actor if member else self._desk.get(account_id)
            if actor is None:
                continue
            occasion = (
                resident.neighbour.number,
                alarm["raised_at"],
                *place,
                len(told),
                sorted(told).index(account_id),
            )
            readiness = member.helper.readiness if member else 1.0
            response = behaviour.response(occasion, readiness, at_desk=member is None)
            if response is not None:
                at = clock.now() + response.after
                self._later(at, partial(self._take, actor, alarm["id"], response))

    async def _take(self, actor: Actor, alarm_id: str, response: behaviour.Response) -> None:
        alarm = await self._try(actor, f"/v1/alarms/{alarm_id}/acknowledgement")
        if alarm is None:
            return
        await self._look_up(actor, alarm)
        if response.course == "forgets":
            return
        now, path = clock.now(), f"/v1/alarms/{alarm_id}"
        ends = now + response.ends
        if response.course == "goes":
            departs = now + response.departs
            arrives = departs + response.arrives
            ends = arrives + response.ends
            self._later(departs, partial(self._do, actor, f"{path}/departure"))
            self._later(arrives, partial(self._do, actor, f"{path}/arrival"))
        self._later(ends, partial(self._do, actor, f"{path}/resolution", {"outcome": response.outcome}))

    async def _look_up(self, actor: Actor, alarm: dict[str, Any]) -> None:
        """Look where somebody was last who is searched for, or else how they can be reached: the alarm opens it."""
        what = "positions" if alarm["kind"] == "wandering" else "contact-points"
        try:
            await self._phones.ask(actor, "GET", f"/v1/residents/{alarm['resident_id']}/{what}")
        except Refused as refusal:
            if refusal.status not in (403, 404):  # what is less urgent opens nothing
                raise

    async def _press(self, resident: Resident, call: behaviour.Call) -> None:
        """Press SOS, on a phone that is signed in as everybody signs in: with the code that comes by text message."""
        token = await self._sign_in(resident.neighbour.create["contact_points"][0]["value"])
        if token is None:
            return
        alarm = await self._phones.ask(None, "POST", "/v1/me/sos", {"countdown_seconds": 15}, token=token)
        if call.by_mistake and alarm["countdown_until"]:
            at = clock.now() + timedelta(seconds=6)
            self._later(at, partial(self._do, resident.actor, f"/v1/alarms/{alarm['id']}/cancellation"))

    async def _sign_in(self, phone: str) -> str | None:
        wanted = {"community_id": str(self._village.community_id), "phone": phone}
        challenge = await self._phones.ask(None, "POST", "/v1/sign-in/codes", wanted)
        code = await self._code_for(phone)
        if code is None:
            return None
        body = {"challenge_id": challenge["challenge_id"], "code": code}
        return str((await self._phones.ask(None, "POST", "/v1/sign-in", body))["access_token"])

    async def _code_for(self, phone: str) -> str | None:
        """Return the newest code that arrived at a number, waiting for it a while; ``None`` if none does."""
        for _ in range(_CODE_TRIES):
            await self.deliver()
            for message in (await self._phones.ask(None, "GET", "/demo/outbox/messages"))["items"]:
                found = _CODE.search(message["body"])
                if found and phone in message["recipient"] and message["notice"] == "account.sign_in_code_sms":
                    return found.group()
        return None

    async def deliver(self) -> None:
        """Have what was written sent: by the worker, which needs a moment."""
        await asyncio.sleep(_LOOK_SECONDS / 10)

    async def _leave(self, resident: Resident, kind: str, days: int) -> None:
        ends = clock.now() + timedelta(days=days)
        await self._try(resident.actor, "/v1/me/check-in-pauses", {"kind": kind, "ends_at": ends.isoformat()})

    async def _do(self, actor: Actor, path: str, body: dict[str, Any] | None = None) -> None:
        await self._try(actor, path, body)

    async def _try(self, actor: Actor, path: str, body: dict[str, Any] | None = None) -> Any:
        """Return the answer; ``None`` if things have moved on and what was meant makes no sense any more."""
        try:
            return await self._phones.ask(actor, "POST", path, body)
        except Refused as refusal:
            if refusal.status not in (403, 404, 409):
                raise
            return None


class Replay(People):
    """People whose past is made: the clock goes from one thing that happens to the next, and the jobs run on it."""

    def __init__(
        self, phones: Phones, village: Village, time_machine: ManualClock, clockwork: Clockwork, until: datetime
    ) -> None:
        super().__init__(phones, village)
        self._clock = time_machine
        self._clockwork = clockwork
        # Beside a gateway the home is a process of its own.
        self._home = HomeDays(phones, village, self._later, self._try, until - LIVED)
        self._groups = (*self._groups, self._home)
        self._later(until - FORGOTTEN_BEFORE, partial(forget_a_dose, phones, village))

    async def run(self, until: Callable[[], datetime], progress: Callable[[datetime], None]) -> None:
        """Live until ``until()``, which may move on meanwhile; ``progress`` is told how far it is."""
        with broker.spoken_by(self._home):
            await self._run(until, progress)

    async def _run(self, until: Callable[[], datetime], progress: Callable[[datetime], None]) -> None:
        await self.deliver()
        await self.notice()
        deadline = await self._clockwork.next_deadline(clock.now() + _STEP)
        while (now := clock.now()) < until() - _NOW:
            self._clock.set(max(now, min(until(), deadline, self.next_intention())))
            acted = await self.act()
            if clock.now() >= deadline or (acted and self._clockwork.is_woken()):
                await self.deliver()
                deadline = await self._clockwork.next_deadline(clock.now() + _STEP)
            progress(clock.now())
        await self.notice()  # which also leaves a trace of how far the past was lived

    async def deliver(self) -> None:
        """Run the jobs, and let people notice what came of it."""
        handled = await self._clockwork.settle()
        if handled["eldercare.prompt_check_ins"] or handled["eldercare.close_check_ins"]:
            await self.notice_check_ins(clock.now().astimezone(_ZONE).date())
        if handled["eldercare.climb_ladders"]:
            await self.notice_alarms()
        if handled["eldercare.remind_doses"]:
            await self.notice_doses()


def _sent(resident: Resident, begins: datetime, age: int) -> Iterator[tuple[datetime, str, dict[str, Any]]]:
    """Return what somebody's devices send on a day that begins at ``begins``: when, where, and what."""
    neighbour = resident.neighbour
    if vitals.measures(neighbour):
        at = begins + vitals.rises(neighbour.number, begins.date())
        yield at, "/v1/me/vitals", vitals.morning(neighbour.number, at)
    if vitals.watched(neighbour):
        for at, readings in vitals.sets(neighbour.number, begins, age):
            yield at, "/v1/me/vitals", readings
    if zones.wears(neighbour):
        for at, fixes in zones.reports(neighbour, begins, age):
            yield at, "/v1/me/positions", fixes


async def live(people: People, stop: asyncio.Event) -> None:
    """Let people live on the running clock, beside a worker, until ``stop`` is set."""
    while not stop.is_set():
        try:
            await people.notice()
            await people.act()
        except Refused as refusal:  # the database is away for a moment, perhaps
            log.warning("neighbours_refused", status=refusal.status, problem_code=refusal.code)
        try:
            await asyncio.wait_for(stop.wait(), _LOOK_SECONDS)
        except TimeoutError:
            continue
