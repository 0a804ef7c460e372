"""Hours: weekly ones in place of those there were, days off and extra hours, each told of."""

import uuid
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit
from app.core.access import Actor
from app.core.events import emit
from app.core.problems import FieldError, Malformed, NotFound
from app.core.routing import check_version
from community.events import WorkerHoursChanged
from community.workers import repository, rules
from community.workers.models import Worker, WorkerException
from community.workers.schemas import WorkerExceptionGive, WorkerHours, WorkerHoursWrite


async def set_hours(
    session: AsyncSession,
    actor: Actor,
    organization_id: uuid.UUID,
    worker_id: uuid.UUID,
    data: WorkerHoursWrite,
    if_match: int | None,
) -> Worker:
    """Set all weekly hours of a worker; raises ``NotFound``, ``StaleVersion``, ``Malformed`` for some that overlap."""
    row = await repository.locked(session, organization_id, worker_id)
    check_version(row, if_match)
    pairs = rules.overlapping([hours.hours() for hours in data.hours])
    if pairs:
        raise Malformed(
            errors=[
                FieldError(f"/body/hours/{other}", f"overlaps /body/hours/{one}", "hours_overlap")
                for one, other in pairs
            ]
        )
    row.hours = [_kept(hours) for hours in data.hours]
    await _tell(session, row)
    await audit.record(session, actor, "worker:set_hours", object_id=row.id)
    return row


async def add_exception(session: AsyncSession, actor: Actor, row: Worker, data: WorkerExceptionGive) -> WorkerException:
    """Let the hours of a locked worker be others for a while; what is theirs in it stays until somebody sees to it."""
    exception = WorkerException(
        community_id=row.community_id,
        worker_id=row.id,
        account_id=row.account_id,
        kind=data.kind,
        starts_local=data.starts,
        ends_local=data.ends,
        entered_by=actor.id,
    )
    session.add(exception)
    await _tell(session, row)
    await audit.record(session, actor, "worker_exception:add", object_id=exception.id)
    return exception


async def remove_exception(
    session: AsyncSession, actor: Actor, row: Worker, exception_id: uuid.UUID, *, own: bool = False
) -> None:
    """Let the hours of a locked worker be as usual again; raises ``NotFound``.

    Of their ``own`` a worker takes back what they entered: what the provider decided is the provider's.
    """
    exception = await session.get(WorkerException, exception_id, with_for_update=True)
    if exception is None or exception.worker_id != row.id or (own and exception.entered_by != actor.id):
        raise NotFound
    await session.delete(exception)
    await _tell(session, row)
    await audit.record(session, actor, "worker_exception:remove", object_id=exception_id)


def _kept(hours: WorkerHours) -> dict[str, Any]:
    known = hours.hours()
    return {
        "weekday": known.weekday,
        "starts": known.starts,
        "ends": known.ends,
        "pause": int(known.pause.total_seconds()) // 60,
        "on_holidays": known.on_holidays,
    }


async def _tell(session: AsyncSession, row: Worker) -> None:
    await emit(
        session,
        WorkerHoursChanged(
            aggregate_id=row.id,
            community_id=row.community_id,
            organization_id=row.organization_id,
            account_id=row.account_id,
        ),
    )
