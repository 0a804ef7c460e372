"""Hours: weekly ones in place of those there were, days off and extra hours, each told of."""

import uuid
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

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


async def keep_off(
    session: AsyncSession,
    row: Worker,
    absences: Mapping[uuid.UUID, tuple[datetime, datetime, uuid.UUID]],
    gone: Collection[uuid.UUID],
) -> None:
    """Let a locked worker be off while an agency says they cannot come: absence → since, until, on the wall, by whom.

    Each absence is one exception, by its id; those ``gone`` are taken back. It is told of where something changed.
    """
    ids = {uuid.uuid5(row.id, str(absence_id)): absence_id for absence_id in {*absences, *gone}}
    found = await session.scalars(sa.select(WorkerException).where(col(WorkerException.id).in_(list(ids))))
    kept = {one.id: one for one in found}
    is_changed = False
    for exception_id, absence_id in ids.items():
        exception = kept.get(exception_id)
        if absence_id in gone:
            if exception is not None:
                await session.delete(exception)
                is_changed = True
            continue
        since, until, said_by = absences[absence_id]
        if exception is None:
            session.add(
                WorkerException(
                    id=exception_id,
                    community_id=row.community_id,
                    worker_id=row.id,
                    account_id=row.account_id,
                    kind="off",
                    starts_local=since,
                    ends_local=until,
                    entered_by=said_by,
                )
            )
        elif (exception.starts_local, exception.ends_local) == (since, until):
            continue
        else:
            exception.starts_local, exception.ends_local = since, until
        is_changed = True
    if is_changed:
        await session.flush()
        await _tell(session, row)


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
