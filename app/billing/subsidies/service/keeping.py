"""The operator keeps programmes, says who is entitled, and records what programmes send."""

import uuid
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.billing.ledger.rules import Account, Move
from app.billing.ledger.service import Occasion, enter
from app.billing.subsidies.models import LEVEL, TRANSFER, Entitlement, Programme, ProgrammeSettlement, SubsidyUse
from app.billing.subsidies.problems import (
    BudgetCommitted,
    EntitledAlready,
    MoreThanOwed,
    ProgrammeClosed,
    TransferKnown,
)
from app.billing.subsidies.rules import month_of
from app.billing.subsidies.schemas import EntitlementCreate, ProgrammeCreate, ProgrammeWrite, SettlementRecord
from app.core import audit, clock
from app.core.access import Actor
from app.core.problems import FieldError, Malformed, NotFound
from app.core.routing import check_version
from app.core.sealing import blind_index, seal
from app.identity.api import PROFILE_READ, community, organizations_named, require_resident

_KEY: Final = "billing_programme_settlement"


async def add_programme(session: AsyncSession, actor: Actor, data: ProgrammeCreate) -> Programme:
    """Begin a programme and return it; raises ``Malformed`` for a sponsor that does not work in the community."""
    connection = await session.connection()
    if data.organization_id is not None and not await organizations_named(
        connection, actor.community_id, [data.organization_id]
    ):
        error = FieldError("/body/organization_id", "works nowhere in the community", "unknown_organization")
        raise Malformed(errors=[error])
    place = await community(connection, actor.community_id)
    row = Programme(
        community_id=actor.community_id,
        organization_id=data.organization_id,
        kind=data.kind,
        currency=place.currency,
        **_terms(data),
    )
    session.add(row)
    await audit.record(session, actor, "programme:add", object_id=row.id)
    await session.flush()
    return row


async def set_programme(
    session: AsyncSession, actor: Actor, programme_id: uuid.UUID, data: ProgrammeWrite, if_match: int | None
) -> Programme:
    """Set the terms of a programme for what is asked from now on, and return it.

    What it has promised it pays. Raises ``NotFound``, ``StaleVersion``, ``BudgetCommitted``.
    """
    row = await _locked(session, actor, programme_id)
    check_version(row, if_match)
    if data.budget_amount < row.committed_amount:
        raise BudgetCommitted(committed_amount=row.committed_amount)
    for name, value in _terms(data).items():
        setattr(row, name, value)
    await audit.record(session, actor, "programme:change", object_id=row.id)
    await session.flush()
    return row


async def entitle(session: AsyncSession, actor: Actor, programme_id: uuid.UUID, data: EntitlementCreate) -> Entitlement:
    """Entitle a resident to what a programme pays and return it.

    Raises ``NotFound``, ``ProgrammeClosed``, ``EntitledAlready``.
    """
    programme = await _locked(session, actor, programme_id)
    await require_resident(await session.connection(), actor, data.resident_id, PROFILE_READ)
    if not programme.is_active:
        raise ProgrammeClosed
    standing = sa.select(col(Entitlement.id)).where(
        col(Entitlement.programme_id) == programme_id,
        col(Entitlement.resident_id) == data.resident_id,
        col(Entitlement.revoked_at).is_(None),
    )
    if (known := await session.scalar(standing)) is not None:
        raise EntitledAlready(entitlement_id=str(known))
    row = Entitlement(
        community_id=actor.community_id,
        programme_id=programme_id,
        resident_id=data.resident_id,
        level=seal(data.level, LEVEL) if data.level else None,
        period=data.period,
        amount=data.amount,
        valid_from=data.valid_from,
        valid_until=data.valid_until,
        granted_by=actor.id,
    )
    session.add(row)
    await audit.record(session, actor, "entitlement:grant", resident_id=row.resident_id, object_id=row.id)
    await session.flush()
    return row


async def revoke(session: AsyncSession, actor: Actor, programme_id: uuid.UUID, entitlement_id: uuid.UUID) -> None:
    """End an entitlement at once; what was promised under it is paid. Raises ``NotFound``."""
    row = await session.get(Entitlement, entitlement_id, with_for_update=True, populate_existing=True)
    if row is None or row.programme_id != programme_id or row.community_id != actor.community_id:
        raise NotFound
    if row.revoked_at is not None:
        return
    row.revoked_at, row.revoked_by = clock.now(), actor.id
    await audit.record(session, actor, "entitlement:revoke", resident_id=row.resident_id, object_id=row.id)
    await session.flush()


async def settle(
    session: AsyncSession, actor: Actor, programme_id: uuid.UUID, data: SettlementRecord
) -> ProgrammeSettlement:
    """Record a transfer of the programme's for a month and return it.

    Raises ``NotFound``, ``TransferKnown``, ``MoreThanOwed``.
    """
    programme = await _locked(session, actor, programme_id)  # one transfer at a time
    month, key = month_of(data.month), blind_index(_KEY, data.reference.casefold())
    known = sa.select(col(ProgrammeSettlement.id)).where(
        col(ProgrammeSettlement.programme_id) == programme_id, col(ProgrammeSettlement.reference_key) == key
    )
    if (found := await session.scalar(known)) is not None:
        raise TransferKnown(settlement_id=str(found))
    owed = sa.select(sa.func.coalesce(sa.func.sum(col(SubsidyUse.amount)), 0)).where(
        col(SubsidyUse.programme_id) == programme_id,
        col(SubsidyUse.month) == month,
        col(SubsidyUse.state) == sa.literal_column("'used'"),
    )
    settled = sa.select(sa.func.coalesce(sa.func.sum(col(ProgrammeSettlement.amount)), 0)).where(
        col(ProgrammeSettlement.programme_id) == programme_id, col(ProgrammeSettlement.month) == month
    )
    left = int(await session.scalar(owed) or 0) - int(await session.scalar(settled) or 0)
    if data.amount > left:
        raise MoreThanOwed(open_amount=max(0, left))
    row = ProgrammeSettlement(
        community_id=programme.community_id,
        programme_id=programme_id,
        month=month,
        amount=data.amount,
        reference=seal(data.reference, TRANSFER),
        reference_key=key,
        recorded_by=actor.id,
    )
    session.add(row)
    await session.flush()
    occasion = Occasion(programme.community_id, "settlement", row.id, programme.currency)
    moves = [
        Move(Account("community", programme.community_id, "bank"), data.amount),
        Move(Account("programme", programme_id, "subsidy"), -data.amount),
    ]
    await enter(session, occasion, moves)
    await audit.record(session, actor, "programme:settle", object_id=row.id)
    return row


async def _locked(session: AsyncSession, actor: Actor, programme_id: uuid.UUID) -> Programme:
    row = await session.get(Programme, programme_id, with_for_update=True, populate_existing=True)
    if row is None or row.community_id != actor.community_id:
        raise NotFound
    return row


def _terms(data: ProgrammeWrite) -> dict[str, Any]:
    return {
        "name": dict(data.name),
        "categories": sorted(set(data.categories)),
        "rate": data.rate,
        "order_cap": data.order_cap,
        "month_cap": data.month_cap,
        "budget_amount": data.budget_amount,
        "valid_from": data.valid_from,
        "valid_until": data.valid_until,
        "is_active": data.is_active,
    }
