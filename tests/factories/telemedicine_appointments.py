"""Appointments, places on waitlists and numbers, really committed, without anything taken of calendars."""

import uuid
from datetime import datetime, timedelta
from typing import Any

from app.core import clock
from app.core.database import unit_of_work
from app.core.sealing import seal
from app.identity.models import Account, Resident
from telemedicine.appointments.models import Appointment, WaitlistEntry
from telemedicine.calendars.models import BUSY_URL, BusyCalendar, CalendarFeed
from telemedicine.calendars.service.feeds import digest_of
from telemedicine.clinics.models import Clinic, Practitioner, VisitType
from telemedicine.linking.models import VALUE, PatientLink
from telemedicine.linking.views import value_index
from telemedicine.queues.models import QueueDisplay, QueueTicket
from telemedicine.queues.service import digest_of as display_digest
from telemedicine.visit_notes.models import CONTENT, VisitNote
from telemedicine.visit_notes.schemas import VisitNoteContent


async def appointment(
    of: Resident, practitioner: Practitioner, visit_type: VisitType, starts_at: datetime, **values: Any
) -> Appointment:
    """Insert a booked appointment."""
    defaults: dict[str, Any] = {
        "mode": visit_type.mode,
        "status": "booked",
        "time_zone": "Asia/Shanghai",
        "booked_by": of.account_id,
        "price_amount": visit_type.price_amount,
        "price_currency": visit_type.price_currency,
        "notice_period": visit_type.notice_period,
        "late_fee_amount": visit_type.late_fee_amount,
    }
    row = Appointment(
        community_id=of.community_id,
        organization_id=practitioner.organization_id,
        resident_id=of.id,
        account_id=of.account_id,
        practitioner_id=practitioner.id,
        visit_type_id=visit_type.id,
        starts_at=starts_at,
        ends_at=starts_at + timedelta(minutes=30),
        **defaults | values,
    )
    async with unit_of_work() as session:
        session.add(row)
    return row


async def waitlist_entry(of: Resident, visit_type: VisitType) -> uuid.UUID:
    """Insert a place on the waitlist for a visit type; return its id."""
    row = WaitlistEntry(
        community_id=of.community_id,
        organization_id=visit_type.organization_id,
        resident_id=of.id,
        account_id=of.account_id,
        visit_type_id=visit_type.id,
        queued_at=clock.now(),
        entered_by=of.account_id,
    )
    async with unit_of_work() as session:
        session.add(row)
    return row.id


async def queue_ticket(of: Resident, clinic: Clinic) -> uuid.UUID:
    """Insert a number of a clinic that was called; return its id."""
    row = QueueTicket(
        community_id=of.community_id,
        organization_id=clinic.organization_id,
        line_id=clinic.organization_id,
        resident_id=of.id,
        account_id=of.account_id,
        local_date=clock.now().date(),
        number=1,
        state="called",
        called_at=clock.now(),
    )
    async with unit_of_work() as session:
        session.add(row)
    return row.id


async def visit_note(of: Resident, clinic: Clinic, author: Account) -> None:
    """Insert what a clinician is writing about a resident, and has not signed."""
    row = VisitNote(
        community_id=of.community_id,
        organization_id=clinic.organization_id,
        resident_id=of.id,
        author_id=author.id,
        content=seal(VisitNoteContent(plan="Rest").model_dump_json(), CONTENT),
    )
    async with unit_of_work() as session:
        session.add(row)


async def queue_display(clinic: Clinic, secret: str) -> uuid.UUID:
    """Insert a screen on a clinic's wall that shows its lines to whoever has the secret; return its id."""
    row = QueueDisplay(
        community_id=clinic.community_id,
        organization_id=clinic.organization_id,
        name="Hall",
        digest=display_digest(secret),
    )
    async with unit_of_work() as session:
        session.add(row)
    return row.id


async def calendar_feed(of: Resident, secret: str) -> uuid.UUID:
    """Insert a feed of a resident's appointments at a secret address; return its id."""
    row = CalendarFeed(
        community_id=of.community_id, account_id=of.account_id, kind="resident", digest=digest_of(secret)
    )
    async with unit_of_work() as session:
        session.add(row)
    return row.id


async def busy_calendar(of: Practitioner) -> uuid.UUID:
    """Insert a calendar elsewhere that says when a practitioner is busy; return its id."""
    row = BusyCalendar(
        community_id=of.community_id,
        account_id=of.account_id,
        calendar_id=of.calendar_id,
        url=seal("https://calendar.example.org/basic.ics", BUSY_URL),
        host="calendar.example.org",
        fetch_at=clock.now(),
    )
    async with unit_of_work() as session:
        session.add(row)
    return row.id


async def patient_link(of: Resident, clinic: Clinic, value: str = "P-1") -> uuid.UUID:
    """Insert a clinic's own number of a resident, as one of its staff attested; return its id."""
    row = PatientLink(
        community_id=of.community_id,
        organization_id=clinic.organization_id,
        resident_id=of.id,
        system="https://lake-clinic.example/patients",
        value=seal(value, VALUE),
        value_index=value_index(clinic.organization_id, value),
        how="staff_check",
        evidence=["passport"],
        linked_by=clock.new_id(),
        linked_by_kind="account",
    )
    async with unit_of_work() as session:
        session.add(row)
    return row.id
