"""The SQL that reads complaints: one with all that was said, a provider's, and those that are to be decided."""

import uuid
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import audit
from app.core.access import Actor
from app.core.paging import Page, PageRequest, after, decode_cursor, next_cursor
from app.core.problems import NotFound
from app.core.sealing import unseal
from app.media.api import attached
from community.complaints.models import CHANGES, COMPLAINTS, STATEMENT, TEXT
from community.complaints.rules import FILES
from community.complaints.schemas import ComplaintDetail, ComplaintPublic, ComplaintStep
from community.orders.access import Subject

_KIND: Final = "community.complaints"
_c = COMPLAINTS.c
_limit = sa.bindparam("limit", type_=sa.Integer)
_ONE: Final = sa.select(COMPLAINTS).where(_c.order_id == sa.bindparam("order_id", type_=sa.Uuid))
_HISTORY: Final = (
    sa.select(CHANGES)
    .where(CHANGES.c.complaint_id == sa.bindparam("complaint_id", type_=sa.Uuid))
    .order_by(CHANGES.c.id)
)
_TO_DECIDE: Final = audit.traced_each(
    sa.select(COMPLAINTS)
    .where(
        _c.community_id == sa.bindparam("community_id", type_=sa.Uuid),
        _c.state.in_([sa.literal_column("'answered'"), sa.literal_column("'unanswered'")]),
        after((_c.id,), ("after_id",)),
    )
    .order_by(_c.id)
    .limit(_limit),
    "complaints:queue",
)
_OF_PROVIDER: Final = audit.traced_each(
    sa.select(COMPLAINTS)
    .where(
        _c.organization_id == sa.bindparam("organization_id", type_=sa.Uuid),
        after((_c.id,), ("after_id",), descending=True),
    )
    .order_by(_c.id.desc())
    .limit(_limit),
    "complaints:list",
)


async def shown(connection: AsyncConnection, actor: Actor, subject: Subject) -> ComplaintDetail:
    """Return the complaint of an order whose reader's rights were checked; it is on record. Raises ``NotFound``."""
    row = (await connection.execute(_ONE, {"order_id": subject.id})).one_or_none()
    if row is None:
        raise NotFound
    if actor.resident_id != subject.resident_id:
        await audit.record(
            connection,
            actor,
            "complaints:read",
            resident_id=subject.resident_id,
            object_id=row.id,
            community_id=subject.community_id,
        )
    return await _detail(connection, row)


async def after_change(connection: AsyncConnection, subject: Subject) -> ComplaintDetail:
    """Return a complaint as it stands after what somebody did with it, which is on record."""
    return await _detail(connection, (await connection.execute(_ONE, {"order_id": subject.id})).one())


async def to_decide(connection: AsyncConnection, actor: Actor, page: PageRequest) -> Page[ComplaintPublic]:
    """Return a page of what waits for the operator of the actor's community, the oldest first; it is on record."""
    return await _page(connection, actor, _TO_DECIDE, {"community_id": actor.community_id}, page)


async def of_provider(
    connection: AsyncConnection, actor: Actor, organization_id: uuid.UUID, page: PageRequest
) -> Page[ComplaintPublic]:
    """Return a page of the complaints about a provider, the latest first; it is on record."""
    return await _page(connection, actor, _OF_PROVIDER, {"organization_id": organization_id}, page)


async def _page(
    connection: AsyncConnection, actor: Actor, statement: sa.Select[Any], binds: dict[str, Any], page: PageRequest
) -> Page[ComplaintPublic]:
    (last_id,) = decode_cursor(_KIND, page.cursor) if page.cursor else (None,)
    paging = {"after_id": uuid.UUID(last_id) if last_id else None, "limit": page.limit + 1}
    binds = binds | paging | audit.trace_each_binds(actor, shown=page.limit)
    rows = (await connection.execute(statement, binds)).all()
    items = [ComplaintPublic(**_fields(row)) for row in rows[: page.limit]]
    return Page(items=items, next=next_cursor(_KIND, rows, page.limit, ("id",)))


def _fields(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in ComplaintPublic.model_fields}


async def _detail(connection: AsyncConnection, row: Any) -> ComplaintDetail:
    steps = (await connection.execute(_HISTORY, {"complaint_id": row.id})).all()
    return ComplaintDetail(
        **_fields(row),
        statement=_opened(row.statement, STATEMENT),
        files=(await attached(connection, FILES, [row.id]))[row.id],
        history=[
            ComplaintStep(
                at=step.created_at,
                transition=step.transition,
                state=step.to_state,
                who=step.who,
                changed_by=step.changed_by,
                text=_opened(step.text, TEXT),
                media_id=step.media_id,
            )
            for step in steps
        ],
    )


def _opened(value: str | None, context: str) -> str | None:
    return unseal(value, context) if value else None
