"""What was said of orders of help at home, really committed."""

from datetime import timedelta
from typing import Any

from app.core import clock
from app.core.database import unit_of_work
from app.core.sealing import seal
from community.complaints.models import STATEMENT, Complaint
from community.orders.models import Order
from community.scores.models import COMMENT, Rating
from community.tips.models import Tip


async def rating(of: Order, **values: Any) -> Rating:
    """Insert what the resident gave for an order: four stars and a comment that is approved."""
    given: dict[str, Any] = {"state": "approved", "moderated_at": clock.now(), "stars": 4, "tags": ["friendly"]}
    row = Rating(
        community_id=of.community_id,
        resident_id=of.resident_id,
        order_id=of.id,
        organization_id=of.organization_id,
        rated_by=of.ordered_by,
        **given | {"worker_id": of.worker_id, "comment": seal("All well", COMMENT)} | values,
    )
    async with unit_of_work() as session:
        session.add(row)
    return row


async def complaint(of: Order) -> Complaint:
    """Insert a complaint about an order that the provider has yet to answer."""
    now = clock.now()
    row = Complaint(
        community_id=of.community_id,
        resident_id=of.resident_id,
        order_id=of.id,
        paid_order_id=of.id,
        organization_id=of.organization_id,
        opened_by=of.account_id,
        kind="late",
        severity="minor",
        wish="refund",
        statement=seal("An hour late", STATEMENT),
        answer_by=now + timedelta(days=3),
        evidence_by=now + timedelta(days=7),
        currency=of.currency,
    )
    async with unit_of_work() as session:
        session.add(row)
    return row


async def tip(of: Order) -> Tip:
    """Insert a tip that was given in cash."""
    row = Tip(
        community_id=of.community_id,
        resident_id=of.resident_id,
        order_id=of.id,
        organization_id=of.organization_id,
        given_by=of.account_id,
        amount=500,
        currency=of.currency,
        method="cash",
        state="paid",
    )
    async with unit_of_work() as session:
        session.add(row)
    return row
