"""Somebody is asked to pay for a resident, agrees or not, and either ends it at once."""

import uuid

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.billing.payers.models import Payer
from app.billing.payers.problems import AskedAlready, NotAsked
from app.billing.payers.schemas import PayerAnswer, PayerInvite
from app.core import audit, clock
from app.core.access import Actor
from app.core.problems import FieldError, Malformed, NotFound
from app.identity.api import ResidentSubject, accounts_in


async def invite(session: AsyncSession, actor: Actor, subject: ResidentSubject, data: PayerInvite) -> Payer:
    """Ask somebody to pay for a resident and return the row.

    Raises ``AskedAlready``, ``Malformed`` for somebody who is not here, or is the resident.
    """
    here = await accounts_in(await session.connection(), subject.community_id, [data.account_id])
    if not here or data.account_id == subject.account_id:
        error = FieldError("/body/account_id", "nobody else in the community", "unknown_account")
        raise Malformed(errors=[error])
    if (known := await session.scalar(_live(subject.resident_id, data.account_id))) is not None:
        raise AskedAlready(payer_id=str(known.id))
    row = Payer(
        community_id=subject.community_id,
        resident_id=subject.resident_id,
        account_id=data.account_id,
        month_limit=data.month_limit,
        invited_by=actor.id,
    )
    session.add(row)
    await _record(session, actor, "payer:invite", row)
    return row


async def answer(session: AsyncSession, actor: Actor, payer_id: uuid.UUID, data: PayerAnswer) -> Payer:
    """Agree to pay, or not, and return the row; raises ``NotFound``, ``NotAsked``."""
    row = await _own(session, actor, payer_id)
    if row.state != "offered":
        raise NotAsked(state=row.state)
    if data.accept:
        row.state, row.accepted_at = "accepted", clock.now()
        row.month_limit = data.month_limit or row.month_limit
    else:
        row.state, row.ended_at, row.ended_by = "declined", clock.now(), actor.id
    await _record(session, actor, "payer:answer", row)
    return row


async def end_by_resident(session: AsyncSession, actor: Actor, subject: ResidentSubject, payer_id: uuid.UUID) -> None:
    """End it at once for the resident; what is promised already stays promised. Raises ``NotFound``."""
    row = await session.get(Payer, payer_id, with_for_update=True, populate_existing=True)
    if row is None or row.resident_id != subject.resident_id:
        raise NotFound
    await _end(session, actor, row)


async def end_by_payer(session: AsyncSession, actor: Actor, payer_id: uuid.UUID) -> None:
    """End it at once for who pays; what is promised already stays promised. Raises ``NotFound``."""
    await _end(session, actor, await _own(session, actor, payer_id))


async def payer_of(session: AsyncSession, resident_id: uuid.UUID, account_id: uuid.UUID) -> Payer | None:
    """Return the agreement of somebody to pay for a resident, locked, or ``None``: what they promise waits in turn."""
    row = await session.scalar(_live(resident_id, account_id))
    return row if row is not None and row.state == "accepted" else None


async def _own(session: AsyncSession, actor: Actor, payer_id: uuid.UUID) -> Payer:
    row = await session.get(Payer, payer_id, with_for_update=True, populate_existing=True)
    if row is None or row.account_id != actor.id:
        raise NotFound
    return row


async def _end(session: AsyncSession, actor: Actor, row: Payer) -> None:
    if row.ended_at is not None:
        return
    row.state, row.ended_at, row.ended_by = "ended", clock.now(), actor.id
    await _record(session, actor, "payer:end", row)


def _live(resident_id: uuid.UUID, account_id: uuid.UUID) -> sa.Select[Payer]:
    found = sa.select(Payer).where(
        col(Payer.resident_id) == resident_id,
        col(Payer.account_id) == account_id,
        col(Payer.state).in_([sa.literal(state, sa.Text) for state in ("offered", "accepted")]),
    )
    return found.with_for_update().execution_options(populate_existing=True)


async def _record(session: AsyncSession, actor: Actor, action: str, row: Payer) -> None:
    await audit.record(
        session, actor, action, resident_id=row.resident_id, object_id=row.id, community_id=row.community_id
    )
    await session.flush()
