"""Help at home in the demo, day by day: residents order, the provider plans, its people come, and it is paid."""

import uuid
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Any, Final
from zoneinfo import ZoneInfo

from app.core import clock
from app.core.access import Actor
from app.demo import behaviour
from app.demo.client import Attempt, Later, Phones
from app.demo.community import TIME_ZONE, Resident, Village, every
from app.demo.home_services import desk, offers, path_of, workers

_ZONE: Final = ZoneInfo(TIME_ZONE)
_WISHES: Final[tuple[tuple[int, str, str, str], ...]] = (
    (1, "meals", "1 3 5", "11:30"),
    (4, "laundry", "1 4", "09:00"),
    (5, "haircut", "2", "10:00"),
    (7, "cleaning", "1 4", "13:30"),
    (8, "escort", "3", "09:30"),
    (9, "bathing", "2 5 7", "09:00"),
    (10, "repair", "4", "14:00"),
    (14, "meals", "2 4 6", "12:00"),
    (15, "haircut", "5", "15:00"),
    (16, "cleaning", "2 6", "10:30"),
)
"""Who orders what for which days of the week, and when it begins."""
_ORDERED_AT: Final = time(17)
"""The day before, one after the other."""
_ACCEPTED_AT: Final = time(17, 25)
_PLANNED_AT: Final = time(17, 30)
_TAKEN: Final = "repair"
"""What is offered is taken by themselves; whoever cooks or does laundry is sent by the day's plan."""
_LOOKED_AT: Final = time(6, 30)
_PAID_AT: Final = time(18)
_RECURS: Final = (2, "cleaning", "FREQ=WEEKLY;BYDAY=TU", "09:30")
_TOO_LATE: Final = (6, "repair", "19:30")
"""An hour at which nobody works: such an order is always in the operator's queue."""
_EVERY: Final = 3
_AHEAD: Final = timedelta(days=4)
_OPERATOR_AT: Final = time(9)


class HelpAtHome:
    """Residents who order, the provider's desk and its people."""

    def __init__(self, phones: Phones, village: Village, later: Later, attempt: Attempt) -> None:
        self._phones = phones
        self._village = village
        self._later = later
        self._attempt = attempt
        self._desk = desk(village)
        self._of_provider = path_of(village)
        self._offers: dict[str, str] = {}
        self._known: set[str] = set()

    def begin_day(self, day: date) -> None:
        """Look forward to a day's orders, to those for the next one, and to who pays."""
        tomorrow = day + timedelta(days=1)
        self._later(datetime.combine(day, _LOOKED_AT, _ZONE), partial(self._look_at, day))
        ahead = [(_OPERATOR_AT, self._look_at_queue), (_ACCEPTED_AT, self._take), (_PAID_AT, self._collect)]
        wishes = [wish for wish in _WISHES if str(tomorrow.isoweekday()) in wish[2].split()]
        for minute, (number, code, _, begins) in enumerate(wishes):
            ordered_at = (datetime.combine(day, _ORDERED_AT) + timedelta(minutes=minute)).time()
            ahead.append((ordered_at, partial(self._order, number, code, tomorrow, begins)))
        ahead.append((_PLANNED_AT, partial(self._plan, tomorrow)))
        if self._village.age(day) % _EVERY == 0:
            ahead.append((_OPERATOR_AT, partial(self._order, _TOO_LATE[0], _TOO_LATE[1], day + _AHEAD, _TOO_LATE[2])))
        if self._village.age(day) == 1:
            ahead.append((_OPERATOR_AT, self._agree))
        for wall, act in ahead:
            at = datetime.combine(day, wall, _ZONE)
            if at >= clock.now():
                self._later(at, act)

    async def _offer(self, code: str) -> str:
        if not self._offers:
            self._offers = await offers(self._phones, self._village)
        return self._offers[code]

    async def _order(self, number: int, code: str, day: date, begins: str) -> None:
        resident = self._village.numbered(number)
        if resident is None:
            return
        home = resident.neighbour.create["household"]
        starts_at = datetime.combine(day, time.fromisoformat(begins), _ZONE).isoformat()
        offer_id = await self._offer(code)
        asked = {"starts_at": starts_at, "latitude": home["latitude"], "longitude": home["longitude"]}
        quote = await self._attempt(resident.actor, f"/v1/service-offers/{offer_id}/quotes", asked)
        if quote is None:
            return
        wanted = {
            "offer_id": offer_id,
            "offer_version": quote["offer_version"],
            "total": quote["total"],
            "starts_at": starts_at,
            "flexibility": "PT30M",
            "payment_method": "provider",
        }
        await self._attempt(self._orderer(resident), f"/v1/residents/{resident.id}/home-orders", wanted)

    def _orderer(self, resident: Resident) -> Actor:
        """Return who orders: where a resident does not see well, the first of their circle does."""
        sees_badly = "sight" in resident.neighbour.create["accessibility_needs"]
        return resident.circle[0].actor if sees_badly and resident.circle else resident.actor

    async def _agree(self) -> None:
        """Agree to help that recurs, with whoever came first."""
        number, code, rule, begins = _RECURS
        resident = self._village.numbered(number)
        if resident is None:
            return
        path = f"/v1/residents/{resident.id}/home-order-series"
        first = clock.now().astimezone(_ZONE).date() + timedelta(days=1)
        wish = {"offer_id": await self._offer(code), "rrule": rule, "begins": begins, "starts_on": first.isoformat()}
        terms = (await self._phones.ask(resident.actor, "POST", f"{path}/preview", wish))["terms"]
        agreed = {name: terms[name] for name in ("offer_version", "totals")}
        wanted = {**wish, "holidays": "move", "agreed": agreed, "payment_method": "provider"}
        await self._attempt(resident.actor, path, wanted)

    async def _take(self) -> None:
        """Let the workers see which orders they are offered, and take what they take by themselves."""
        for worker in workers(self._village):
            for offer in (await self._phones.ask(worker, "GET", "/v1/me/home-order-offers"))["items"]:
                if offer["category"] == _TAKEN:
                    await self._attempt(worker, f"/v1/me/home-order-offers/{offer['id']}/acceptance", None)

    async def _plan(self, day: date) -> None:
        """Have the planner say who goes to what nobody has yet, and carry it out."""
        path = f"{self._of_provider}/day-plans"
        plan = await self._attempt(self._desk, path, {"date": day.isoformat()})
        if plan is not None and any(stop["people"] for stop in plan["stops"]):
            await self._attempt(self._desk, f"{path}/{plan['id']}/acceptance", None)

    async def _look_at_queue(self) -> None:
        """Have the operator call off what nobody will come to today."""
        today = clock.now().astimezone(_ZONE).date()
        for order in (await self._phones.ask(self._village.operator, "GET", "/v1/unfilled-home-orders"))["items"]:
            if datetime.fromisoformat(order["starts_at"]).astimezone(_ZONE).date() == today and order["why"]:
                reason = {"reason": "no_worker"}
                await self._attempt(self._village.operator, f"/v1/home-orders/{order['id']}/cancellation", reason)

    async def _look_at(self, day: date) -> None:
        """Let the workers look at their day, and mean to make it."""
        for worker in workers(self._village):
            path = f"/v1/me/home-orders?date={day.isoformat()}"
            for stop in (await self._phones.ask(worker, "GET", path))["items"]:
                self._expect(worker, stop)

    def _expect(self, worker: Actor, stop: dict[str, Any]) -> None:
        starts_at = datetime.fromisoformat(stop["starts_at"])
        resident = self._village.residents.get(uuid.UUID(stop["resident_id"]))
        if stop["state"] != "assigned" or stop["id"] in self._known or starts_at <= clock.now() or resident is None:
            return
        if resident is self._village.guide:  # there the visitors come, if they like
            return
        self._known.add(stop["id"])
        late = timedelta(minutes=behaviour.chance("order", stop["name"], starts_at).choice((0, 1, 2, 4, 7)))
        ends_at = datetime.fromisoformat(stop["ends_at"]) + late
        self._later(starts_at - timedelta(minutes=12), partial(self._set_out, worker, stop))
        self._later(starts_at + late, partial(self._begin, worker, resident, stop))
        self._later(ends_at, partial(self._finish, worker, stop))

    async def _set_out(self, worker: Actor, stop: dict[str, Any]) -> None:
        await self._attempt(worker, f"/v1/home-orders/{stop['id']}/on-the-way", None)

    async def _begin(self, worker: Actor, resident: Resident, stop: dict[str, Any]) -> None:
        """Begin with the code the resident tells at the door."""
        path = f"/v1/home-orders/{stop['id']}"
        code = (await self._phones.ask(resident.actor, "GET", path))["start_code"]
        await self._attempt(worker, f"{path}/start", {"code": code})

    async def _finish(self, worker: Actor, stop: dict[str, Any]) -> None:
        path = f"/v1/home-orders/{stop['id']}"
        steps = (await self._phones.ask(worker, "GET", path))["checklist"]
        await self._attempt(worker, f"{path}/completion", {"done": [step["code"] for step in steps]})

    async def _collect(self) -> None:
        """Write down at the desk what residents paid at the door."""
        path = f"{self._of_provider}/charges"
        for charge in await every(self._phones, self._desk, f"{path}?state=open&limit=100"):
            left = charge["amount"] - charge["credited_amount"] - charge["paid_amount"]
            paid = {"kind": "cash", "amount": left, "currency": charge["currency"]}
            await self._attempt(self._desk, f"{path}/{charge['id']}/payments", paid)
