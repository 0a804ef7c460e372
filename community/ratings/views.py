"""The SQL that reads ratings: for whoever gave one, for the operator who looks at them, and for everybody else."""

import uuid
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import audit
from app.core.access import Actor
from app.core.paging import Page, PageRequest, after, decode_cursor, next_cursor
from app.core.problems import NotFound
from app.core.sealing import unseal
from app.identity.api import community
from community.housekeeping.access import require_offer
from community.orders.access import Subject
from community.ratings.schemas import (
    MyRatings,
    RatingPublic,
    RatingShown,
    RatingsOf,
    RatingToModerate,
    WorkerScore,
)
from community.scores import views as scores
from community.scores.models import ANSWER, COMMENT, RATINGS, REASON
from community.workers.models import WORKERS

_SHOWN_KIND: Final = "community.ratings"
_QUEUE_KIND: Final = "community.ratings_to_moderate"
_r = RATINGS.c
_limit = sa.bindparam("limit", type_=sa.Integer)
_organization = sa.bindparam("organization_id", type_=sa.Uuid)

_ONE: Final = sa.select(RATINGS).where(_r.order_id == sa.bindparam("order_id", type_=sa.Uuid))
_QUEUE: Final = audit.traced_each(
    sa.select(RATINGS)
    .where(
        _r.community_id == sa.bindparam("community_id", type_=sa.Uuid),
        _r.state == sa.literal_column("'pending'"),
        _r.comment.is_not(None),
        after((_r.id,), ("after_id",)),
    )
    .order_by(_r.id)
    .limit(_limit),
    "ratings:queue",
)


def _approved(condition: sa.ColumnElement[bool]) -> sa.Select[Any]:
    return (
        sa.select(
            *(_r.id, _r.stars, _r.tags, _r.comment, _r.answer),
            sa.func.to_char(
                sa.func.timezone(sa.bindparam("time_zone", type_=sa.Text), _r.created_at),
                sa.literal_column("'YYYY-MM'"),
            ).label("month"),
        )
        .where(
            condition,
            _r.state == sa.literal_column("'approved'"),
            _r.comment.is_not(None),
            after((_r.id,), ("after_id",), descending=True),
        )
        .order_by(_r.id.desc())
        .limit(_limit)
    )


_OF_PROVIDER: Final = _approved(_r.organization_id == _organization)
_OF_WORKER: Final = _approved(_r.worker_id == sa.bindparam("worker_id", type_=sa.Uuid))
_WORKERS: Final = sa.select(WORKERS.c.account_id, WORKERS.c.display_name).where(
    WORKERS.c.organization_id == _organization
)


async def of_order(connection: AsyncConnection, actor: Actor, subject: Subject) -> RatingPublic:
    """Return what was given for an order whose reader's rights were checked; raises ``NotFound``."""
    if actor.resident_id != subject.resident_id:
        await audit.record(connection, actor, "ratings:read", resident_id=subject.resident_id, object_id=subject.id)
    row = (await connection.execute(_ONE, {"order_id": subject.id})).one_or_none()
    if row is None:
        raise NotFound
    return public(row)


async def to_moderate(connection: AsyncConnection, actor: Actor, page: PageRequest) -> Page[RatingToModerate]:
    """Return a page of the comments of the actor's community that wait, the oldest first; it is on record."""
    binds = {"community_id": actor.community_id, **_paging(_QUEUE_KIND, page)}
    rows = (await connection.execute(_QUEUE, binds | audit.trace_each_binds(actor, shown=page.limit))).all()
    items = [
        RatingToModerate(
            **{name: getattr(row, name) for name in RatingToModerate.model_fields.keys() - {"comment"}},
            comment=unseal(row.comment, COMMENT),
        )
        for row in rows[: page.limit]
    ]
    return Page(items=items, next=next_cursor(_QUEUE_KIND, rows, page.limit, ("id",)))


async def of_offer(
    connection: AsyncConnection, actor: Actor, offer_id: uuid.UUID, page: PageRequest
) -> Page[RatingShown]:
    """Return a page of what others say of the provider of an offer; raises ``NotFound``."""
    offer = await require_offer(connection, actor, offer_id)
    return await _shown(connection, actor.community_id, _OF_PROVIDER, {"organization_id": offer.organization_id}, page)


async def of_provider(
    connection: AsyncConnection, community_id: uuid.UUID, organization_id: uuid.UUID, page: PageRequest
) -> RatingsOf:
    """Return what a provider and its people were given, and a page of what is said of it."""
    binds = {"organization_id": organization_id}
    named = {row.account_id: row.display_name for row in await connection.execute(_WORKERS, binds)}
    workers = await scores.of_workers(connection, named, organization_id)
    shown = await _shown(connection, community_id, _OF_PROVIDER, binds, page)
    return RatingsOf(
        score=(await scores.of_providers(connection, [organization_id])).get(organization_id),
        workers=[WorkerScore(worker_id=one, worker=named[one], score=workers[one]) for one in sorted(workers)],
        items=shown.items,
        next=shown.next,
    )


async def of_worker(connection: AsyncConnection, actor: Actor, page: PageRequest) -> MyRatings:
    """Return what the actor was given, wherever they work, and a page of what is said of them."""
    shown = await _shown(connection, actor.community_id, _OF_WORKER, {"worker_id": actor.id}, page)
    score = (await scores.of_workers(connection, [actor.id])).get(actor.id)
    return MyRatings(score=score, items=shown.items, next=shown.next)


def public(row: Any) -> RatingPublic:
    """Return a rating as whoever gave it sees it."""
    sealed = {"comment": COMMENT, "reject_reason": REASON, "answer": ANSWER}
    plain: dict[str, Any] = {name: getattr(row, name) for name in RatingPublic.model_fields.keys() - sealed.keys()}
    return RatingPublic(**plain | {name: _opened(getattr(row, name), context) for name, context in sealed.items()})


async def _shown(
    connection: AsyncConnection,
    community_id: uuid.UUID,
    statement: sa.Select[Any],
    binds: dict[str, Any],
    page: PageRequest,
) -> Page[RatingShown]:
    place = await community(connection, community_id)
    rows = (
        await connection.execute(statement, binds | _paging(_SHOWN_KIND, page) | {"time_zone": place.time_zone})
    ).all()
    items = [
        RatingShown(
            id=row.id,
            stars=row.stars,
            tags=row.tags,
            comment=unseal(row.comment, COMMENT),
            month=row.month,
            answer=_opened(row.answer, ANSWER),
        )
        for row in rows[: page.limit]
    ]
    return Page(items=items, next=next_cursor(_SHOWN_KIND, rows, page.limit, ("id",)))


def _opened(value: str | None, context: str) -> str | None:
    return unseal(value, context) if value else None


def _paging(kind: str, page: PageRequest) -> dict[str, Any]:
    (last_id,) = decode_cursor(kind, page.cursor) if page.cursor else (None,)
    return {"after_id": uuid.UUID(last_id) if last_id else None, "limit": page.limit + 1}
