"""A carer with visits today, people who are visited, and what a form of the page carries."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx
import orjson

from app.core import clock
from app.core.sealing import seal
from app.identity.models import Account, Organization, Resident
from eldercare.visits.models import TASKS, CarePlan, Visit
from tests.factories import eldercare_visits as made
from tests.factories import identity
from tests.portal import hostile
from tests.portal.ground import form_on

PLACES: Final = ((31.2304, 121.4737), (31.2350, 121.4800))


@dataclass(frozen=True)
class Road:
    """Who goes where."""

    resident: Resident
    neighbour: Resident
    agency: Organization
    coordinator: Account
    carer: Account
    other: Account
    plan: CarePlan
    visit: Visit
    later: Visit
    code: str

    @property
    def page(self) -> str:
        """The page of the first visit."""
        return f"/portal/road/visits/{self.visit.id}"


async def road(
    *, carers: int = 1, name: str = "Grace", starts_in: timedelta = timedelta(minutes=-2), time_zone: str = "UTC"
) -> Road:
    """Let a carer make two visits today: one that begins about now, one later."""
    place = await identity.community(time_zone=time_zone)
    agency = await identity.organization(place, "care_agency")
    await identity.agreement(agency)
    homes = [await identity.household(place, place=where) for where in PLACES]
    residents = [
        await identity.resident(
            place,
            home=home,
            person=await identity.account(place, name=called, phone=f"+861380000000{number}"),
            emergency_notes=f"The key is in the safe, number {number}",
        )
        for number, (home, called) in enumerate(zip(homes, (name, "Walter"), strict=True), 1)
    ]
    plans = [await made.care_plan(one, agency) for one in residents]
    staff = [
        await identity.staff(agency, role, name=called, phone=f"+861380000001{number}")
        for number, (role, called) in enumerate((("coordinator", "Nora"), ("carer", "Cai"), ("carer", "Dana")))
    ]
    now = clock.now()
    first = await _visit(plans[0], residents[0], now + starts_in, carers=carers, time_zone=time_zone)
    later = await _visit(plans[1], residents[1], now + timedelta(minutes=50), time_zone=time_zone)
    for visit in (first, later):
        await made.assign(visit.id, staff[1])
    if carers == 2:
        await made.assign(first.id, staff[2])
    _, code = await made.door_tag(residents[0], "qr")
    return Road(residents[0], residents[1], agency, staff[0], staff[1], staff[2], plans[0], first, later, code)


async def _visit(plan: CarePlan, of: Resident, starts_at: datetime, **values: Any) -> Visit:
    tasks = [{"id": str(clock.new_id()), "text": text} for text in ("Help with washing", hostile.MARKUP)]
    sealed = seal(orjson.dumps(tasks).decode(), TASKS)
    return await made.single(plan, starts_at, account_id=of.account_id, tasks=sealed, **values)


async def press(
    browser: httpx.AsyncClient,
    page: str,
    act: str,
    *,
    files: Any = None,
    given: datetime | None = None,
    script: bool = False,
    **fields: str,
) -> httpx.Response:
    """Press what the visit's page has for ``act`` (or what an older copy of it had), filled in like this."""
    shown = await browser.get(page)
    assert shown.status_code == 200, shown.text[:400]
    own = {name: value for name, value in form_on(shown, f"{page}/notes").items() if name in ("csrf", "key")}
    body = own | {"key": f"{act}-{fields.get('task_id', '')}-{sorted(fields.items())}-{given}"[:90]} | fields
    if given is not None:
        body["given_at"] = given.astimezone(UTC).isoformat()
    headers = {"Sec-Fetch-Site": "same-origin"} | ({"X-Outbox": "1"} if script else {})
    return await browser.post(f"{page}/{act}", data=body, files=files, headers=headers)
