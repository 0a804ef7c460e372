"""Ratings: given for work that is done, changed until they are looked at, answered once."""

import uuid
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.core import audit, clock
from app.core.access import Actor
from app.core.problems import FieldError, Forbidden, NotFound
from app.core.routing import check_version
from app.core.sealing import seal
from community.orders import repository as orders
from community.orders.access import Subject
from community.orders.models import Order
from community.orders.service.telling import tell, waiting
from community.ratings import notices, rules
from community.ratings.problems import NamesSomebody, NotRateable, RatingAnswered, RatingExists, RatingModerated
from community.ratings.schemas import RatingAnswer, RatingGive, RatingModerate
from community.scores.models import ANSWER, COMMENT, REASON, Rating


async def give(session: AsyncSession, actor: Actor, subject: Subject, data: RatingGive) -> Rating:
    """Rate an order that is done and return the rating.

    Raises ``Forbidden`` for others than the resident and whoever ordered for them, ``NotRateable``, ``RatingExists``.
    """
    order = await _rateable(session, actor, subject)
    known = await _of_order(session, order.id)
    if known is not None:
        raise RatingExists(rating_id=str(known.id))
    row = Rating(
        community_id=order.community_id,
        resident_id=order.resident_id,
        order_id=order.id,
        organization_id=order.organization_id,
        worker_id=order.worker_id,
        rated_by=actor.id,
        **_said(data),
    )
    session.add(row)
    await session.flush()
    await _record(session, actor, "rating:give", row)
    return row


async def change(
    session: AsyncSession, actor: Actor, subject: Subject, data: RatingGive, if_match: int | None
) -> Rating:
    """Change what was given, until it is looked at.

    Raises ``NotFound``, ``StaleVersion``, ``RatingModerated`` and what ``give`` raises.
    """
    order = await _theirs(session, actor, subject)
    row = await _of_order(session, order.id)
    if row is None:
        raise NotFound
    check_version(row, if_match)
    _require_rateable(order)
    if row.state != "pending":
        raise RatingModerated
    for name, value in _said(data).items():
        setattr(row, name, value)
    await session.flush()
    await _record(session, actor, "rating:change", row)
    return row


async def moderate(session: AsyncSession, actor: Actor, rating_id: uuid.UUID, data: RatingModerate) -> None:
    """Let others read a comment, or not: then whoever gave it hears that, and why.

    Raises ``NotFound``, ``RatingModerated``.
    """
    row = await _locked(session, rating_id)
    if row.community_id != actor.community_id or row.comment is None:
        raise NotFound
    if row.state != "pending":
        raise RatingModerated
    row.state = "approved" if data.is_approved else "rejected"
    row.moderated_by, row.moderated_at = actor.id, clock.now()
    row.reject_reason = seal(data.reason, REASON) if data.reason else None
    await session.flush()
    await _record(session, actor, f"rating:{row.state}", row)
    if row.state == "rejected":
        order = await session.get_one(Order, row.order_id)
        await tell(session, notices.REJECTED, order, await waiting(session, order), "rating_rejected")


async def answer(
    session: AsyncSession, actor: Actor, organization_id: uuid.UUID, rating_id: uuid.UUID, data: RatingAnswer
) -> None:
    """Answer an approved rating as its provider, once and for everybody to read.

    Raises ``NotFound``, ``RatingAnswered``, ``NamesSomebody``.
    """
    row = await _locked(session, rating_id)
    if row.organization_id != organization_id or row.state != "approved":
        raise NotFound
    if row.answer is not None:
        raise RatingAnswered
    if rules.looks_personal(data.text):
        raise NamesSomebody(errors=[FieldError("/body/text", "everybody can read it", "names_somebody")])
    row.answer, row.answered_by, row.answered_at = seal(data.text, ANSWER), actor.id, clock.now()
    await session.flush()
    await _record(session, actor, "rating:answer", row)
    order = await session.get_one(Order, row.order_id)
    await tell(session, notices.ANSWERED, order, await waiting(session, order), "rating_answered")


async def _rateable(session: AsyncSession, actor: Actor, subject: Subject) -> Order:
    """Return the order, locked, if the actor may rate it now: who rates it twice at once does so in turn."""
    row = await _theirs(session, actor, subject)
    _require_rateable(row)
    return row


async def _theirs(session: AsyncSession, actor: Actor, subject: Subject) -> Order:
    """Return the order, locked, if rating it is the actor's; nobody else learns whether it was rated."""
    row = await orders.locked(session, subject.id)
    if not subject.may_order or actor.id not in (row.account_id, row.ordered_by):
        raise Forbidden("only the resident and whoever ordered for them rate an order")
    return row


def _require_rateable(row: Order) -> None:
    if row.state not in ("finished", "closed") or not rules.may_be_rated(row.finished_at, clock.now()):
        raise NotRateable


def _said(data: RatingGive) -> dict[str, Any]:
    return {
        "stars": data.stars,
        "tags": list(dict.fromkeys(data.tags)),
        "comment": seal(data.comment, COMMENT) if data.comment else None,
        "is_flagged": data.comment is not None and rules.looks_personal(data.comment),
    }


async def _of_order(session: AsyncSession, order_id: uuid.UUID) -> Rating | None:
    found = sa.select(Rating).where(col(Rating.order_id) == order_id)
    return await session.scalar(found.with_for_update().execution_options(populate_existing=True))


async def _locked(session: AsyncSession, rating_id: uuid.UUID) -> Rating:
    row = await session.get(Rating, rating_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFound
    return row


async def _record(session: AsyncSession, actor: Actor, action: str, row: Rating) -> None:
    await audit.record(
        session, actor, action, resident_id=row.resident_id, object_id=row.id, community_id=row.community_id
    )
