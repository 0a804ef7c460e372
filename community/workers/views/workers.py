"""The SQL that lists workers, what they can do and their exceptions, as their provider and they themselves see them."""

import uuid
from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock
from app.core.access import Actor
from app.core.paging import Page, PageRequest, after, decode_cursor, next_cursor
from app.core.sealing import unseal
from app.core.wall_time import zone
from app.identity.api import community, people
from app.media.api import attached
from community.workers.models import CERTIFICATE_NUMBER, EXCEPTIONS, PROOF, SKILLS, SUSPENSION_REASON, WORKERS
from community.workers.schemas import (
    WorkerExceptionPublic,
    WorkerHoursPublic,
    WorkerPublic,
    WorkerSkillDetail,
    WorkerSkillPublic,
    WorkerSuspensionPublic,
    hour_of,
)

_CURSOR: Final = "community.workers"
_EXCEPTIONS_CURSOR: Final = "community.worker_exceptions"
_WALL: Final = sa.DateTime(timezone=False)
_NOBODY: Final = "—"
_limit = sa.bindparam("limit", type_=sa.Integer)


def _workers(*conditions: sa.ColumnElement[bool]) -> sa.Select[Any]:
    return (
        sa.select(WORKERS)
        .where(after((WORKERS.c.id,), ("after_id",)), *conditions)
        .order_by(WORKERS.c.id)
        .limit(_limit)
    )


_OF_PROVIDER: Final = _workers(WORKERS.c.organization_id == sa.bindparam("organization_id", type_=sa.Uuid))
_OF_ACCOUNT: Final = _workers(WORKERS.c.account_id == sa.bindparam("account_id", type_=sa.Uuid))
_SKILLS: Final = (
    sa.select(SKILLS)
    .where(SKILLS.c.worker_id == sa.any_(sa.bindparam("worker_ids", type_=ARRAY(sa.Uuid))))
    .order_by(SKILLS.c.worker_id, SKILLS.c.code)
)
_EXCEPTIONS: Final = (
    sa.select(EXCEPTIONS)
    .where(
        EXCEPTIONS.c.worker_id == sa.bindparam("worker_id", type_=sa.Uuid),
        EXCEPTIONS.c.ends_local > sa.bindparam("since", type_=_WALL),
        after((EXCEPTIONS.c.id,), ("after_id",)),
    )
    .order_by(EXCEPTIONS.c.id)
    .limit(_limit)
)


async def workers(connection: AsyncConnection, organization_id: uuid.UUID, page: PageRequest) -> Page[WorkerPublic]:
    """Return a page of a provider's workers, longest with it first."""
    return await _page(connection, _OF_PROVIDER, {"organization_id": organization_id}, page)


async def own(connection: AsyncConnection, actor: Actor, page: PageRequest) -> Page[WorkerPublic]:
    """Return the actor as the worker they are, once for each provider."""
    return await _page(connection, _OF_ACCOUNT, {"account_id": actor.id}, page)


async def workers_public(connection: AsyncConnection, rows: Sequence[Any]) -> list[WorkerPublic]:
    """Return workers with what they can do; of certificates only until when they are good."""
    if not rows:
        return []
    time_zone = (await community(connection, rows[0].community_id)).time_zone
    names = await people(connection, {row.account_id for row in rows})
    can: defaultdict[uuid.UUID, list[WorkerSkillPublic]] = defaultdict(list)
    for skill in await connection.execute(_SKILLS, {"worker_ids": [row.id for row in rows]}):
        can[skill.worker_id].append(WorkerSkillPublic(**_known(skill)))
    same = WorkerPublic.model_fields.keys() - {"name", "suspension", "skills", "time_zone", "hours"}
    return [
        WorkerPublic(
            name=names[row.account_id].name if row.account_id in names else _NOBODY,
            suspension=_suspension(row),
            skills=can[row.id],
            time_zone=time_zone,
            hours=[
                WorkerHoursPublic(
                    weekday=one["weekday"],
                    starts=hour_of(one["starts"]),
                    ends=hour_of(one["ends"]),
                    pause=timedelta(minutes=one["pause"]),
                    on_holidays=one["on_holidays"],
                )
                for one in row.hours
            ],
            **{name: getattr(row, name) for name in same},
        )
        for row in rows
    ]


async def skills(connection: AsyncConnection, worker_id: uuid.UUID) -> list[WorkerSkillDetail]:
    """Return what a worker can do, with the certificates that show it."""
    rows = list(await connection.execute(_SKILLS, {"worker_ids": [worker_id]}))
    files = await attached(connection, PROOF, [row.id for row in rows])
    return [
        WorkerSkillDetail(
            certificate_number=unseal(row.certificate_number, CERTIFICATE_NUMBER) if row.certificate_number else None,
            proof=next((file for file in files[row.id] if file.id == row.proof_id), None),
            verified_at=row.verified_at,
            verified_by=row.verified_by,
            version=row.version,
            **_known(row),
        )
        for row in rows
    ]


async def exceptions(
    connection: AsyncConnection, worker_id: uuid.UUID, community_id: uuid.UUID, since: date | None, page: PageRequest
) -> Page[WorkerExceptionPublic]:
    """Return a page of a worker's exceptions that are not over when a local day begins, as they were entered.

    Without a day it is the community's today.
    """
    if since is None:
        since = clock.now().astimezone(zone((await community(connection, community_id)).time_zone)).date()
    last = uuid.UUID(decode_cursor(_EXCEPTIONS_CURSOR, page.cursor)[0]) if page.cursor else None
    binds = {
        "worker_id": worker_id,
        "since": datetime.combine(since, time()),
        "limit": page.limit + 1,
        "after_id": last,
    }
    rows = list(await connection.execute(_EXCEPTIONS, binds))
    items = [exception_public(row) for row in rows[: page.limit]]
    return Page(items=items, next=next_cursor(_EXCEPTIONS_CURSOR, rows, page.limit, ("id",)))


def exception_public(row: Any) -> WorkerExceptionPublic:
    """Return an exception as it is shown."""
    return WorkerExceptionPublic(
        id=row.id, kind=row.kind, starts=row.starts_local, ends=row.ends_local, entered_by=row.entered_by
    )


def _known(row: Any) -> dict[str, Any]:
    return {
        "code": row.code,
        "issued_on": row.issued_on,
        "expires_on": row.expires_on,
        "is_expired": row.expires_at is not None and row.expires_at <= clock.now(),
        "is_verified": row.verified_at is not None,
    }


def _suspension(row: Any) -> WorkerSuspensionPublic | None:
    if row.suspended_at is None:
        return None
    return WorkerSuspensionPublic(
        suspended_at=row.suspended_at,
        suspended_by=row.suspended_by,
        reason=unseal(row.suspension_reason, SUSPENSION_REASON),
        only_operator_lifts=row.only_operator_lifts,
    )


async def _page(
    connection: AsyncConnection, statement: sa.Select[Any], binds: dict[str, Any], page: PageRequest
) -> Page[WorkerPublic]:
    last = uuid.UUID(decode_cursor(_CURSOR, page.cursor)[0]) if page.cursor else None
    rows = list(await connection.execute(statement, binds | {"limit": page.limit + 1, "after_id": last}))
    items = await workers_public(connection, rows[: page.limit])
    return Page(items=items, next=next_cursor(_CURSOR, rows, page.limit, ("id",)))
