"""What an organization is to be paid at a cut-off: which charges, and what of each."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.billing.disputes.views import Frozen, frozen
from app.billing.gateways.choosing import chosen_gateway
from app.billing.payouts import repository, rules
from app.billing.payouts.models import PayoutTerms, Transfer
from app.billing.payouts.standings import standing
from app.core import clock
from app.identity.api import community

Drawn = dict[str, dict[uuid.UUID, int]]
"""By currency and charge, what is to be paid out of it; below zero: what was paid out too much."""


async def cut_off(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """Draw the transfers of the organizations whose cut-off has come, and set their next one.

    What comes to less than their minimum, or below zero, is carried over: nothing is written of it. Nobody is paid out
    whose account does not take anything.
    """
    gateway = chosen_gateway()
    found = await session.scalars(
        sa.select(PayoutTerms).where(col(PayoutTerms.id).in_(ids)).order_by(col(PayoutTerms.organization_id))
    )
    zones: dict[uuid.UUID, str] = {}
    for terms in found.all():
        if gateway is not None:
            await _draw(session, terms, gateway.name)
        if terms.community_id not in zones:
            zones[terms.community_id] = (await community(await session.connection(), terms.community_id)).time_zone
        zone = zones[terms.community_id]
        terms.cut_off_at = rules.next_cut_off(terms.cut_off_at, terms.cadence, terms.day, zone)  # type: ignore[arg-type] # the table holds no other
    await session.flush()


async def _draw(session: AsyncSession, terms: PayoutTerms, gateway: str) -> None:
    account = await repository.lock_account(session, terms.organization_id, gateway)
    if account is None or account.state != "enabled":
        return
    drawn = await draw(session, terms.organization_id, terms.cut_off_at, terms.hold_days)
    for currency, amounts in sorted(drawn.items()):
        amount = sum(amounts.values())
        if amount < terms.minimum_amount:
            continue
        transfer = Transfer(
            community_id=terms.community_id,
            organization_id=terms.organization_id,
            payout_account_id=account.id,
            cut_off_at=terms.cut_off_at,
            amount=amount,
            currency=currency,
            ask_at=clock.now(),
        )
        session.add(transfer)
        await session.flush()
        await repository.add_items(session, transfer.id, amounts)


async def draw(session: AsyncSession, organization_id: uuid.UUID, cut_off_at: datetime, hold_days: int) -> Drawn:
    """Return what an organization is to be paid out, its charges locked: nothing of it is frozen at this moment.

    Who freezes something locks its charge before: it is seen here, or comes after what is drawn here.
    """
    rows = {row.id: row for row in await repository.lock_unsettled(session, organization_id)}
    held = await frozen(await session.connection(), [organization_id])
    if settled := {one.charge_id for one in held if one.charge_id is not None} - rows.keys():
        rows |= {row.id: row for row in await repository.lock_named(session, organization_id, settled)}
    return drawn(rows.values(), held, cut_off_at - timedelta(days=hold_days))


def drawn(rows: Iterable[Any], held: Iterable[Frozen], paid_before: datetime) -> Drawn:
    """Return what of charges is to be paid out, by currency."""
    by_charge = {one.charge_id: one for one in held}
    found: Drawn = {}
    for row in rows:
        amount = rules.entitled(standing(row, by_charge), paid_before) - row.paid_out_amount
        if amount:
            found.setdefault(row.currency, {})[row.id] = amount
    return found
