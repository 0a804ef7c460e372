"""Being there: on the way, arrived, gone again, each proven by the door, a position, or a reason by hand."""

import uuid
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.access import Actor
from app.core.events import emit
from app.core.sealing import seal
from app.core.touching import touch
from app.dispatch.api import Place
from app.identity.api import homes
from eldercare.events import VisitStarted
from eldercare.visits import repository, rules
from eldercare.visits.access import OwnVisit
from eldercare.visits.models import ARRIVAL_PROOF, DEPARTURE_PROOF, DOOR_TAGS, TICK_REASON
from eldercare.visits.notices import VISIT_SHORT
from eldercare.visits.problems import NotThere, PresenceNotProven, TasksOpen, VisitNotOpen, WrongTime
from eldercare.visits.rules import Presence
from eldercare.visits.schemas.tasks import tasks_of_visit
from eldercare.visits.schemas.work import (
    ArrivalGive,
    DepartureGive,
    EnRouteGive,
    ManualProof,
    PositionProof,
    TagProof,
)
from eldercare.visits.service import alarming, medicines
from eldercare.visits.service.arranging import finish
from eldercare.visits.service.staffing import locked, record
from eldercare.visits.service.telling import agency, tell
from eldercare.visits.service.times import moment_of

_TAG = sa.select(DOOR_TAGS.c.id, DOOR_TAGS.c.kind).where(
    DOOR_TAGS.c.resident_id == sa.bindparam("resident_id", type_=sa.Uuid),
    DOOR_TAGS.c.digest == sa.bindparam("digest", type_=sa.LargeBinary),
    DOOR_TAGS.c.revoked_at.is_(None),
)


async def depart_for(session: AsyncSession, actor: Actor, own: OwnVisit, data: EnRouteGive) -> None:
    """Say that the carer is on the way; said twice it changes nothing. Raises ``VisitNotOpen``, ``WrongTime``."""
    visit, carer = await _locked(session, own)
    if carer.state == "en_route":
        return
    at = moment_of(data.occurred_at)
    if visit.state not in rules.AHEAD or carer.state != "assigned":
        raise VisitNotOpen(state=visit.state)
    await repository.change_carer(
        session, carer.id, ("assigned",), state="en_route", en_route_at=at, unavailable_since=None
    )
    if visit.state == "assigned":
        await repository.become(session, [visit.id], "en_route")
    await touch(session, "visit", visit.id, community_id=visit.community_id, resident_id=visit.resident_id)
    await record(session, actor, "visit:en_route", visit)


async def arrive(session: AsyncSession, actor: Actor, own: OwnVisit, data: ArrivalGive) -> None:
    """Record that the carer has arrived; who is there already stays so.

    Raises ``VisitNotOpen``, ``NotThere`` for who has left, ``WrongTime``, ``PresenceNotProven``.
    """
    visit, carer = await _locked(session, own)
    if carer.state == "present":
        return
    if carer.state not in ("assigned", "en_route"):
        raise NotThere
    if visit.state not in (*rules.OPEN, "missed"):
        raise VisitNotOpen(state=visit.state)
    at = moment_of(data.occurred_at)
    if not rules.can_arrive(visit.starts_at, at):
        raise WrongTime(opens_at=(visit.starts_at - rules.EARLY).isoformat())
    proof = await _prove(session, visit.resident_id, data)
    await repository.change_carer(
        session,
        carer.id,
        ("assigned", "en_route"),
        state="present",
        unavailable_since=None,
        arrived_at=at,
        arrival_how=data.proof.how,
        arrival_proof=seal(proof, ARRIVAL_PROOF),
    )
    came = (await repository.carers_of(session, [visit.id]))[visit.id]
    is_short = rules.are_missing([Presence(one.state, one.arrived_at) for one in came], visit.carers)
    deadlines = {
        "overdue_at": rules.check_out_at(at, visit.ends_at, visit),
        # One who cannot lift somebody alone may not begin: of whom they wait for the agency hears.
        "late_at": rules.missing_at(visit.starts_at, at, visit) if is_short else None,
    }
    if visit.state == "in_progress":
        # Whoever takes over is given the time they need, and is looked after anew.
        await repository.change_visit(session, visit.id, overdue_step=0, **deadlines)
    else:
        await repository.become(session, [visit.id], "in_progress", started_at=at, **deadlines)
        await emit(
            session,
            VisitStarted(
                aggregate_id=visit.id,
                community_id=visit.community_id,
                resident_id=visit.resident_id,
                account_id=actor.id,
                how=data.proof.how,
            ),
        )
    await alarming.carer_came(session, actor, visit)
    await record(session, actor, "visit:arrive", visit, {"how": data.proof.how})


async def leave(session: AsyncSession, actor: Actor, own: OwnVisit, data: DepartureGive) -> None:
    """Record that the carer has left. The last to leave ends the visit: every task is done, or it is said why not.

    Who was removed while they were there leaves, too, for their own hours: that does not end the visit.
    Raises ``NotThere``, ``WrongTime``, ``PresenceNotProven``, ``TasksOpen``.
    """
    visit, carer = await _locked(session, own)
    if carer.state == "left":
        return
    if carer.arrived_at is None or carer.departed_at is not None:
        raise NotThere
    # As it is under the lock: they may have been taken off since they were let in.
    was_removed = carer.state in ("removed", "absent")
    at = moment_of(data.occurred_at)
    if at < carer.arrived_at:
        raise WrongTime
    proof = await _prove(session, visit.resident_id, data)
    others = [one for one in (await repository.carers_of(session, [visit.id]))[visit.id] if one.id != carer.id]
    presences = [Presence(one.state, one.arrived_at) for one in others]
    is_last = visit.state == "in_progress" and not was_removed and rules.is_over([*presences, _LEFT])
    if is_last:
        await _account_for_tasks(session, actor, visit, data.unfinished_reason)
    values: dict[str, Any] = {
        "departed_at": at,
        "departure_how": data.proof.how,
        "departure_proof": seal(proof, DEPARTURE_PROOF),
    }
    if was_removed:
        await repository.change_carer(session, carer.id, ("removed", "absent"), **values)
    else:
        await repository.change_carer(session, carer.id, ("present",), state="left", **values)
    if is_last and await finish(session, visit.id, at):
        await tell(session, VISIT_SHORT, visit, await agency(session, visit), "short")
    if not any(one.state == "present" for one in others):
        await alarming.carers_left(session, actor, visit.resident_id, visit.id)
    await record(session, actor, "visit:leave", visit, {"how": data.proof.how})


_LEFT = Presence("left", None)


async def _locked(session: AsyncSession, own: OwnVisit) -> tuple[sa.Row[Any], sa.Row[Any]]:
    """Return the visit, locked, and the carer's row as it is then."""
    visit = await locked(session, own.visit.resident_id, own.visit.id)
    rows = (await repository.carers_of(session, [visit.id], removed=True))[visit.id]
    return visit, next(row for row in rows if row.id == own.carer_id)


async def _prove(session: AsyncSession, resident_id: uuid.UUID, data: ArrivalGive) -> str:
    """Return what proves that the carer is at the home, as it is kept (JSON); raises ``PresenceNotProven``."""
    proof = data.proof
    kept: dict[str, Any]
    match proof:
        case TagProof():
            binds = {"resident_id": resident_id, "digest": rules.door_digest(proof.code)}
            tag = (await session.execute(_TAG, binds)).one_or_none()
            if tag is None or tag.kind != proof.how:
                raise PresenceNotProven(doubt="unknown_tag")
            kept = {"tag_id": str(tag.id)}
        case PositionProof():
            home = (await homes(await session.connection(), [resident_id])).get(resident_id)
            found = Place(proof.latitude, proof.longitude)
            doubt = rules.doubt(_place(home), found, proof.accuracy)
            if doubt is not None:
                raise PresenceNotProven(doubt=doubt[0], metres=None if doubt[1] is None else round(doubt[1]))
            kept = {"latitude": proof.latitude, "longitude": proof.longitude, "accuracy": proof.accuracy}
        case ManualProof():
            kept = {"reason": proof.reason}
    return orjson.dumps(kept | {"recorded_at": clock.now().isoformat()}).decode()


def _place(home: Any) -> Place | None:
    if home is None or home.latitude is None or home.longitude is None:
        return None
    return Place(home.latitude, home.longitude)


async def _account_for_tasks(session: AsyncSession, actor: Actor, visit: sa.Row[Any], reason: str | None) -> None:
    """Raise ``TasksOpen`` unless every task was ticked and every dose recorded.

    With a ``reason`` the tasks are left undone for it; the doses stay as they are: somebody may yet give them.
    """
    known = await repository.ticked(session, visit.id)
    open_tasks = [task.id for task in tasks_of_visit(visit.tasks) if task.id not in known]
    if reason is None:
        open_doses = await medicines.open_doses(session, actor, visit)
        if open_tasks or open_doses:
            raise TasksOpen(task_ids=list(map(str, open_tasks)), dose_ids=list(map(str, open_doses)))
        return
    rows = [
        {
            "visit_id": visit.id,
            "resident_id": visit.resident_id,
            "task_id": task_id,
            "is_done": False,
            "reason": seal(reason, TICK_REASON),
            "ticked_by": actor.id,
        }
        for task_id in open_tasks
    ]
    await repository.set_ticks(session, rows)
