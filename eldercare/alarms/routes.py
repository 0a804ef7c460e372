"""The HTTP side of alarms: reading them, and raising one for somebody."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import Depends, Query

from app.core import clock
from app.core.access import CurrentActor
from app.core.paging import Page, PageQuery
from app.core.problems import Forbidden, NotFound, Unauthenticated, problem_responses
from app.core.routing import Reading, Router, Session
from app.identity.api import ResidentSubject, resident_guard
from eldercare.alarms.access import AlarmSubject, alarm_guard
from eldercare.alarms.models import Severity
from eldercare.alarms.problems import AlarmClosed
from eldercare.alarms.rules import AlarmSignal, Place, believable
from eldercare.alarms.schemas import AlarmDetail, AlarmPublic, AlarmRaise, SignalGive, StateName
from eldercare.alarms.service import join_alarm, raise_alarm
from eldercare.alarms.views import alarm_detail, alarm_public, alarms_of, queue

router = Router(tags=["eldercare"])

_REFUSALS = problem_responses(Unauthenticated, Forbidden, NotFound)


@router.resident_route("GET", "/alarms", responses=_REFUSALS)
async def list_alarms(
    connection: Reading,
    actor: CurrentActor,
    subject: Annotated[ResidentSubject, Depends(resident_guard("alarms:read"))],
    page: PageQuery,
) -> Page[AlarmPublic]:
    """List a resident's alarms, the latest first."""
    return await alarms_of(connection, actor, subject.resident_id, page, is_own=subject.relation == "self")


@router.post("/residents/{resident_id}/alarms", status_code=201, responses=_REFUSALS)
async def raise_resident_alarm(
    session: Session,
    actor: CurrentActor,
    subject: Annotated[ResidentSubject, Depends(resident_guard("alarms:raise"))],
    data: AlarmRaise,
) -> AlarmPublic:
    """Raise an alarm for a resident, or let this join the one that is open."""
    signal = _signal(subject.resident_id, subject.community_id, data, is_test=data.is_test)
    return alarm_public(await raise_alarm(session, actor, signal))


@router.get("/alarms", responses=problem_responses(Unauthenticated))
async def list_alarm_queue(
    connection: Reading,
    actor: CurrentActor,
    page: PageQuery,
    state: Annotated[Literal["open"] | StateName, Query()] = "open",
) -> Page[AlarmPublic]:
    """List the open alarms the caller may answer: the worst first, then the oldest."""
    return await queue(connection, actor, None if state == "open" else state, page)


@router.get("/alarms/{alarm_id}", responses=_REFUSALS)
async def get_alarm(
    connection: Reading, actor: CurrentActor, subject: Annotated[AlarmSubject, Depends(alarm_guard("alarms:read"))]
) -> AlarmDetail:
    """Show an alarm: why it was raised, what happened, who has been told and what came of it."""
    return await alarm_detail(connection, actor, subject.id, subject.resident_id)


@router.post(
    "/alarms/{alarm_id}/signals",
    status_code=201,
    responses=problem_responses(Unauthenticated, Forbidden, NotFound, AlarmClosed),
)
async def add_alarm_signal(
    session: Session,
    actor: CurrentActor,
    subject: Annotated[AlarmSubject, Depends(alarm_guard("alarms:raise"))],
    data: SignalGive,
) -> AlarmPublic:
    """Add what has become known to an open alarm; what is worse calls everybody again."""
    signal = _signal(subject.resident_id, subject.community_id, data)
    return alarm_public(await join_alarm(session, actor, subject.id, signal))


def _signal(resident_id: UUID, community_id: UUID, data: SignalGive, *, is_test: bool = False) -> AlarmSignal:
    now = clock.now()
    occurred_at = data.occurred_at if data.occurred_at and believable(data.occurred_at, now) else now
    return AlarmSignal(
        kind=data.kind,
        severity=Severity[data.severity.upper()],
        community_id=community_id,
        resident_id=resident_id,
        occurred_at=occurred_at,
        evidence={"note": data.note} if data.note else {},
        place=Place(data.place.latitude, data.place.longitude, data.place.accuracy) if data.place else None,
        is_test=is_test,
    )
