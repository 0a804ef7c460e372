"""A resident about whom one thing of each kind is known, and what their timeline says."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx
import sqlalchemy as sa

from app.core import clock as clocks
from app.core.clock import ManualClock
from app.core.database import unit_of_work
from app.core.sealing import seal
from app.identity.models import Account, Community, Organization, Resident
from telemedicine.appointments.models import AppointmentChange
from telemedicine.consultations.models import Consultation, Note
from telemedicine.referrals.models import CONTENT, Referral, ReferralChange
from tests.factories import eldercare_alarms as alarms
from tests.factories import eldercare_check_ins as check_ins
from tests.factories import eldercare_medication as medication
from tests.factories import eldercare_visits as visits
from tests.factories import eldercare_vitals as vitals
from tests.factories import eldercare_wellbeing as wellbeing
from tests.factories import identity
from tests.factories import telemedicine_appointments as appointments
from tests.factories import telemedicine_clinics as clinics

Item = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Lived:
    """A resident, their agency, somebody of their circle, and the instant at which it all began."""

    place: Community
    resident: Resident
    agency: Organization
    relative: Account
    start: datetime


async def force(sql: str, **binds: object) -> None:
    """Change rows as time and other people's requests would have."""
    async with unit_of_work() as session:
        await session.execute(sa.text(sql), binds)


async def items(
    client: httpx.AsyncClient, headers: dict[str, str], path: str = "/v1/me/timeline", **query: Any
) -> list[Item]:
    """Return a page of a timeline."""
    answer = await client.get(path, headers=headers, params={"limit": 100} | query)
    assert answer.status_code == 200, answer.text
    found: list[Item] = answer.json()["items"]
    return found


async def _goal(said: datetime, judged: datetime) -> None:
    """Let what was said of the plan's goal, and how far it is, have been at these instants."""
    await force("UPDATE eldercare_goal_change SET changed_at = :said", said=said)
    await force(
        "INSERT INTO eldercare_goal_change (id, created_at, updated_at, version, goal_id, care_plan_id, resident_id,"
        " changed_at, changed_by, achievement_status, judged_on) SELECT :id, :judged, :judged, 1, goal_id,"
        " care_plan_id, resident_id, :judged, changed_by, 'improving', CAST(:day AS date) FROM eldercare_goal_change",
        id=clocks.new_id(),
        judged=judged,
        day=judged.date(),
    )


async def _seen_by_video(
    resident: Resident, booked: datetime, ended: datetime, signed: datetime, referred: datetime
) -> None:
    """Let an appointment have been booked, its video visit have been held, its note signed, and a referral made."""
    await _referred(resident, referred)
    async with unit_of_work() as session:
        place = await session.get_one(Community, resident.community_id)
    clinic = await clinics.clinic(place)
    practitioner, visit_type = await clinics.practitioner(clinic), await clinics.visit_type(clinic)
    begins = booked + timedelta(days=1)
    appointment = await appointments.appointment(resident, practitioner, visit_type, begins)
    about: dict[str, Any] = {"community_id": resident.community_id, "resident_id": resident.id}
    visit = Consultation(
        **about,
        organization_id=clinic.organization_id,
        clinician_id=practitioner.id,
        opened_by=practitioner.id,
        state="ended",
        starts_at=begins,
        ends_at=begins + timedelta(minutes=30),
        started_at=begins,
        ended_at=ended,
        end_reason="clinician",
    )
    async with unit_of_work() as session:
        session.add(
            AppointmentChange(
                appointment_id=appointment.id,
                resident_id=resident.id,
                status="booked",
                news="booked",
                starts_at=begins,
                practitioner_id=practitioner.id,
                created_at=booked,
            )
        )
        session.add(visit)
        await session.flush()
        note = Note(**about, consultation_id=visit.id, author_id=practitioner.id, kind="soap", signed_at=signed)
        session.add(note)


async def _referred(resident: Resident, at: datetime) -> None:
    """Let the resident have been referred from one clinic to another."""
    row_id = clocks.new_id()
    about: dict[str, Any] = {"resident_id": resident.id, "created_at": at}
    row = Referral(
        **about,
        id=row_id,
        root_id=row_id,
        community_id=resident.community_id,
        from_organization_id=clocks.new_id(),
        to_organization_id=(asked := clocks.new_id()),
        requested_by=clocks.new_id(),
        state="declined",
        urgency="routine",
        content=seal("{}", CONTENT),
        changed_at=at,
        requested_at=at,
    )
    change = ReferralChange(
        **about, referral_id=row_id, number=1, state="declined", sent_at=at, side="to", organization_id=asked
    )
    async with unit_of_work() as session:
        session.add(row)
        await session.flush()
        session.add(change)


async def live(clock: ManualClock) -> Lived:
    """Return a resident with a history: something happened every ten minutes, one thing of each kind."""
    place = await identity.community(time_zone="UTC")
    resident = await identity.resident(place, phone="+8613800000001")
    relative = await identity.account(place, name="Daughter", phone="+8613800000002")
    agency = await identity.organization(place, "care_agency")
    await identity.agreement(agency, None, resident)
    start = clock.now()
    await check_ins.plan(resident)
    await medication.regimen(resident, times=["08:30", "12:30", "20:30"])
    plan = await visits.care_plan(resident, agency)
    await visits.template(plan)
    instants = iter(start + timedelta(minutes=10 * number) for number in range(1, 28))

    def at(sql: str, **binds: object) -> Any:
        return force(sql, at=next(instants), **binds)

    asked = [row.id for row in await check_ins.check_ins(resident)][:2]
    state = "next_prompt_at = NULL, settle_by = NULL, answer_by = NULL"
    await at(
        f"UPDATE eldercare_check_in SET {state}, state = 'answered', answer = 'ok', how = 'self', answered_at = :at"
        " WHERE id = :id",
        id=asked[0],
    )
    await at(
        f"UPDATE eldercare_check_in SET {state}, state = 'missed', asked_at = due_at, closed_at = :at WHERE id = :id",
        id=asked[1],
    )
    pause = await check_ins.pause(resident, start + timedelta(days=9), starts_at=start + timedelta(days=8))
    begun, over = next(instants), next(instants)
    await force(
        "UPDATE eldercare_absence SET starts_at = :begun, ended_at = :over WHERE id = :id",
        begun=begun,
        over=over,
        id=pause.id,
    )
    alarm = await alarms.raised(resident)
    await force("UPDATE eldercare_alarm SET raised_at = :at WHERE id = :id", at=next(instants), id=alarm.id)
    await at(
        "UPDATE eldercare_alarm SET state = 'resolved', next_step_at = NULL, closed_at = :at WHERE id = :id",
        id=alarm.id,
    )
    doses = [row.id for row in await medication.doses(resident)][:3]
    waits = "remind_at = NULL, close_at = NULL"
    await at(f"UPDATE eldercare_dose SET {waits}, state = 'taken', taken_at = :at WHERE id = :id", id=doses[0])
    await at(
        f"UPDATE eldercare_dose SET {waits}, state = 'skipped', skip_reason = 'unwell', recorded_at = :at"
        " WHERE id = :id",
        id=doses[1],
    )
    await at(f"UPDATE eldercare_dose SET {waits}, state = 'missed', closed_at = :at WHERE id = :id", id=doses[2])
    await vitals.reading(resident, 72, measured_at=next(instants))
    planned = [row.id for row in await visits.visits(resident)][:2]
    ahead = "staff_by = NULL, late_at = NULL, miss_at = NULL"
    came, left = next(instants), next(instants)
    await force(
        f"UPDATE eldercare_visit SET {ahead}, state = 'completed', started_at = :came, completed_at = :left"
        " WHERE id = :id",
        came=came,
        left=left,
        id=planned[0],
    )
    await at(f"UPDATE eldercare_visit SET {ahead}, state = 'missed', closed_at = :at WHERE id = :id", id=planned[1])
    await _goal(next(instants), next(instants))
    joined, gone = next(instants), next(instants)
    await alarms.circle_member(resident, relative, state="removed", answered_at=joined, ended_at=gone)
    await wellbeing.flag(
        resident, state="ended", opened_at=next(instants), ended_at=next(instants), end_reason="as_usual"
    )
    await _seen_by_video(resident, next(instants), next(instants), next(instants), next(instants))
    clock.set(start + timedelta(hours=6))
    return Lived(place, resident, agency, relative, start)
