"""Care at home in the demo: some residents are visited every morning, by carers whose day the agency plans."""

import asyncio
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Any, Final
from zoneinfo import ZoneInfo

from app.core import clock
from app.core.access import Actor
from app.demo import behaviour
from app.demo.client import Attempt, Later, Phones
from app.demo.community import TIME_ZONE, Resident, Village

MOST_VISITED: Final = 12
_EVERY: Final = 4
_ZONE: Final = ZoneInfo(TIME_ZONE)
_SHIFT: Final = (time(7), time(15))
_PLANNED_AT: Final = time(5, 30)


def _visited(village: Village) -> list[Resident]:
    residents = sorted(village.residents.values(), key=lambda resident: resident.neighbour.number)
    return [one for one in residents if one.neighbour.number % _EVERY == 1][:MOST_VISITED]


async def arrange_visits(phones: Phones, village: Village) -> None:
    """Agree care plans with the agency for those who have none yet; called again, it changes nothing."""
    coordinator = village.staff["coordinator"][0]
    organization_id = str(coordinator.memberships[0].organization_id)
    for resident in _visited(village):
        path = f"/v1/residents/{resident.id}"
        if (await phones.ask(coordinator, "GET", f"{path}/care-plans"))["items"]:
            continue
        plan = {
            "organization_id": organization_id,
            "title": "Mornings at home",
            "goals": [{"description": "Stays at home, and goes out every day"}],
            "tasks": [{"text": "Help with washing and dressing"}, {"text": "Breakfast"}],
        }
        made = await phones.ask(coordinator, "POST", f"{path}/care-plans", plan)
        dice = behaviour.chance("visit", resident.neighbour.number)
        template = {
            "care_plan_id": made["id"],
            "begins": f"{dice.choice((8, 9, 10, 11)):02}:{dice.choice((0, 15, 30, 45)):02}",
            "duration": f"PT{dice.choice((30, 45))}M",
            "flexibility": "PT30M",
            "starts_on": clock.now().astimezone(_ZONE).date().isoformat(),
        }
        await phones.ask(coordinator, "POST", f"{path}/visit-templates", template)


class CareAtHome:
    """The agency's coordinator and its carers: what they mean to do on a day."""

    def __init__(self, phones: Phones, village: Village, later: Later, attempt: Attempt) -> None:
        self._phones = phones
        self._coordinator = village.staff["coordinator"][0]
        self._carers = village.staff["carer"]
        self._later = later
        self._attempt = attempt
        self._known: set[str] = set()

    def begin_day(self, day: date) -> None:
        """Look forward to the planning of a day."""
        self._later(datetime.combine(day, _PLANNED_AT, _ZONE), partial(self._plan, day))

    async def _plan(self, day: date) -> None:
        """Plan the day, have it carried out, and send the carers on their way."""
        of_agency = f"/v1/organizations/{self._coordinator.memberships[0].organization_id}"
        for carer in self._carers:
            shift = {
                "account_id": str(carer.id),
                "starts_at": datetime.combine(day, _SHIFT[0], _ZONE).isoformat(),
                "ends_at": datetime.combine(day, _SHIFT[1], _ZONE).isoformat(),
                "break_length": "PT30M",
            }
            await self._attempt(self._coordinator, f"{of_agency}/carer-shifts", shift)
        plan = await self._attempt(self._coordinator, f"{of_agency}/route-plans", {"date": day.isoformat()})
        if plan is not None and any(stop["carers"] for stop in plan["stops"]):
            await self._attempt(self._coordinator, f"{of_agency}/route-plans/{plan['id']}/acceptance", None)
        for carer in self._carers:
            for stop in (await self._phones.ask(carer, "GET", f"/v1/me/visits?date={day.isoformat()}"))["items"]:
                self._expect(carer, stop)

    def _expect(self, carer: Actor, stop: dict[str, Any]) -> None:
        starts_at = datetime.fromisoformat(stop["starts_at"])
        if stop["own_state"] != "assigned" or stop["visit_id"] in self._known or starts_at <= clock.now():
            return
        self._known.add(stop["visit_id"])
        dice = behaviour.chance("visit", stop["name"], starts_at)
        late = timedelta(minutes=dice.choice((0, 1, 2, 3, 5, 8, 12)))
        leaves = datetime.fromisoformat(stop["ends_at"]) + late - timedelta(minutes=dice.choice((0, 2, 4)))
        self._later(starts_at + late, partial(self._arrive, carer, stop))
        self._later(leaves, partial(self._leave, carer, stop))

    async def _arrive(self, carer: Actor, stop: dict[str, Any]) -> None:
        await self._attempt(carer, f"/v1/visits/{stop['visit_id']}/arrival", {"proof": _proof(stop)})

    async def _leave(self, carer: Actor, stop: dict[str, Any]) -> None:
        path = f"/v1/visits/{stop['visit_id']}"
        done = ({"task_id": task["id"]} for task in stop["tasks"])
        await asyncio.gather(*(self._attempt(carer, f"{path}/ticks", tick) for tick in done))
        await self._attempt(carer, f"{path}/departure", {"proof": _proof(stop)})


def _proof(stop: dict[str, Any]) -> dict[str, Any]:
    if stop["latitude"] is None:
        return {"how": "manual", "reason": "The home is not on the map"}
    return {"how": "gps", "latitude": stop["latitude"], "longitude": stop["longitude"], "accuracy": 15}
