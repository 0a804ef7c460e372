"""The HTTP side of answering alarms, and of the figures about it."""

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import Depends, Query

from app.core import audit
from app.core.access import CurrentActor
from app.core.instants import GivenDay, GivenInstant
from app.core.paging import Page, PageQuery
from app.core.problems import FieldError, Forbidden, Malformed, NotFound, Unauthenticated, problem_responses
from app.core.routing import Reading, Router, Session
from app.identity.api import Member, community, member_guard
from eldercare.alarms.access import AlarmSubject, alarm_guard
from eldercare.alarms.problems import (
    AlarmAlreadyAcknowledged,
    AlarmAlreadyOnScene,
    AlarmClosed,
    CalledAgain,
    CountdownOver,
    NotForTheResident,
)
from eldercare.alarms.schemas import AlarmPublic
from eldercare.alarms.views import alarm_public
from eldercare.response import service
from eldercare.response.schemas import (
    Acknowledgement,
    Cancellation,
    FalseAlarms,
    FalseAlarmTotals,
    Resolution,
    ResponseTimes,
    ResponseTimesOfMonth,
    Step,
)
from eldercare.response.views import (
    Per,
    TotalsPer,
    false_alarm_totals,
    false_alarms,
    response_times,
    response_times_by_month,
)

router = Router(tags=["eldercare"])

LONGEST_PERIOD = timedelta(days=366)
Desk = Annotated[Member, Depends(member_guard("operator", "dispatcher", organization_kind="operator"))]
Answered = Annotated[AlarmSubject, Depends(alarm_guard("alarms:respond"))]
_REFUSALS = (Unauthenticated, Forbidden, NotForTheResident, NotFound, AlarmClosed)


@router.post(
    "/alarms/{alarm_id}/acknowledgement",
    responses=problem_responses(*_REFUSALS, AlarmAlreadyAcknowledged, AlarmAlreadyOnScene),
)
async def acknowledge_alarm(
    session: Session, actor: CurrentActor, subject: Answered, data: Acknowledgement | None = None
) -> AlarmPublic:
    """Take an alarm. Of two who do so at once, one gets it; the other learns who."""
    take_over = data is not None and data.take_over
    return alarm_public(await service.acknowledge(session, actor, subject.id, take_over=take_over))


@router.post(
    "/alarms/{alarm_id}/departure",
    responses=problem_responses(*_REFUSALS, AlarmAlreadyAcknowledged, AlarmAlreadyOnScene),
)
async def depart_for_alarm(
    session: Session, actor: CurrentActor, subject: Answered, data: Step | None = None
) -> AlarmPublic:
    """Say that one is on the way, or that ``holder`` is who has taken the alarm."""
    holder = data.holder if data is not None else None
    return alarm_public(await service.depart(session, actor, subject.id, holder=holder))


@router.post("/alarms/{alarm_id}/arrival", responses=problem_responses(*_REFUSALS, AlarmAlreadyAcknowledged))
async def arrive_at_alarm(
    session: Session, actor: CurrentActor, subject: Answered, data: Step | None = None
) -> AlarmPublic:
    """Say that one is with the resident, or that ``holder`` is who has taken the alarm."""
    holder = data.holder if data is not None else None
    return alarm_public(await service.arrive(session, actor, subject.id, holder=holder))


@router.post("/alarms/{alarm_id}/resolution", responses=problem_responses(*_REFUSALS))
async def resolve_alarm(session: Session, actor: CurrentActor, subject: Answered, data: Resolution) -> AlarmPublic:
    """End an alarm and say how it ended; everyone who was told is told."""
    return alarm_public(await service.resolve(session, actor, subject.id, outcome=data.outcome, note=data.note))


@router.post(
    "/alarms/{alarm_id}/cancellation",
    responses=problem_responses(Unauthenticated, Forbidden, NotFound, AlarmClosed, CalledAgain, CountdownOver),
)
async def cancel_alarm(
    session: Session,
    actor: CurrentActor,
    subject: Annotated[AlarmSubject, Depends(alarm_guard("alarms:raise"))],
    data: Cancellation | None = None,
) -> AlarmPublic:
    """Take one's own alarm back while its countdown runs."""
    sos_ids = data.sos_ids if data is not None else ()
    return alarm_public(await service.cancel(session, actor, subject.id, sos_ids=sos_ids))


@router.get("/reports/response-times", responses=problem_responses(Unauthenticated, Forbidden))
async def get_response_times(
    connection: Reading,
    member: Desk,
    since: Annotated[GivenInstant, Query(alias="from")],
    until: Annotated[GivenInstant, Query(alias="to")],
) -> ResponseTimes:
    """Show how fast alarms were answered, with the telecare yardstick for the part it is meant for."""
    _require_period(since, until)
    await audit.record(connection, member.actor, "report:response_times", community_id=member.community_id)
    return await response_times(connection, member.community_id, since, until)


@router.get("/reports/response-times-by-month", responses=problem_responses(Unauthenticated, Forbidden))
async def list_response_times_by_month(
    connection: Reading,
    member: Desk,
    first: Annotated[GivenDay, Query(alias="from", description="a day of the first month")],
    last: Annotated[GivenDay, Query(alias="to", description="a day of the last month")],
) -> Page[ResponseTimesOfMonth]:
    """Show how fast alarms were answered in each month, against the telecare yardstick, the latest month first."""
    if not first <= last <= first + LONGEST_PERIOD:
        raise Malformed(errors=[FieldError("/query/to", "not before `from`, at most 366 days later", "period")])
    await audit.record(connection, member.actor, "report:response_times", community_id=member.community_id)
    zone = (await community(connection, member.community_id)).time_zone
    return Page(items=await response_times_by_month(connection, member.community_id, first, last, zone), next=None)


@router.get("/reports/false-alarms", responses=problem_responses(Unauthenticated, Forbidden))
async def list_false_alarms(
    connection: Reading,
    member: Desk,
    page: PageQuery,
    *,
    since: Annotated[GivenInstant, Query(alias="from")],
    until: Annotated[GivenInstant, Query(alias="to")],
    per: Annotated[Per, Query(description="what the alarms of a kind are counted by")] = "rule",
) -> Page[FalseAlarms]:
    """Show how many alarms were false, by kind, by resident, or by the rule that called: those with the most first."""
    _require_period(since, until)
    return await false_alarms(connection, member.actor, since, until, page, per)


@router.get("/reports/false-alarm-totals", responses=problem_responses(Unauthenticated, Forbidden))
async def list_false_alarm_totals(
    connection: Reading,
    member: Desk,
    page: PageQuery,
    *,
    since: Annotated[GivenInstant, Query(alias="from")],
    until: Annotated[GivenInstant, Query(alias="to")],
    per: Annotated[TotalsPer, Query(description="one row for all residents, or one for each")] = "community",
) -> Page[FalseAlarmTotals]:
    """Show how many alarms were false, each alarm once however many signals it had: the most first."""
    _require_period(since, until)
    return await false_alarm_totals(connection, member.actor, since, until, page, per)


def _require_period(since: datetime, until: datetime) -> None:
    if not since < until <= since + LONGEST_PERIOD:
        raise Malformed(errors=[FieldError("/query/to", "after `from`, at most 366 days", "period")])
