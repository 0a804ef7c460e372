"""Single visits: an extra one, another time, none at all, and the end of one that nobody checked out of."""

import uuid
from datetime import datetime

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.access import Actor
from app.core.events import emit
from app.core.sealing import seal
from app.core.touching import touch
from app.identity.api import ResidentSubject
from app.reservations import api as reservations
from app.reservations.api import Want
from eldercare.absences.problems import ResidentClosed
from eldercare.carer_absences.repository import check_present
from eldercare.events import VisitCompleted, VisitMoved
from eldercare.visits import repository, rules
from eldercare.visits.access import require_arranger
from eldercare.visits.models import DEPARTURE_PROOF, TASKS
from eldercare.visits.notices import VISIT_MOVED
from eldercare.visits.problems import VisitNotOpen, WrongTime
from eldercare.visits.schemas.visits import VisitComplete, VisitCreate, VisitMove
from eldercare.visits.schemas.words import CancelReason
from eldercare.visits.service import alarming, applying, cancelling, suspending
from eldercare.visits.service.plans import lock_plan, require_serving, tasks_of
from eldercare.visits.service.staffing import ORIGIN, locked, record
from eldercare.visits.service.telling import tell
from eldercare.visits.service.templates import check_tasks


async def create_visit(session: AsyncSession, actor: Actor, subject: ResidentSubject, data: VisitCreate) -> uuid.UUID:
    """Plan an extra visit under a care plan and return its id.

    Raises ``NotFound``, ``Forbidden``, ``ResidentClosed``, ``CarePlanEnded``, ``AgencyDoesNotServe``, ``Malformed``,
    ``WrongTime`` for one in the past, ``ResidentAway``.
    """
    if subject.state != "active":
        raise ResidentClosed
    if data.starts_at < clock.now():
        raise WrongTime
    plan = await lock_plan(session, actor, subject.resident_id, data.care_plan_id)
    await require_serving(session, subject.resident_id, plan.organization_id)
    check_tasks(plan, data.task_ids)
    await suspending.require_home(session, subject.resident_id, data.starts_at)
    tasks = [task.model_dump(mode="json", exclude_none=True) for task in tasks_of(plan.content, data.task_ids)]
    carried = (await applying.of_plans(session, [plan]))[plan.id, data.is_critical]
    visit_id = clock.new_id()
    row = {
        "id": visit_id,
        "community_id": subject.community_id,
        "resident_id": subject.resident_id,
        "account_id": subject.account_id,
        "organization_id": plan.organization_id,
        "care_plan_id": plan.id,
        "revision": 1,
        "local_date": rules.local_date(data.starts_at, subject.time_zone),
        "time_zone": subject.time_zone,
        "starts_at": data.starts_at,
        "ends_at": data.starts_at + data.duration,
        "flexibility": data.flexibility,
        "carers": data.carers,
        "is_critical": data.is_critical,
        "skills": sorted(data.skills),
        "preferred": data.preferred,
        "tasks": seal(orjson.dumps(tasks).decode(), TASKS),
        **carried.values(),
        **rules.deadlines(data.starts_at, carried),
    }
    await repository.insert_visits(session, [row])
    await touch(session, "visit", visit_id, community_id=subject.community_id, resident_id=subject.resident_id)
    await record(session, actor, "visit:create", await locked(session, subject.resident_id, visit_id))
    return visit_id


async def move_visit(
    session: AsyncSession, actor: Actor, subject: ResidentSubject, visit_id: uuid.UUID, data: VisitMove
) -> None:
    """Give a visit that has not begun another time, on all its carers' calendars or not at all.

    Raises ``NotFound``, ``Forbidden``, ``VisitNotOpen``, ``WrongTime`` for one in the past, ``ResidentAway``,
    ``CarerAbsent``,
    ``CalendarTaken``.
    """
    visit = await locked(session, subject.resident_id, visit_id)
    require_arranger(actor, visit.organization_id)
    if visit.state not in rules.AHEAD:
        raise VisitNotOpen(state=visit.state)
    if data.starts_at < clock.now():
        raise WrongTime
    await suspending.require_home(session, subject.resident_id, data.starts_at)
    ends_at = data.starts_at + (data.duration or visit.ends_at - visit.starts_at)
    await shift(session, actor, visit_id, data.starts_at, ends_at)
    await record(session, actor, "visit:move", visit)


async def shift(
    session: AsyncSession, actor: Actor, visit_id: uuid.UUID, starts_at: datetime, ends_at: datetime
) -> None:
    """Move a locked visit ahead with its carers' calendars, and tell; raises ``CarerAbsent``, ``CalendarTaken``."""
    visit = (await repository.lock_visits(session, [visit_id]))[visit_id]
    carers = (await repository.carers_of(session, [visit_id]))[visit_id]
    await check_present(session, [(carer.account_id, starts_at, ends_at) for carer in carers])
    if carers:
        calendars = await reservations.resources_of(
            await session.connection(), "carer", [carer.account_id for carer in carers]
        )
        moved = await reservations.move(
            session,
            [carer.reservation_id for carer in carers],
            [Want(calendars[carer.account_id], starts_at, ends_at, visit_id) for carer in carers],
            origin_kind=ORIGIN,
            taken_by=actor.id,
        )
        for carer, reservation_id in zip(carers, moved, strict=True):
            # They can come then: if it is said later that they cannot, that is new.
            moved_to = {"reservation_id": reservation_id, "starts_at": starts_at, "unavailable_since": None}
            await repository.change_carer(session, carer.id, (carer.state,), **moved_to)
    await repository.change_visit(
        session,
        visit_id,
        starts_at=starts_at,
        ends_at=ends_at,
        local_date=rules.local_date(starts_at, visit.time_zone),
        **rules.deadlines(starts_at, visit) | ({} if visit.state == "planned" else {"staff_by": None}),
    )
    if starts_at == visit.starts_at:
        return
    told = [one for one in (visit.account_id, *(carer.account_id for carer in carers)) if one != actor.id]
    now_at = (await repository.lock_visits(session, [visit_id]))[visit_id]
    occasion = f"moved:{visit.version}"
    await tell(session, VISIT_MOVED, now_at, told, occasion, from_starts_at=visit.starts_at)
    fact = VisitMoved(aggregate_id=visit_id, community_id=visit.community_id, resident_id=visit.resident_id)
    await emit(session, fact)


async def cancel_visit(
    session: AsyncSession, actor: Actor, subject: ResidentSubject, visit_id: uuid.UUID, note: str | None
) -> None:
    """Cancel a visit that has not begun: the resident their own, family who may, or the agency.

    Cancelling one that is cancelled changes nothing. Raises ``NotFound``, ``Forbidden``, ``VisitNotOpen``.
    """
    visit = await locked(session, subject.resident_id, visit_id)
    if subject.relation == "staff":
        require_arranger(actor, visit.organization_id)
    if visit.state == "cancelled":
        return
    reason: CancelReason = "agency" if subject.relation == "staff" else "resident"
    if not await cancelling.cancel(session, actor.id, [visit], reason, note):
        raise VisitNotOpen(state=visit.state)
    await record(session, actor, "visit:cancel", visit)


async def complete_visit(
    session: AsyncSession, actor: Actor, subject: ResidentSubject, visit_id: uuid.UUID, data: VisitComplete
) -> None:
    """Record how a visit ended that nobody checked out of, by hand and with the reason.

    Raises ``NotFound``, ``Forbidden``, ``VisitNotOpen``, ``WrongTime`` for an end before an arrival or in the future.
    """
    visit = await locked(session, subject.resident_id, visit_id)
    require_arranger(actor, visit.organization_id)
    if visit.state != "in_progress":
        raise VisitNotOpen(state=visit.state)
    carers = (await repository.carers_of(session, [visit_id]))[visit_id]
    there = [carer for carer in carers if carer.state == "present"]
    latest_arrival = max([visit.started_at, *(carer.arrived_at for carer in there)])
    if not latest_arrival <= data.ended_at <= clock.now() + rules.CLOCK_SKEW:
        raise WrongTime
    proof = {"reason": data.reason, "by": str(actor.id)}
    for carer in there:
        sealed = seal(orjson.dumps(proof).decode(), DEPARTURE_PROOF)
        await repository.change_carer(
            session,
            carer.id,
            ("present",),
            state="left",
            departed_at=data.ended_at,
            departure_how="manual",
            departure_proof=sealed,
        )
    await finish(session, visit_id, data.ended_at, by=actor.id)
    await alarming.carers_left(session, actor, visit.resident_id, visit_id)
    await record(session, actor, "visit:complete", visit)


async def finish(session: AsyncSession, visit_id: uuid.UUID, at: datetime, *, by: uuid.UUID | None = None) -> list[str]:
    """End a visit that is under way: calendars are free again, and who never came was absent.

    Returns the accounts of those who were absent.
    """
    visit = (await repository.lock_visits(session, [visit_id]))[visit_id]
    carers = (await repository.carers_of(session, [visit_id]))[visit_id]
    absent = [carer for carer in carers if carer.state in ("assigned", "en_route")]
    for carer in absent:
        await repository.change_carer(session, carer.id, ("assigned", "en_route"), state="absent")
    await reservations.release(session, [carer.reservation_id for carer in carers])
    closing = {} if by is None else {"closed_at": clock.now(), "closed_by": by}
    await repository.become(session, [visit_id], "completed", completed_at=at, **closing)
    fact = VisitCompleted(aggregate_id=visit_id, community_id=visit.community_id, resident_id=visit.resident_id)
    await emit(session, fact)
    return [str(carer.account_id) for carer in absent]
