"""The SQL that reads visits: a resident's, an agency's day, and one with all there is to it."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import audit
from app.core.access import Actor
from app.core.paging import Page, PageRequest, after, decode_cursor, next_cursor
from app.core.problems import NotFound
from app.core.sealing import unseal
from app.identity.api import actor_binds, is_visible, people
from app.media.api import attached
from eldercare.visits.models import CANCEL_NOTE, CARERS, NOTE_TEXT, NOTES, TICK_REASON, TICKS, VISITS
from eldercare.visits.schemas.plans import ItemPublic
from eldercare.visits.schemas.tasks import tasks_of_visit
from eldercare.visits.schemas.visits import NotePublic, TaskPublic, VisitCarerPublic, VisitDetail, VisitPublic
from eldercare.visits.views.medicines import doses_of

PHOTOS: Final = "eldercare.visit"
"""The kind of thing a visit's photos are attached to."""
_KIND: Final = "eldercare.visits"
_DAY_KIND: Final = "eldercare.visits_of_day"
_LONGER_THAN_ANY: Final = timedelta(days=2)
"""No visit is as long: what began before that is over."""
_INSTANT = sa.DateTime(timezone=True)
_IDS = sa.bindparam("visit_ids", type_=ARRAY(sa.Uuid))
_LIMIT = sa.bindparam("limit", type_=sa.Integer)
_resident = sa.bindparam("resident_id", type_=sa.Uuid)
_since, _until = sa.bindparam("since", type_=_INSTANT), sa.bindparam("until", type_=_INSTANT)

_LIST = (
    sa.select(VISITS)
    .where(
        VISITS.c.resident_id == _resident,
        sa.or_(_since.is_(None), VISITS.c.starts_at >= _since),
        sa.or_(_until.is_(None), VISITS.c.starts_at < _until),
        after((VISITS.c.starts_at, VISITS.c.id), ("after_starts_at", "after_id"), descending=True),
    )
    .order_by(VISITS.c.starts_at.desc(), VISITS.c.id.desc())
    .limit(_LIMIT)
)
_ONE = sa.select(VISITS).where(
    VISITS.c.resident_id == _resident, VISITS.c.id == sa.bindparam("visit_id", type_=sa.Uuid)
)
_DAY = audit.traced_each(
    sa.select(VISITS)
    .where(
        VISITS.c.organization_id == sa.bindparam("organization_id", type_=sa.Uuid),
        # What began the night before goes on today; no visit is longer than the bound that keeps the index short.
        VISITS.c.starts_at > sa.bindparam("earliest", type_=_INSTANT),
        VISITS.c.ends_at > sa.bindparam("since", type_=_INSTANT),
        VISITS.c.starts_at < sa.bindparam("until", type_=_INSTANT),
        is_visible(VISITS.c.resident_id, "visits:read"),
        after((VISITS.c.starts_at, VISITS.c.id), ("after_starts_at", "after_id")),
    )
    .order_by(VISITS.c.starts_at, VISITS.c.id)
    .limit(_LIMIT),
    "visits:list_day",
)
_CARERS = (
    sa.select(CARERS)
    .where(CARERS.c.visit_id == sa.any_(_IDS), CARERS.c.state != sa.literal("removed", sa.Text))
    .order_by(CARERS.c.visit_id, CARERS.c.id)
)
_TICKS = sa.select(TICKS).where(TICKS.c.visit_id == sa.any_(_IDS))
_NOTES = sa.select(NOTES).where(NOTES.c.visit_id == sa.any_(_IDS)).order_by(NOTES.c.visit_id, NOTES.c.id)


async def list_visits(
    connection: AsyncConnection,
    resident_id: uuid.UUID,
    page: PageRequest,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Page[VisitPublic]:
    """Return a page of a resident's visits that begin in the stretch, the latest (and those ahead) first."""
    binds = {"resident_id": resident_id, "since": since, "until": until, **_paging(_KIND, page)}
    rows = list(await connection.execute(_LIST, binds))
    items = await shown(connection, rows[: page.limit])
    return Page(items=items, next=next_cursor(_KIND, rows, page.limit, ["starts_at", "id"]))


async def list_day(
    connection: AsyncConnection,
    actor: Actor,
    organization_id: uuid.UUID,
    span: tuple[datetime, datetime],
    page: PageRequest,
) -> Page[VisitPublic]:
    """Return a page of an agency's visits that lie in a stretch of time, in order, of residents the actor may see."""
    binds = {
        "organization_id": organization_id,
        **stretch(*span),
        **_paging(_DAY_KIND, page),
        **actor_binds(actor, "visits:read"),
        **audit.trace_each_binds(actor, shown=page.limit, object_id=organization_id),
    }
    rows = list(await connection.execute(_DAY, binds))
    items = await shown(connection, rows[: page.limit])
    return Page(items=items, next=next_cursor(_DAY_KIND, rows, page.limit, ["starts_at", "id"]))


async def visit(connection: AsyncConnection, actor: Actor, resident_id: uuid.UUID, visit_id: uuid.UUID) -> VisitDetail:
    """Return a resident's visit with its tasks, medicines, notes and photos; raises ``NotFound``."""
    row = (await connection.execute(_ONE, {"resident_id": resident_id, "visit_id": visit_id})).one_or_none()
    if row is None:
        raise NotFound
    (public,) = await shown(connection, [row])
    notes = [note_public(note) for note in await connection.execute(_NOTES, {"visit_ids": [visit_id]})]
    return VisitDetail(
        **public.model_dump(),
        skills=row.skills,
        tasks=(await tasks(connection, [row]))[visit_id],
        doses=await doses_of(connection, actor, row),
        notes=notes,
        photos=(await attached(connection, PHOTOS, [visit_id]))[visit_id],
        cancel_note=unseal(row.cancel_note, CANCEL_NOTE) if row.cancel_note else None,
    )


async def shown(connection: AsyncConnection, rows: Sequence[sa.Row[Any]]) -> list[VisitPublic]:
    """Return visits as lists show them, with who makes them."""
    carers = list(await connection.execute(_CARERS, {"visit_ids": [row.id for row in rows]}))
    names = await people(connection, {carer.account_id for carer in carers})
    to_be_replaced = {
        carer.visit_id
        for carer in carers
        if carer.unavailable_since is not None and carer.state in ("assigned", "en_route")
    }
    by_visit: dict[uuid.UUID, list[VisitCarerPublic]] = {row.id: [] for row in rows}
    for carer in carers:
        person = names.get(carer.account_id)
        by_visit[carer.visit_id].append(
            VisitCarerPublic.model_validate(
                {**carer._mapping, "name": person.name if person else "—"}  # noqa: SLF001 - a row's public view
            )
        )
    return [
        VisitPublic.model_validate(
            {
                **row._mapping,  # noqa: SLF001 - a row's public view
                "carers_needed": row.carers,
                "needs_replacement": row.id in to_be_replaced,
                "carers": by_visit[row.id],
            }
        )
        for row in rows
    ]


async def tasks(connection: AsyncConnection, rows: Iterable[sa.Row[Any]]) -> Mapping[uuid.UUID, list[TaskPublic]]:
    """Return what was to be done at each visit, and what became of it."""
    rows = list(rows)
    ticks = {
        (tick.visit_id, tick.task_id): tick
        for tick in await connection.execute(_TICKS, {"visit_ids": [row.id for row in rows]})
    }
    return {row.id: [_task(task, ticks.get((row.id, task.id))) for task in tasks_of_visit(row.tasks)] for row in rows}


def _task(task: ItemPublic, tick: sa.Row[Any] | None) -> TaskPublic:
    if tick is None:
        return TaskPublic(**task.model_dump(), is_done=None, reason=None, ticked_at=None, ticked_by=None)
    return TaskPublic(
        **task.model_dump(),
        is_done=tick.is_done,
        reason=unseal(tick.reason, TICK_REASON) if tick.reason else None,
        ticked_at=tick.ticked_at,
        ticked_by=tick.ticked_by,
    )


def note_public(row: Any) -> NotePublic:
    """Return a note (a row or a model) with its text unsealed."""
    return NotePublic(
        id=row.id,
        kind=row.kind,
        text=unseal(row.text, NOTE_TEXT),
        author_id=row.author_id,
        written_at=row.written_at,
    )


def stretch(since: datetime, until: datetime) -> dict[str, datetime]:
    """Return the binds that make statements speak of a stretch of time."""
    return {"earliest": since - _LONGER_THAN_ANY, "since": since, "until": until}


def _paging(kind: str, page: PageRequest) -> dict[str, Any]:
    starts_at, last_id = decode_cursor(kind, page.cursor) if page.cursor else (None, None)
    return {
        "limit": page.limit + 1,
        "after_starts_at": datetime.fromisoformat(starts_at) if starts_at else None,
        "after_id": uuid.UUID(last_id) if last_id else None,
    }
