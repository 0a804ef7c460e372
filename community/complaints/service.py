"""Complaints: opened, answered or not, added to, and decided; meanwhile the money stays where it is."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.billing import api as billing
from app.core import audit, clock
from app.core.access import Actor
from app.core.problems import FieldError, Forbidden, Malformed, NotFound
from app.core.sealing import seal
from app.media.api import Purpose, attach
from community.complaints import notices, rules
from community.complaints.models import COMPLAINTS, STATEMENT, TEXT, Complaint, ComplaintChange
from community.complaints.problems import ComplaintExists, ComplaintNotOpen, EvidenceClosed, NothingToComplainOf
from community.complaints.rules import Party, Step
from community.complaints.schemas import (
    ComplaintAccept,
    ComplaintAnswer,
    ComplaintDecide,
    ComplaintEvidence,
    ComplaintOpen,
)
from community.orders import repository as orders
from community.orders.access import Subject
from community.orders.models import Order
from community.orders.rules import REFERENCE
from community.orders.service.changing import By
from community.orders.service.reworking import rework
from community.orders.service.telling import operator, provider, tell, waiting

_IDS = sa.bindparam("ids", type_=ARRAY(sa.Uuid))
_SOME = (
    sa.select(Complaint)
    .where(col(Complaint.id) == sa.any_(_IDS))
    .order_by(col(Complaint.id))
    .with_for_update()
    .execution_options(populate_existing=True)
)


async def open_one(session: AsyncSession, actor: Actor, subject: Subject, data: ComplaintOpen) -> None:
    """Complain of an order: its money is not paid out until that is decided, and the provider has to answer.

    Raises ``Forbidden`` for who may not order for the resident, ``NothingToComplainOf``, ``ComplaintExists``.
    """
    _require_orderer(subject)
    order, now = await orders.locked(session, subject.id), clock.now()
    owes = order.fee_amount > 0 or order.rework_of is not None
    if not rules.may_complain(order.state, order.finished_at or order.closed_at, now, owes=owes):
        raise NothingToComplainOf
    row = Complaint(
        community_id=order.community_id,
        resident_id=order.resident_id,
        order_id=order.id,
        paid_order_id=order.rework_of or order.id,
        organization_id=order.organization_id,
        opened_by=actor.id,
        kind=data.kind,
        severity=data.severity,
        wish=data.wish,
        statement=seal(data.statement, STATEMENT),
        answer_by=rules.deadlines("open", now).answer_by,
        evidence_by=now + rules.EVIDENCE,
        currency=order.currency,
    )
    values = {column.name: getattr(row, column.name) for column in COMPLAINTS.columns}
    inserted = insert(COMPLAINTS).values(values).on_conflict_do_nothing().returning(COMPLAINTS.c.id)
    if (await session.execute(inserted)).first() is None:
        raise ComplaintExists
    row = await _locked(session, order.id)
    charge = await _charge(session, row)
    if charge is not None and charge.amount > charge.credited_amount:
        await billing.freeze(session, REFERENCE, row.paid_order_id, charge.amount - charge.credited_amount)
    await _remember(session, row, "open", "resident", actor)
    until = row.answer_by or now
    await tell(session, notices.OPENED, order, await provider(session, order), "complaint_opened", until=until)


async def answer(session: AsyncSession, actor: Actor, subject: Subject, data: ComplaintAnswer) -> None:
    """Answer as the provider, which sees it otherwise: the operator decides. Raises ``ComplaintNotOpen``."""
    row = await _locked(session, subject.id)
    await _step(session, row, "answer", "provider", actor, text=data.statement)
    order = await session.get_one(Order, row.order_id)
    await tell(session, notices.ANSWERED, order, await waiting(session, order), "complaint_answered")
    await tell(session, notices.TO_DECIDE, order, await operator(session, order), "complaint_to_decide")


async def add(session: AsyncSession, actor: Actor, subject: Subject, data: ComplaintEvidence) -> None:
    """Add what a side says or has, while there is time and nothing is decided.

    Raises ``Forbidden``, ``ComplaintNotOpen``, ``EvidenceClosed`` and what ``attach`` raises.
    """
    party: Party = "provider" if "provider" in subject.sides else "resident"
    if party == "resident":
        _require_orderer(subject)
    row = await _locked(session, subject.id)
    if row.state in rules.OVER:
        raise ComplaintNotOpen(complaint_state=row.state)
    if clock.now() >= row.evidence_by:
        raise EvidenceClosed(evidence_by=row.evidence_by.isoformat())
    if data.upload_id is not None:
        await attach(
            session,
            actor,
            data.upload_id,
            purpose=Purpose.DOCUMENT,
            kind=rules.FILES,
            object_id=row.id,
            resident_id=row.resident_id,
        )
    await _remember(session, row, "evidence", party, actor, text=data.statement, media_id=data.upload_id)


async def accept(session: AsyncSession, actor: Actor, subject: Subject, data: ComplaintAccept) -> None:
    """Do what the resident wishes, as the provider.

    Raises ``ComplaintNotOpen``, ``Malformed`` where it is to be done anew and not said when, and what ``decide`` does.
    """
    row = await _locked(session, subject.id)
    if row.wish == "rework" and data.starts_at is None:
        raise Malformed(errors=[FieldError("/body/starts_at", "when it is done anew", "missing")])
    await _end(session, row, "accept", By("provider", actor), outcome=row.wish, starts_at=data.starts_at)


async def decide(session: AsyncSession, actor: Actor, subject: Subject, data: ComplaintDecide) -> None:
    """Decide as the operator, once the provider was heard or kept silent; of two who decide at once the first does.

    Raises ``ComplaintNotOpen``, ``NothingToRefund`` where nothing is left to be given back, and what ``rework`` raises.
    """
    row = await _locked(session, subject.id)
    if data.severity is not None and rules.may("decide", row.state, "operator"):
        row.severity = data.severity
    await _end(
        session,
        row,
        "decide",
        By("operator", actor),
        outcome=data.outcome,
        starts_at=data.starts_at,
        text=data.reason,
    )


async def withdraw(session: AsyncSession, actor: Actor, subject: Subject) -> None:
    """Take a complaint back as the resident; raises ``Forbidden``, ``ComplaintNotOpen``."""
    _require_orderer(subject)
    row = await _locked(session, subject.id)
    await _step(session, row, "withdraw", "resident", actor, closed_at=clock.now())
    await billing.unfreeze(session, REFERENCE, row.paid_order_id)
    order = await session.get_one(Order, row.order_id)
    await tell(session, notices.WITHDRAWN, order, await provider(session, order), "complaint_withdrawn")


async def silence(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """Bring before the operator what the provider has not answered."""
    for row in (await session.scalars(_SOME, {"ids": list(ids)})).all():
        await _step(session, row, "silence", "hearthline", None)
        order = await session.get_one(Order, row.order_id)
        told = [*await waiting(session, order), *await provider(session, order)]
        await tell(session, notices.UNANSWERED, order, told, "complaint_unanswered")
        await tell(session, notices.TO_DECIDE, order, await operator(session, order), "complaint_to_decide")


async def remind(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """Tell the operator, day by day, of what nobody has decided."""
    now = clock.now()
    for row in (await session.scalars(_SOME, {"ids": list(ids)})).all():
        order = await session.get_one(Order, row.order_id)
        occasion = f"complaint_to_decide:{row.decide_by}"
        await tell(session, notices.TO_DECIDE, order, await operator(session, order), occasion)
        row.decide_by = now + rules.DECIDE_AGAIN
    await session.flush()


async def _end(
    session: AsyncSession,
    row: Complaint,
    step: Step,
    by: By,
    *,
    outcome: str,
    starts_at: datetime | None,
    text: str | None = None,
) -> None:
    """Decide a locked complaint: give back, have it done anew, or neither; its money may be paid out again."""
    _require(row, step, by.who)  # type: ignore[arg-type]  # the provider or the operator
    given: dict[str, Any] = {"outcome": outcome, "decided_as": by.who, "closed_at": clock.now()}
    order = await orders.locked(session, row.order_id)
    if outcome == "refund":
        given["refund_amount"] = await _give_back(session, row, by)
    elif outcome == "rework" and starts_at is not None:
        if order.finished_at is None and order.rework_of is None:
            raise NothingToComplainOf("nothing was done that could be done anew")
        given["rework_id"] = (await rework(session, by, order, starts_at)).id
    await billing.unfreeze(session, REFERENCE, row.paid_order_id)
    await _step(session, row, step, by.who, by.actor, text=text, **given)  # type: ignore[arg-type]  # as above
    told = [*await waiting(session, order), *await provider(session, order)]
    await tell(session, notices.DECIDED, order, told, "complaint_decided")


async def _give_back(session: AsyncSession, row: Complaint, by: By) -> int:
    """Give back what the rule says, and return it; raises ``NothingToRefund``."""
    charge = await _charge(session, row)
    if charge is None:
        raise billing.NothingToRefund(refundable_amount=0)
    left = charge.amount - charge.credited_amount
    amount = rules.refund(row.kind, row.severity, charge.amount, left)  # type: ignore[arg-type]  # checked by the table
    if amount == 0:
        raise billing.NothingToRefund(refundable_amount=left)
    await billing.refund_charge(session, by.id or row.opened_by, REFERENCE, row.paid_order_id, amount, "complaint")
    return amount


async def _charge(session: AsyncSession, row: Complaint) -> billing.ChargeDetail | None:
    found = await billing.charges_for(await session.connection(), REFERENCE, [row.paid_order_id])
    return found.get(row.paid_order_id)


def _require_orderer(subject: Subject) -> None:
    if not subject.may_order:
        raise Forbidden("only the resident, and who orders for them, complain")


def _require(row: Complaint, step: Step, who: Party) -> None:
    if not rules.may(step, row.state, who):
        raise ComplaintNotOpen(complaint_state=row.state)


async def _locked(session: AsyncSession, order_id: uuid.UUID) -> Complaint:
    """Return the complaint of an order, locked; raises ``NotFound``."""
    found = sa.select(Complaint).where(col(Complaint.order_id) == order_id)
    row = await session.scalar(found.with_for_update().execution_options(populate_existing=True))
    if row is None:
        raise NotFound
    return row


async def _step(
    session: AsyncSession,
    row: Complaint,
    step: Step,
    who: Party,
    actor: Actor | None,
    *,
    text: str | None = None,
    **values: Any,
) -> None:
    """Change a locked complaint, with ``values`` of its columns, as the table has it; raises ``ComplaintNotOpen``."""
    _require(row, step, who)
    row.state = state = rules.WAYS[step].target
    for name, value in values.items():
        setattr(row, name, value)
    deadlines = rules.deadlines(state, clock.now())
    row.answer_by, row.decide_by = deadlines.answer_by, deadlines.decide_by
    await session.flush()
    await _remember(session, row, step, who, actor, text=text)


async def _remember(
    session: AsyncSession,
    row: Complaint,
    transition: str,
    who: Party,
    actor: Actor | None,
    *,
    text: str | None = None,
    media_id: uuid.UUID | None = None,
) -> None:
    session.add(
        ComplaintChange(
            complaint_id=row.id,
            resident_id=row.resident_id,
            transition=transition,
            to_state=row.state,
            who=who,
            changed_by=actor.id if actor else None,
            text=seal(text, TEXT) if text else None,
            media_id=media_id,
        )
    )
    await session.flush()
    if actor is not None:
        await audit.record(
            session,
            actor,
            f"complaint:{transition}",
            resident_id=row.resident_id,
            object_id=row.id,
            community_id=row.community_id,
        )
