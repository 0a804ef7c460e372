"""Eldercare's door for the portal, the clinics and the policies: each function takes the actor and checks them."""

import uuid

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core.access import Actor
from app.core.changes import Since
from app.core.paging import MAX_LIMIT, PageRequest
from app.identity.api import require_resident
from eldercare.absences.problems import ResidentClosed
from eldercare.absences.views import stays_ahead
from eldercare.alarms.access import require_alarm
from eldercare.alarms.notices import ORIGIN as ALARM_ORIGIN
from eldercare.alarms.problems import AlarmOpen
from eldercare.alarms.repository import is_alarm_open
from eldercare.alarms.rules import CHANGED as ALARMS_CHANGED
from eldercare.alarms.schemas import AlarmDetail, AlarmPublic
from eldercare.alarms.service import AlarmKind, AlarmSignal, Severity
from eldercare.alarms.service import raise_alarm as _raise_alarm
from eldercare.alarms.views import ALARM_LINES, alarm_detail, changed_alarms, queue, residents_of_alarms
from eldercare.care_circle.schemas import CircleMemberPublic
from eldercare.care_circle.service import end_circle
from eldercare.care_circle.views import circle_of
from eldercare.carer_absences.problems import CarerAbsent
from eldercare.carer_absences.repository import absences_ahead as carer_absences_ahead
from eldercare.carer_absences.repository import check_present as require_present
from eldercare.check_ins.notices import PROMPT_ORIGIN as CHECK_IN_ORIGIN
from eldercare.check_ins.problems import AnswerContradicts, CheckInNotOpen
from eldercare.check_ins.schemas import AnswerWrite, CheckInDetail, CheckInPlanPublic, CheckInPublic, PausePublic
from eldercare.check_ins.service.answers import answer
from eldercare.check_ins.service.homes import home_active, home_fell_silent, home_heard_again
from eldercare.check_ins.service.plans import close_residents
from eldercare.check_ins.service.replies import Outcome, answer_reply
from eldercare.check_ins.service.silence import Heard as HomeHeard
from eldercare.check_ins.views import changes as check_in_change_views
from eldercare.check_ins.views import plans as plan_views
from eldercare.check_ins.views.changes import residents_of_check_ins
from eldercare.duty_desk.views import desk_waiting
from eldercare.home_help.rules import Finding
from eldercare.home_help.service import nobody_answered, resident_let_in, resident_unwell
from eldercare.home_panel.rules import Press
from eldercare.home_panel.service import call_for_help, say_fine
from eldercare.home_panel.views import CareAhead, care_ahead
from eldercare.home_watch.rules import Notice as HomeNotice
from eldercare.home_watch.rules import Settled as HomeSettlement
from eldercare.home_watch.service import home_noticed, home_settled
from eldercare.medication.problems import RegimenOverlaps
from eldercare.medication.schemas.doses import DosePublic
from eldercare.medication.schemas.entries import DoseEntry, DoseQuery, RegimenEntry, RegimenQuery
from eldercare.medication.schemas.regimens import Drug
from eldercare.medication.schemas.timings import timing
from eldercare.medication.service import regimens as medication
from eldercare.medication.service.exchanging import (
    find_doses,
    find_regimens,
    read_dose,
    read_regimen,
    residents_of_doses,
    residents_of_regimens,
)
from eldercare.medication.views import changes as dose_change_views
from eldercare.messages.service import forget_photos
from eldercare.outings.rules import Missing
from eldercare.outings.service import found_on_trip, missing_on_trip
from eldercare.overview.rules import ATTENTION, Group
from eldercare.overview.schemas import CareOverview, NameSought, PersonToday
from eldercare.overview.views.pages import overview as care_overview
from eldercare.overview.views.pages import people_today
from eldercare.regimen_proposals.problems import ProposalAnswered
from eldercare.regimen_proposals.rules import Standing as PrescriptionStanding
from eldercare.regimen_proposals.schemas import (
    Prescribed,
    PrescribedDose,
    PrescribedTiming,
    Prescription,
    ProposalConfirmation,
    ProposalRejection,
    RegimenProposalPublic,
)
from eldercare.regimen_proposals.service.exchanging import confirm_regimen, regimen_proposal, reject_regimen
from eldercare.regimen_proposals.service.following import follow as follow_prescription
from eldercare.response import service as response
from eldercare.response.service import acknowledge_by_phone, acknowledge_reply
from eldercare.sos.rules import OLDEST_CALL
from eldercare.timeline.rules.kinds import Kind as TimelineKind
from eldercare.timeline.rules.sentences import alarm_name, sign_name, value_shown
from eldercare.timeline.views.part import PART as TIMELINE
from eldercare.visits.access import READ as VISITS_READ
from eldercare.visits.schemas.visits import VisitPublic
from eldercare.visits.service.composing import HeldVisits, hold_visits, send_to_visit, settle_visits, visits_to_plan
from eldercare.visits.service.planning import close_residents as close_visits
from eldercare.visits.views import changes as visit_change_views
from eldercare.vitals.rules.codes import ALIASES, CONSCIOUSNESS, SIGNS, VitalSign, shown
from eldercare.vitals.schemas import ReadingPublic, ReadingQuery, ReadingsTaken
from eldercare.vitals.service.exchanging import reading, readings, readings_known, record_readings, shared_readings
from eldercare.vitals.views.readings import cursor_after as reading_cursor

__all__ = [
    "ALARMS_CHANGED",
    "ALARM_LINES",
    "ALARM_ORIGIN",
    "ALIASES",
    "ATTENTION",
    "CHECK_IN_ORIGIN",
    "CONSCIOUSNESS",
    "OLDEST_CALL",
    "SIGNS",
    "TIMELINE",
    "VISITS_READ",
    "AlarmDetail",
    "AlarmKind",
    "AlarmOpen",
    "AlarmPublic",
    "AlarmSignal",
    "AnswerContradicts",
    "AnswerWrite",
    "CareAhead",
    "CareOverview",
    "CarerAbsent",
    "CheckInDetail",
    "CheckInNotOpen",
    "CheckInPlanPublic",
    "CheckInPublic",
    "CircleMemberPublic",
    "DoseEntry",
    "DosePublic",
    "DoseQuery",
    "Drug",
    "Finding",
    "Group",
    "HeldVisits",
    "HomeHeard",
    "HomeNotice",
    "HomeSettlement",
    "Missing",
    "NameSought",
    "Outcome",
    "PausePublic",
    "PersonToday",
    "Prescribed",
    "PrescribedDose",
    "PrescribedTiming",
    "Prescription",
    "PrescriptionStanding",
    "Press",
    "ProposalAnswered",
    "ProposalConfirmation",
    "ProposalRejection",
    "ReadingPublic",
    "ReadingQuery",
    "ReadingsTaken",
    "RegimenEntry",
    "RegimenOverlaps",
    "RegimenProposalPublic",
    "RegimenQuery",
    "ResidentClosed",
    "Severity",
    "TimelineKind",
    "VisitPublic",
    "VitalSign",
    "acknowledge_alarm",
    "acknowledge_by_phone",
    "acknowledge_reply",
    "alarm_changes",
    "alarm_name",
    "alarm_queue",
    "answer_check_in",
    "answer_reply",
    "call_for_help",
    "care_ahead",
    "care_circle",
    "care_overview",
    "carer_absences_ahead",
    "check_in_changes",
    "check_in_pauses",
    "check_in_plans",
    "check_ins_ahead",
    "confirm_regimen",
    "desk_waiting",
    "dose_changes",
    "doses_ahead",
    "end_care",
    "find_doses",
    "find_regimens",
    "follow_prescription",
    "forget_photos",
    "found_on_trip",
    "get_alarm",
    "hold_visits",
    "home_active",
    "home_fell_silent",
    "home_heard_again",
    "home_noticed",
    "home_settled",
    "missing_on_trip",
    "nobody_answered",
    "people_today",
    "raise_alarm",
    "read_dose",
    "read_regimen",
    "reading",
    "reading_cursor",
    "readings",
    "readings_known",
    "record_readings",
    "regimen_proposal",
    "reject_regimen",
    "require_no_open_alarm",
    "require_present",
    "resident_let_in",
    "resident_unwell",
    "residents_of_alarms",
    "residents_of_check_ins",
    "residents_of_doses",
    "residents_of_regimens",
    "resolve_alarm",
    "say_fine",
    "send_to_visit",
    "settle_visits",
    "shared_readings",
    "sign_name",
    "stays_ahead",
    "timing",
    "value_shown",
    "visit_changes",
    "visits_ahead",
    "visits_to_plan",
    "vital_sign",
]

alarm_queue = queue


def vital_sign(code: str, value: float) -> tuple[VitalSign, float | str]:
    """Return what a stored reading's LOINC code means, and its value as it is shown: a number, or a letter of ACVPU."""
    return SIGNS[code], shown(code, value)


async def answer_check_in(
    session: AsyncSession, actor: Actor, resident_id: uuid.UUID, check_in_id: uuid.UUID, data: AnswerWrite
) -> CheckInDetail:
    """Answer a resident's check-in on behalf of ``actor`` and return it.

    Raises ``NotFound``, ``Forbidden`` without ``check_ins:answer``, ``Malformed``, ``CheckInNotOpen``,
    ``AnswerContradicts``.
    """
    subject = await require_resident(await session.connection(), actor, resident_id, "check_ins:answer")
    return await answer(session, actor, subject, check_in_id, data)


async def raise_alarm(session: AsyncSession, actor: Actor, signal: AlarmSignal) -> uuid.UUID:
    """Raise an alarm (or join the open one) on behalf of ``actor`` and return its id.

    Raises ``NotFound``, and ``Forbidden`` without ``alarms:raise``.
    """
    await require_resident(await session.connection(), actor, signal.resident_id, "alarms:raise")
    return (await _raise_alarm(session, actor, signal)).id


async def get_alarm(connection: AsyncConnection, actor: Actor, alarm_id: uuid.UUID) -> AlarmDetail:
    """Return an alarm with everything that happened; raises ``NotFound``, ``Forbidden`` without ``alarms:read``."""
    subject = await require_alarm(connection, actor, alarm_id, "alarms:read")
    return await alarm_detail(connection, actor, subject.id, subject.resident_id)


async def acknowledge_alarm(session: AsyncSession, actor: Actor, alarm_id: uuid.UUID) -> AlarmDetail:
    """Take an alarm on behalf of ``actor`` and return it.

    Raises ``NotFound``, ``Forbidden`` without ``alarms:respond``, ``AlarmClosed``, ``AlarmAlreadyAcknowledged``.
    """
    connection = await session.connection()
    subject = await require_alarm(connection, actor, alarm_id, "alarms:respond")
    await response.acknowledge(session, actor, subject.id)
    return await alarm_detail(connection, actor, subject.id, subject.resident_id)


async def resolve_alarm(
    session: AsyncSession, actor: Actor, alarm_id: uuid.UUID, *, outcome: str, note: str | None = None
) -> AlarmDetail:
    """End an alarm on behalf of ``actor`` and return it; raises as ``acknowledge_alarm``."""
    connection = await session.connection()
    subject = await require_alarm(connection, actor, alarm_id, "alarms:respond")
    await response.resolve(session, actor, subject.id, outcome=outcome, note=note)
    return await alarm_detail(connection, actor, subject.id, subject.resident_id)


async def require_no_open_alarm(session: AsyncSession, *, account_id: uuid.UUID, resident_id: uuid.UUID | None) -> None:
    """Raise ``AlarmOpen`` if an alarm is open about the resident, or one the account has taken."""
    if await is_alarm_open(session, account_id, resident_id):
        raise AlarmOpen


async def end_care(session: AsyncSession, resident_id: uuid.UUID) -> None:
    """End what is done for a resident, and the circle, in the caller's transaction as the residence ends."""
    await close_residents(session, [resident_id])
    await medication.close_residents(session, [resident_id])
    await close_visits(session, [resident_id])
    await end_circle(session, resident_id)


async def check_in_changes(
    connection: AsyncConnection, actor: Actor, resident_id: uuid.UUID, since: Since
) -> list[CheckInPublic]:
    """Return the check-ins that changed; raises ``NotFound``, ``Forbidden`` without ``check_ins:read``."""
    await require_resident(connection, actor, resident_id, "check_ins:read")
    return await check_in_change_views.changed(connection, resident_id, since)


async def check_ins_ahead(connection: AsyncConnection, actor: Actor, resident_id: uuid.UUID) -> list[uuid.UUID]:
    """Return the ids of the check-ins that lie ahead; raises as ``check_in_changes``."""
    await require_resident(connection, actor, resident_id, "check_ins:read")
    return await check_in_change_views.ahead(connection, resident_id)


async def check_in_plans(connection: AsyncConnection, actor: Actor, resident_id: uuid.UUID) -> list[CheckInPlanPublic]:
    """Return all plans of a resident; raises as ``check_in_changes``."""
    await require_resident(connection, actor, resident_id, "check_ins:read")
    return await plan_views.plans(connection, resident_id)


async def check_in_pauses(connection: AsyncConnection, actor: Actor, resident_id: uuid.UUID) -> list[PausePublic]:
    """Return the latest hundred pauses of a resident; raises as ``check_in_changes``."""
    await require_resident(connection, actor, resident_id, "check_ins:read")
    return (await plan_views.pauses(connection, resident_id, PageRequest(MAX_LIMIT, None)))[0]


async def alarm_changes(
    connection: AsyncConnection, actor: Actor, resident_id: uuid.UUID, since: Since
) -> list[AlarmPublic]:
    """Return the alarms that changed; raises ``NotFound``, ``Forbidden`` without ``alarms:read``."""
    await require_resident(connection, actor, resident_id, "alarms:read")
    return await changed_alarms(connection, resident_id, since)


async def care_circle(connection: AsyncConnection, actor: Actor, resident_id: uuid.UUID) -> list[CircleMemberPublic]:
    """Return a resident's circle; raises ``NotFound``, ``Forbidden`` without ``circle:read``."""
    await require_resident(connection, actor, resident_id, "circle:read")
    return await circle_of(connection, resident_id)


async def dose_changes(
    connection: AsyncConnection, actor: Actor, resident_id: uuid.UUID, since: Since
) -> list[DosePublic]:
    """Return the doses that changed; raises ``NotFound``, ``Forbidden`` without ``medication:read``."""
    await require_resident(connection, actor, resident_id, "medication:read")
    return await dose_change_views.changed(connection, resident_id, since)


async def doses_ahead(connection: AsyncConnection, actor: Actor, resident_id: uuid.UUID) -> list[uuid.UUID]:
    """Return the ids of the doses that lie ahead; raises as ``dose_changes``."""
    await require_resident(connection, actor, resident_id, "medication:read")
    return await dose_change_views.ahead(connection, resident_id)


async def visit_changes(
    connection: AsyncConnection, actor: Actor, resident_id: uuid.UUID, since: Since
) -> list[VisitPublic]:
    """Return the visits that changed; raises ``NotFound``, ``Forbidden`` without ``visits:read``."""
    await require_resident(connection, actor, resident_id, "visits:read")
    return await visit_change_views.changed(connection, resident_id, since)


async def visits_ahead(connection: AsyncConnection, actor: Actor, resident_id: uuid.UUID) -> list[uuid.UUID]:
    """Return the ids of the visits that are agreed and lie ahead; raises as ``visit_changes``."""
    await require_resident(connection, actor, resident_id, "visits:read")
    return await visit_change_views.ahead(connection, resident_id)
