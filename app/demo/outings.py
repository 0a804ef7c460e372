"""Days out in the demo: residents buy tickets and come, the office sells, a bus goes, a day is planned and booked."""

from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Any, Final
from zoneinfo import ZoneInfo

from app.core import clock
from app.demo.attractions import CLOSED_ON, GARDEN, MILL, MUSEUM, card_number, gatekeeper, keeper, path_of, places
from app.demo.client import Attempt, Later, Phones
from app.demo.community import TIME_ZONE, Resident, Village, every

_ZONE: Final = ZoneInfo(TIME_ZONE)
_WISHES: Final[tuple[tuple[int, str, str, str], ...]] = (
    (4, "senior", "2 5", "10:00"),
    (2, "adult companion", "3 6", "11:00"),
    (8, "adult", "4 7", "13:00"),
)
"""Who goes to the museum with which tickets, on which days of the week, and when."""
_BOUGHT_AT: Final = time(18, 10)
"""The day before."""
_SEEN_IN: Final = timedelta(minutes=65)
_WALKS: Final = (2, "1 4", time(8))
"""Whose card opens the garden's gate, on which days, and when."""
_WALK: Final = timedelta(minutes=50)
_OFFICE: Final = (time(9, 45), time(16, 30))
_AT_COUNTER: Final = time(10, 30)
_CHANGE: Final = 10_000
"""The cash a till is opened with."""
_WEEK: Final = 7
_TRIP_AT: Final = time(10)
GOES_ALONG: Final = (1, 6, 8)
_PLANS_DAY: Final = 3
"""Who has a day out planned."""
_DAY_OUT: Final = (4, 5)
"""On which day of the community's weeks that is, the second if the museum is closed on the first."""
_SETS_OUT: Final = time(10, 5)


class Outings:
    """Residents who go out, and the people of the attractions."""

    def __init__(self, phones: Phones, village: Village, later: Later, attempt: Attempt) -> None:
        self._phones = phones
        self._village = village
        self._later = later
        self._attempt = attempt
        self._keeper = keeper(village)
        self._at_gate = gatekeeper(village)
        self._path = path_of(village)
        self._places: dict[str, str] = {}
        self._gates: dict[str, str] = {}
        self._products: dict[str, str] = {}

    def begin_day(self, day: date) -> None:
        """Look forward to a day's visits, and to what is bought and planned for later ones."""
        age, tomorrow = self._village.age(day), day + timedelta(days=1)
        ahead: list[tuple[time, Callable[[], Awaitable[None]]]] = [
            (_BOUGHT_AT, partial(self._buy, wish, tomorrow)) for wish in _WISHES if _is_on(tomorrow, wish[2])
        ]
        visits = [wish for wish in _WISHES if _is_on(day, wish[2])]
        ahead += [(time.fromisoformat(wish[3]), partial(self._visit, wish[0])) for wish in visits]
        if day.isoweekday() != CLOSED_ON:
            ahead += [(_OFFICE[0], self._open_till), (_AT_COUNTER, self._sell), (_OFFICE[1], self._close_till)]
        if age % _WEEK in _DAY_OUT:
            ahead.append((_SETS_OUT, partial(self._visit, _PLANS_DAY)))
        if _is_on(day, _WALKS[1]):
            ahead.append((_WALKS[2], self._walk))
        if age % _WEEK == 1:
            ahead += [
                (time(9), partial(self._plan_trip, _open_from(day + timedelta(days=_WEEK)))),
                (time(11), self._sign_up),
            ]
        if age % _WEEK == 2:
            ahead.append((time(12), partial(self._plan_day_out, _open_from(day + timedelta(days=2)))))
        for wall, act in ahead:
            at = datetime.combine(day, wall, _ZONE)
            if at >= clock.now():
                self._later(at, act)
        # Everybody is counted, however late the demo is started that day.
        self._later(datetime.combine(day, _TRIP_AT, _ZONE) - timedelta(minutes=30), self._lead)

    async def _place(self, name: str) -> str:
        if not self._places:
            found = await places(self._phones, self._village)
            for gate in (await self._phones.ask(self._at_gate, "GET", "/v1/gates"))["items"]:
                self._gates[gate["attraction_id"]] = gate["id"]
            offer = await self._phones.ask(None, "GET", f"/v1/attractions/{found[MUSEUM]}/ticket-offer")
            self._products = {one["code"]: one["id"] for one in offer["products"]}
            self._places = found  # last: others may ask meanwhile
        return self._places[name]

    async def _slot(self, begins: datetime) -> str | None:
        stretch = f"from={_utc(begins)}&to={_utc(begins + timedelta(minutes=1))}"
        path = f"/v1/attractions/{await self._place(MUSEUM)}/availability?{stretch}"
        slots = (await self._phones.ask(None, "GET", path))["slots"]
        return next((slot["id"] for slot in slots if slot["state"] == "open" and slot["left"] > 1), None)

    async def _items(self, wish: str, begins: datetime) -> list[dict[str, Any]]:
        slot = await self._slot(begins)
        return [{"slot_id": slot, "product_id": self._products[code]} for code in wish.split()] if slot else []

    async def _buy(self, wish: tuple[int, str, str, str], day: date) -> None:
        resident = self._village.numbered(wish[0])
        items = await self._items(wish[1], datetime.combine(day, time.fromisoformat(wish[3]), _ZONE))
        if resident is None or not items:
            return
        quote = await self._attempt(resident.actor, f"/v1/residents/{resident.id}/ticket-quotes", {"items": items})
        if quote is not None:
            cart = {"items": items, "total": quote["total"], "payment_method": "provider"}
            await self._attempt(resident.actor, f"/v1/residents/{resident.id}/ticket-carts", cart)

    async def _visit(self, number: int) -> None:
        """Show what was bought at the gate, pay for it at the office, and go again after a while."""
        resident = self._village.numbered(number)
        if resident is None:
            return
        for order in await every(self._phones, resident.actor, f"/v1/residents/{resident.id}/ticket-orders?limit=100"):
            if order["state"] == "confirmed" and _is_now(order):
                texts = [
                    (await self._phones.ask(resident.actor, "GET", f"/v1/tickets/{ticket['id']}/code"))["text"]
                    for ticket in order["tickets"]
                    if ticket["state"] == "valid"
                ]
                shown = [{"text": text} for text in texts]
                await self._collect(order)
                await self._scan(MUSEUM, "entry", shown)
                self._later(clock.now() + _SEEN_IN, partial(self._scan, MUSEUM, "exit", shown))

    async def _walk(self) -> None:
        resident = self._village.numbered(_WALKS[0])
        if resident is not None:
            shown = [{"card": {"scheme": "disability", "number": card_number(resident)}}]
            await self._scan(GARDEN, "entry", shown)
            self._later(clock.now() + _WALK, partial(self._scan, GARDEN, "exit", shown))

    async def _scan(self, place: str, direction: str, shown: list[dict[str, Any]]) -> None:
        attraction = await self._place(place)
        if shown:
            now = clock.now().isoformat()
            scans = [{"nonce": str(clock.new_id()), "direction": direction, "scanned_at": now, **one} for one in shown]
            path = f"/v1/gates/{self._gates[attraction]}/scans"
            await self._attempt(self._at_gate, path, {"scans": scans, "sent_at": now})

    async def _till(self) -> str | None:
        """Return the path of the till that is open, if any."""
        path = f"{self._path}/office-shifts"
        shifts = (await self._phones.ask(self._at_gate, "GET", path))["items"]
        return next((f"{path}/{shift['id']}" for shift in shifts if shift["closed_at"] is None), None)

    async def _open_till(self) -> None:
        await self._attempt(self._at_gate, f"{self._path}/office-shifts", {"counted": _CHANGE})

    async def _sell(self) -> None:
        """Sell two tickets at the counter, to somebody nobody knows."""
        till, begins = await self._till(), clock.now().astimezone(_ZONE).replace(minute=0, second=0, microsecond=0)
        items = await self._items("adult", begins)
        if till is not None and items:
            sale = {"items": [{**items[0], "quantity": 2}], "total": 2_400, "method": "cash", "tendered": 3_000}
            await self._attempt(self._at_gate, f"{till}/sales", sale)

    async def _collect(self, order: dict[str, Any]) -> None:
        till = await self._till()
        if till is not None and order["total"]:
            paid = {"order_id": order["id"], "amount": order["total"], "method": "cash"}
            await self._attempt(self._at_gate, f"{till}/collections", paid)

    async def _close_till(self) -> None:
        till = await self._till()
        if till is not None:
            sales = await every(self._phones, self._at_gate, f"{till}/sales?limit=100")
            counted = _CHANGE + sum(sale["amount"] for sale in sales)
            await self._attempt(self._at_gate, f"{till}/closing", {"counted": counted})

    async def _plan_trip(self, day: date) -> None:
        leaves = datetime.combine(day, _TRIP_AT, _ZONE)
        house = {"name": {"en": "Community house", "zh-CN": "社区中心"}}
        there = {"name": {"en": MUSEUM, "zh-CN": "船舶博物馆"}, "attraction_id": await self._place(MUSEUM)}
        trip = {
            "title": {"en": "By bus to the Boat Museum", "zh-CN": "乘车前往船舶博物馆"},
            "stops": [
                {**house, "departs_at": leaves.isoformat()},
                {**there, "departs_at": (leaves + timedelta(minutes=90)).isoformat()},
                {**house, "departs_at": (leaves + timedelta(hours=2)).isoformat()},
            ],
            "sign_up_until": (leaves - timedelta(hours=14)).isoformat(),
            "seats": 12,
            "wheelchair_places": 1,
            "leader_ids": [str(self._at_gate.id)],
        }
        made = await self._attempt(self._keeper, f"{self._path}/trips", trip)
        if made is not None:
            await self._attempt(self._keeper, f"/v1/trips/{made['id']}/publication", None)

    async def _sign_up(self) -> None:
        trips = (await self._phones.ask(self._keeper, "GET", "/v1/trips"))["items"]
        open_trips = [trip for trip in trips if trip["state"] == "open"]
        for resident in filter(None, map(self._village.numbered, GOES_ALONG)):
            contact = _contact(resident)
            for trip in open_trips if contact else []:
                body = {"trip_id": trip["id"], "total": 0, "contacts": [contact]}
                await self._attempt(resident.actor, f"/v1/residents/{resident.id}/trip-participations", body)

    async def _lead(self) -> None:
        """Mean to count whoever goes along, at each stop of the trip that is led today."""
        for trip in (await self._phones.ask(self._at_gate, "GET", "/v1/me/led-trips"))["items"]:
            if trip["state"] == "open" and datetime.fromisoformat(trip["starts_at"]) - clock.now() < timedelta(hours=1):
                for stop in trip["stops"]:
                    path = f"/v1/trips/{trip['id']}/stops/{stop['id']}/roll-call"
                    self._later(datetime.fromisoformat(stop["departs_at"]), partial(self._count, path))

    async def _count(self, path: str) -> None:
        now = clock.now().isoformat()
        people = (await self._phones.ask(self._at_gate, "GET", path))["people"]
        marks = [
            {
                "nonce": str(clock.new_id()),
                "participation_id": person["participation_id"],
                "mark": "present",
                "marked_at": now,
            }
            for person in people
        ]
        await self._attempt(self._at_gate, path, {"marks": marks, "is_complete": True, "sent_at": now})

    async def _plan_day_out(self, day: date) -> None:
        """Plan the museum, and the mill, if that is to be had without steps; and book it."""
        resident = self._village.numbered(_PLANS_DAY)
        if resident is None:
            return
        museum, mill = await self._place(MUSEUM), await self._place(MILL)
        tickets = [{"product_id": self._products["adult"]}]
        wishes = [{"attraction_id": museum, "is_must": True, "items": tickets}, {"attraction_id": mill}]
        needs = {"pace": "slow", "rest_every": "PT1H", "is_step_free_only": True}
        wanted = {"days": [{"day": day.isoformat()}], "wishes": wishes, "needs": needs}
        plan = await self._attempt(resident.actor, f"/v1/residents/{resident.id}/itineraries", wanted)
        if plan is not None:
            booking = {"total": plan["price"], "payment_method": "provider"}
            await self._attempt(resident.actor, f"/v1/itineraries/{plan['id']}/booking", booking)


def _is_on(day: date, weekdays: str) -> bool:
    return str(day.isoweekday()) in weekdays.split()


def _open_from(day: date) -> date:
    """Return the day, or the next one if the museum is closed then."""
    return day + timedelta(days=1) if day.isoweekday() == CLOSED_ON else day


def _is_now(order: dict[str, Any]) -> bool:
    return datetime.fromisoformat(order["starts_at"]) <= clock.now() < datetime.fromisoformat(order["ends_at"])


def _utc(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _contact(resident: Resident) -> dict[str, Any] | None:
    if not resident.circle:
        return None
    first = resident.circle[0]
    return {"name": first.helper.name, "phone": first.helper.phone, "account_id": str(first.actor.id)}
