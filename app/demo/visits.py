"""Care at home in the demo: some residents are visited every morning, by carers whose day the agency plans."""

import asyncio
import uuid
from collections import Counter
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Any, Final
from zoneinfo import ZoneInfo

from app.core import clock
from app.core.access import Actor
from app.demo import behaviour, carers, goals, medication, pictures
from app.demo.client import Attempt, Later, Phones
from app.demo.community import TIME_ZONE, Resident, Village
from app.demo.doors import Doors

MOST_VISITED: Final = 12
_EVERY: Final = 4
_ZONE: Final = ZoneInfo(TIME_ZONE)
_SHIFT: Final = (time(7), time(15))
_LOOKED_AT: Final = time(5, 30)
_PLANNED_AT: Final = time(17)
"""The day before: whoever looks in the night finds who comes in the morning. What is new since is seen at half past
five."""
_CALLS_IN_ON: Final = 2
_CALLS_IN_AT: Final = time(6)
"""On Wednesdays one of the carers is ill, and the others take over."""
_LATE_AFTER: Final = "PT20M"
"""The agency's word: its carers go by bus."""
_JUDGED_ON: Final = 4
_JUDGED_AT: Final = time(16)
"""On Fridays the agency looks at what is to be achieved."""
_SAYS_SO: Final = 0.25
"""How many carers say that they are on their way."""
_PHOTO_ON: Final = 4
_NOTES: Final = (
    "Ate well, and we looked at the photographs of the grandchildren.",
    "A little tired today. The left ankle is somewhat swollen.",
    "Walked to the lake and back with the frame.",
)
_HANDOVERS: Final = (
    "The new cream is on the shelf in the bathroom. Please use the old one up first.",
    "The daughter comes on Thursday at ten: nobody need wait for the pharmacy.",
    "Please remind of drinking; the bottle by the bed was still full.",
)


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
            "goals": list(goals.AGREED),
            "tasks": [{"text": "Help with washing and dressing"}, {"text": "Breakfast"}],
        }
        made = await phones.ask(coordinator, "POST", f"{path}/care-plans", plan)
        dice = behaviour.chance("visit", resident.neighbour.number)
        template = {
            "care_plan_id": made["id"],
            "begins": f"{dice.choice((8, 9, 10, 11)):02}:{dice.choice((0, 15, 30, 45)):02}",
            "duration": f"PT{dice.choice((30, 45))}M",
            "flexibility": "PT1H",
            "starts_on": clock.now().astimezone(_ZONE).date().isoformat(),
            "skills": [carers.EVERYDAY],
            "preferred": [
                str(carer.id)
                for carer in carers.speaking(resident.neighbour.create["language"], village.staff["carer"])
            ],
        }
        await phones.ask(coordinator, "POST", f"{path}/visit-templates", template)
    tolerances = f"/v1/organizations/{organization_id}/visit-tolerances"
    if (await phones.ask(coordinator, "GET", tolerances))["revision"] == 0:
        await phones.ask(coordinator, "PUT", tolerances, {"late_after": _LATE_AFTER})


class CareAtHome:
    """The agency's coordinator and its carers: what they mean to do on a day."""

    def __init__(self, phones: Phones, village: Village, later: Later, attempt: Attempt) -> None:
        self._phones = phones
        self._village = village
        self._coordinator = village.staff["coordinator"][0]
        self._of_agency = f"/v1/organizations/{self._coordinator.memberships[0].organization_id}"
        self._carers = village.staff["carer"]
        self._doors = Doors(phones, self._coordinator)
        self._later = later
        self._attempt = attempt
        self._known: set[tuple[uuid.UUID, str]] = set()

    def begin_day(self, day: date) -> None:
        """Look forward to the planning of a day and of the next, and to who cannot come."""
        self._later(datetime.combine(day, _LOOKED_AT, _ZONE), partial(self._carry_out, day))
        ill = datetime.combine(day, _CALLS_IN_AT, _ZONE)
        if day.weekday() == _CALLS_IN_ON and ill >= clock.now():
            self._later(ill, partial(self._replace, day))
        judged = datetime.combine(day, _JUDGED_AT, _ZONE)
        if day.weekday() == _JUDGED_ON and judged >= clock.now():
            self._later(judged, partial(self._judge, day))
        self._later(datetime.combine(day, _PLANNED_AT, _ZONE), partial(self._plan, day + timedelta(days=1)))

    async def _judge(self, day: date) -> None:
        for resident in _visited(self._village):
            await goals.judge(self._phones, self._attempt, self._coordinator, resident, day)

    async def _carry_out(self, day: date) -> None:
        await self._plan(day)
        await self._send(day)

    async def _plan(self, day: date) -> None:
        """Plan a day, and have it carried out."""
        for carer in self._carers:
            shift = {
                "account_id": str(carer.id),
                "starts_at": datetime.combine(day, _SHIFT[0], _ZONE).isoformat(),
                "ends_at": datetime.combine(day, _SHIFT[1], _ZONE).isoformat(),
                "break_length": "PT30M",
            }
            await self._attempt(self._coordinator, f"{self._of_agency}/carer-shifts", shift)
        await self._propose({"date": day.isoformat()})

    async def _propose(self, wanted: dict[str, Any]) -> None:
        plan = await self._attempt(self._coordinator, f"{self._of_agency}/route-plans", wanted)
        if plan is not None and (plan["absences"] or any(stop["carers"] for stop in plan["stops"])):
            await self._attempt(self._coordinator, f"{self._of_agency}/route-plans/{plan['id']}/acceptance", None)

    async def _replace(self, day: date) -> None:
        """Have others make the visits of the carer who has fewest of them: they are ill."""
        page = await self._phones.ask(self._coordinator, "GET", f"{self._of_agency}/visits?date={day}&limit=100")
        busy = Counter(carer["account_id"] for visit in page["items"] for carer in visit["carers"])
        if busy:
            ill = min(busy, key=lambda carer: (busy[carer], carer))
            await self._propose({"date": day.isoformat(), "absent": [ill]})
            await self._send(day)

    async def _send(self, day: date) -> None:
        """Let the carers look at their day, and mean to make it."""
        for carer in self._carers:
            for stop in (await self._phones.ask(carer, "GET", f"/v1/me/visits?date={day.isoformat()}"))["items"]:
                self._expect(carer, stop)

    def _expect(self, carer: Actor, stop: dict[str, Any]) -> None:
        starts_at = datetime.fromisoformat(stop["starts_at"])
        own = (carer.id, stop["visit_id"])
        if stop["own_state"] != "assigned" or own in self._known or starts_at <= clock.now():
            return
        if stop["resident_id"] == str(self._village.guide.id):  # there the visitors come, if they like
            return
        self._known.add(own)
        dice = behaviour.chance("visit", stop["name"], starts_at)
        late = timedelta(minutes=dice.choice((0, 1, 2, 3, 5, 8, 12)))
        leaves = datetime.fromisoformat(stop["ends_at"]) + late - timedelta(minutes=dice.choice((0, 2, 4)))
        if dice.random() < _SAYS_SO:
            self._later(starts_at + late - timedelta(minutes=4), partial(self._set_out, carer, stop))
        self._later(starts_at + late, partial(self._arrive, carer, stop))
        self._later(leaves, partial(self._leave, carer, stop))

    async def _set_out(self, carer: Actor, stop: dict[str, Any]) -> None:
        await self._attempt(carer, f"/v1/visits/{stop['visit_id']}/en-route", None)

    async def _arrive(self, carer: Actor, stop: dict[str, Any]) -> None:
        proof = await self._doors.proof(stop, self._number(stop) // _EVERY)
        await self._attempt(carer, f"/v1/visits/{stop['visit_id']}/arrival", {"proof": proof})

    async def _leave(self, carer: Actor, stop: dict[str, Any]) -> None:
        path = f"/v1/visits/{stop['visit_id']}"
        done = ({"task_id": task["id"]} for task in stop["tasks"])
        await asyncio.gather(*(self._attempt(carer, f"{path}/ticks", tick) for tick in done))
        await self._give(carer, stop, path)
        await self._write(carer, stop, path)
        proof = await self._doors.proof(stop, self._number(stop) // _EVERY)
        await self._attempt(carer, f"{path}/departure", {"proof": proof})

    async def _give(self, carer: Actor, stop: dict[str, Any], path: str) -> None:
        """Give what is to be taken in the visit's time and nobody has taken yet."""
        if not medication.takes(self._number(stop)):
            return
        visit = await self._phones.ask(carer, "GET", path)
        for dose in visit["doses"] or ():
            if dose["state"] in ("scheduled", "reminded"):
                await self._attempt(carer, f"{path}/doses/{dose['id']}/record", {"status": "taken"})

    async def _write(self, carer: Actor, stop: dict[str, Any], path: str) -> None:
        """Write down how it was, leave a word for whoever comes next, and take a picture on some days."""
        starts_at = datetime.fromisoformat(stop["starts_at"])
        dice = behaviour.chance("note", stop["name"], starts_at)
        if dice.random() < 0.3:
            await self._attempt(carer, f"{path}/notes", {"text": dice.choice(_NOTES)})
        if dice.random() < 0.4:
            await self._attempt(carer, f"{path}/notes", {"kind": "handover", "text": dice.choice(_HANDOVERS)})
        if self._number(stop) == 1 and starts_at.astimezone(_ZONE).weekday() == _PHOTO_ON:
            photo = pictures.picture("The medicine cabinet, tidied up", "ivory")
            upload_id = await self._phones.upload(carer, "photo", pictures.PNG, photo)
            await self._attempt(carer, f"{path}/photos", {"upload_id": upload_id})

    def _number(self, stop: dict[str, Any]) -> int:
        return self._village.residents[uuid.UUID(stop["resident_id"])].neighbour.number
