"""A community as the portal's pages show it: people of every role, residents with a history, an alarm that is open."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import cycle
from typing import Final

import sqlalchemy as sa
from sqlmodel import col

from app.core import clock
from app.core.database import unit_of_work
from app.core.sealing import seal
from app.identity.models import Account, Community, Organization, Resident
from app.identity.scopes import GRANTABLE
from eldercare.alarms.models import Alarm, Severity
from eldercare.care_circle.models import CircleMember
from eldercare.messages.models import TEXT_CONTEXT, CircleMessage
from eldercare.visits.models import VISITS
from tests.factories import community_home_care as home_care
from tests.factories import community_homes as homes
from tests.factories import eldercare_alarms as alarms
from tests.factories import eldercare_desk as desks
from tests.factories import eldercare_medication as medication
from tests.factories import eldercare_visits as visits
from tests.factories import eldercare_vitals as vitals
from tests.factories import eldercare_wellbeing as wellbeing
from tests.factories import identity
from tests.factories import telemedicine_appointments as appointments
from tests.factories import telemedicine_clinics as clinics
from tests.portal import hostile

ZONE: Final = "Asia/Shanghai"
RELATIVE_PHONE: Final = "+8613800000102"
SYSTOLIC, DIASTOLIC, OXYGEN = "8480-6", "8462-4", "59408-5"


@dataclass(frozen=True)
class Names:
    """What people are called and what they wrote, in turn: of each kind as many as the world asks for."""

    people: Sequence[str]
    organizations: Sequence[str] = tuple(name[:100] for name in hostile.NAMES)
    texts: Sequence[str] = hostile.NAMES
    notes: Sequence[str] = hostile.NAMES
    relationships: Sequence[str] = tuple(name[:60] for name in hostile.NAMES)
    address: str = hostile.MARKUP + hostile.GERMAN
    building: str = hostile.CHINESE
    rooms: Sequence[str] = hostile.NAMES
    drugs: Sequence[str] = (hostile.TEMPLATE, hostile.GERMAN, hostile.CHINESE)
    visit: str = hostile.QUOTES


# Told apart by a number at the end, so that a journey finds whom it looks for.
HOSTILE: Final = Names(people=tuple(f"{name} {number}"[-100:] for number, name in enumerate(2 * hostile.NAMES)))


@dataclass(frozen=True)
class World:
    """Who is there, and what there is to open."""

    community: Community
    operator: Organization
    agency: Organization
    boss: Account
    desk: Account
    colleague: Account
    relative: Account
    brother: Account
    carer: Account
    first: Resident
    second: Resident
    alarm: Alarm
    visit_id: str


async def person_of(resident: Resident) -> Account:
    """Return a resident's own account."""
    async with unit_of_work() as session:
        return await session.get_one(Account, resident.account_id)


async def world(names: Names = HOSTILE) -> World:
    """Insert a community in which something has happened on every page."""
    people, notes = iter(names.people), cycle(names.notes)
    organizations = cycle(names.organizations)
    community = await identity.community(name=names.organizations[0][:80])
    operator = await identity.organization(community, name=next(organizations))
    await identity.agreement(operator)
    boss = await identity.staff(operator, "operator", name=next(people), phone="+8613800000200")
    desk = await identity.staff(operator, "dispatcher", name=next(people), phone="+8613800000201")
    colleague = await identity.staff(operator, "dispatcher", name=next(people), phone="+8613800000202")
    for one in (desk, colleague):
        await desks.shift(one)
    relative = await identity.account(community, name=next(people), phone=RELATIVE_PHONE, email="relative@example.org")
    brother = await identity.account(community, name=next(people), phone="+8613800000103")
    agency = await identity.organization(community, "care_agency", name=next(organizations))
    carer = await identity.staff(agency, "carer", name=next(people), phone="+8613800000104")
    first, second = [
        await identity.resident(
            community,
            person=await identity.account(community, name=next(people), phone=f"+861380000000{number}"),
            home=await identity.household(
                community, address=names.address, building=names.building[:100], place=(31.23, 121.47)
            ),
            emergency_notes=next(notes),
            reference=f"R-{number}",
        )
        for number in (1, 2)
    ]
    kinships = cycle(names.relationships)
    for resident in (first, second):
        await identity.grant(resident, relative, GRANTABLE)
        await alarms.circle_member(
            resident, relative, relationship=next(kinships), scopes=sorted(GRANTABLE), called=relative.name[:100]
        )
    await identity.grant(first, brother, GRANTABLE)
    await alarms.circle_member(first, brother, position=2, relationship=next(kinships), scopes=sorted(GRANTABLE))
    await alarms.circle_member(second, brother, position=2, relationship=next(kinships), state="invited")
    visit_id = await _lived(first, agency, carer, names)
    await _talked(first, (brother, relative), names.texts)
    alarm = await alarms.raised(second, kind="fall", severity=Severity.CRITICAL)
    return World(
        community, operator, agency, boss, desk, colleague, relative, brother, carer, first, second, alarm, visit_id
    )


async def _lived(resident: Resident, agency: Organization, carer: Account, names: Names) -> str:
    """Let a resident have a fortnight behind them; return one of their visits."""
    now = clock.now()
    await wellbeing.answered(
        await wellbeing.plan(resident),
        now.date() - timedelta(days=1),
        mood=(4, 4, 5, 3, 4, None, 2, 3, 4, 4, 5, 4),
        sleep=(3, 4, 4, 2, 3, None, 3, 4, 4, 3, 5, 4),
        minutes=(4, 9, 3, 12, 5, None, 25, 6, 4, 8, 3, 5),
        time_zone=ZONE,
    )
    await _took_medicine(resident, names.drugs)
    await _measured(resident)
    await identity.agreement(agency, None, resident)
    plan = await visits.care_plan(
        resident,
        agency,
        title=names.visit[:100],
        goals=[{"description": names.texts[0]}],
        tasks=[{"text": text} for text in names.texts[:3]],
    )
    behind = await visits.single(plan, now - timedelta(days=1, hours=3), account_id=resident.account_id, time_zone=ZONE)
    done = {"state": "completed", "started_at": behind.starts_at, "completed_at": behind.ends_at}
    gone = {"miss_at": None, "late_at": None, "staff_by": None}
    async with unit_of_work() as session:
        await session.execute(sa.update(VISITS).where(VISITS.c.id == behind.id).values(done | gone))
    ahead = [
        await visits.single(plan, now + timedelta(hours=hours), account_id=resident.account_id, time_zone=ZONE)
        for hours in (3, 27)
    ]
    for coming in ahead:
        await visits.assign(coming.id, carer)
    await _moved_about(resident, names.rooms)
    clinic = await clinics.clinic(
        await identity.community_of(carer),
        await identity.organization(await identity.community_of(carer), "clinic", name=names.organizations[-1]),
    )
    doctor = await clinics.practitioner(clinic, name=names.people[-1])
    kind = await clinics.visit_type(clinic, name={"en": names.visit[:60], "zh-CN": names.building[:60]})
    await appointments.appointment(resident, doctor, kind, now + timedelta(days=2))
    return str(ahead[-1].id)


async def _took_medicine(resident: Resident, drugs: Sequence[str]) -> None:
    for drug, hour in zip(drugs, (8, 12, 20), strict=False):
        await medication.regimen(
            resident, drug={"name": drug[:80], "strength": "5 mg"}, times=[f"{hour:02}:30"], time_zone=ZONE
        )


async def _measured(resident: Resident) -> None:
    now = clock.now()
    for day in range(14):
        for hour, more in ((1, 0), (11, 4)):
            at = now - timedelta(days=day, hours=hour)
            swing = (day * 7 + hour) % 11
            await vitals.reading(resident, 66 + swing + more, measured_at=at)
            await vitals.reading(resident, 124 + swing + more, SYSTOLIC, measured_at=at)
            await vitals.reading(resident, 78 + swing % 7, DIASTOLIC, measured_at=at)
    await vitals.threshold(resident, low=50.0, high=100.0)


async def _moved_about(resident: Resident, rooms: Sequence[str]) -> None:
    now = clock.now()
    home = await homes.home(resident, name=rooms[0][:60], time_zone=ZONE, lives_alone=True, last_seen_at=now)
    await home_care.watched(home)
    for number, kind in enumerate(("bedroom", "bathroom", "kitchen", "living_room")):
        room = await homes.room(home, name=rooms[number % len(rooms)][:60], kind=kind)
        sensor = await home_care.entity(home, "motion", room=room)
        said = []
        for burst in range(5):
            begins = now - timedelta(hours=2 * burst + 1, minutes=17 * number)
            said += [(begins + timedelta(minutes=step), "off" if step % 2 else "on") for step in range(8)]
        await home_care.readings(sensor, sorted(said))


async def _talked(resident: Resident, writers: Sequence[Account], texts: Sequence[str]) -> None:
    async with unit_of_work() as session:
        for number, text in enumerate(texts):
            session.add(
                CircleMessage(
                    community_id=resident.community_id,
                    resident_id=resident.id,
                    author_id=writers[number % len(writers)].id,
                    text=seal(text, TEXT_CONTEXT),
                )
            )
            await session.flush()


async def membership_of(resident: Resident, person: Account) -> CircleMember:
    """Return somebody's place in a resident's circle."""
    async with unit_of_work() as session:
        statement = sa.select(CircleMember).where(
            col(CircleMember.resident_id) == resident.id, col(CircleMember.account_id) == person.id
        )
        return (await session.scalars(statement)).one()
