"""The SQL that writes bills and what insurers are asked: locks, prices of a day, what visit is billed."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.core.problems import NotFound
from app.core.sealing import unseal
from telemedicine.appointments.models import APPOINTMENTS
from telemedicine.consultations.models import CONSULTATIONS
from telemedicine.records.models import CONTENT, RECORDS, VERSIONS
from telemedicine.records.schemas.administrative import CoverageContent
from telemedicine.referrals.models import REFERRALS
from telemedicine.settlement.models import ITEMS, Bill, BillingTerms, BillLine, ChargeItem, InsurerRequest
from telemedicine.settlement.rules.states import OPEN_REQUESTS

_INSTANT: Final = sa.DateTime(timezone=True)
_ONE_AT_A_TIME: Final = sa.select(
    sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(sa.bindparam("what", type_=sa.Text), 0))
)
_origin: Final = sa.bindparam("origin_id", type_=sa.Uuid)
_a, _c, _r = APPOINTMENTS.c, CONSULTATIONS.c, RECORDS.c
_held: Final = sa.and_(_c.state == "ended", _c.started_at.is_not(None))
_ORIGINS: Final[dict[str, sa.Select[Any]]] = {
    "appointment": sa.select(
        _a.id, _a.organization_id, _a.resident_id, _a.starts_at.label("served_at"), _a.visit_type_id
    ).where(_a.id == _origin, _a.status == "fulfilled"),
    "consultation": sa.select(
        _c.id,
        _c.organization_id,
        _c.resident_id,
        _c.started_at.label("served_at"),
        _a.visit_type_id,
        _c.appointment_id,
    )
    .outerjoin_from(CONSULTATIONS, APPOINTMENTS, _a.id == _c.appointment_id)
    .where(_c.id == _origin, _held),
    "encounter": sa.select(
        _r.id,
        _r.organization_id,
        _r.resident_id,
        _r.effective_at.label("served_at"),
        sa.null().label("visit_type_id"),
    ).where(
        _r.id == _origin,
        _r.kind == "encounter",
        _r.status == "finished",
        _r.source == "clinic",
        # What happened here is billed as what it was.
        _r.origin_id.is_(None),
    ),
}
_REFERRED: Final = sa.select(REFERRALS.c.id).where(
    REFERRALS.c.id == sa.bindparam("referral_id", type_=sa.Uuid),
    REFERRALS.c.resident_id == sa.bindparam("resident_id", type_=sa.Uuid),
    REFERRALS.c.to_organization_id == sa.bindparam("organization_id", type_=sa.Uuid),
    # What the clinic took up; whatever is asked, declined or called off brought nobody there.
    REFERRALS.c.state.in_(("accepted", "booked", "seen", "completed")),
)
_at: Final = sa.bindparam("at", type_=_INSTANT)
_IN_FORCE: Final = sa.select(ITEMS).where(
    ITEMS.c.organization_id == sa.bindparam("organization_id", type_=sa.Uuid),
    ITEMS.c.valid_from <= _at,
    sa.or_(ITEMS.c.valid_until.is_(None), ITEMS.c.valid_until > _at),
    sa.or_(
        ITEMS.c.code == sa.any_(sa.bindparam("codes", type_=ARRAY(sa.Text))),
        ITEMS.c.visit_type_id == sa.bindparam("visit_type_id", type_=sa.Uuid),
    ),
)
_COVERAGES: Final = (
    sa.select(_r.id, VERSIONS.c.content)
    .join(VERSIONS, sa.and_(VERSIONS.c.record_id == _r.id, VERSIONS.c.number == _r.number))
    .where(_r.resident_id == sa.bindparam("resident_id", type_=sa.Uuid), _r.kind == "coverage", _r.status == "active")
    .order_by(_r.id)
)


@dataclass(frozen=True, slots=True)
class Visit:
    """What took place at a clinic and can be billed."""

    kind: str
    id: uuid.UUID
    organization_id: uuid.UUID
    resident_id: uuid.UUID
    served_at: datetime
    visit_type_id: uuid.UUID | None


async def one_at_a_time(session: AsyncSession, what: str) -> None:
    """Let nobody else do this until the transaction ends: who comes second sees what the first did."""
    await session.execute(_ONE_AT_A_TIME, {"what": what})


async def visit(session: AsyncSession, kind: str, origin_id: uuid.UUID) -> Visit | None:
    """Return what took place, if it did; a video visit that was booked is its appointment."""
    row = (await session.execute(_ORIGINS[kind], {"origin_id": origin_id})).one_or_none()
    if row is None or row.served_at is None:
        return None
    booked = getattr(row, "appointment_id", None)
    return Visit(
        "appointment" if booked else kind,
        booked or row.id,
        row.organization_id,
        row.resident_id,
        row.served_at,
        row.visit_type_id,
    )


async def terms_of(session: AsyncSession, organization_id: uuid.UUID) -> BillingTerms | None:
    """Return a clinic's terms."""
    found: BillingTerms | None = await session.scalar(
        sa.select(BillingTerms).where(col(BillingTerms.organization_id) == organization_id)
    )
    return found


async def last_price(session: AsyncSession, organization_id: uuid.UUID, code: str) -> ChargeItem | None:
    """Return the price of a code that begins last; nobody else sets one until the transaction ends."""
    await one_at_a_time(session, f"telemedicine_charge_item:{organization_id}:{code}")
    found: ChargeItem | None = await session.scalar(
        sa.select(ChargeItem)
        .where(col(ChargeItem.organization_id) == organization_id, col(ChargeItem.code) == code)
        .order_by(col(ChargeItem.valid_from).desc())
        .limit(1)
    )
    return found


async def prices(
    session: AsyncSession,
    organization_id: uuid.UUID,
    at: datetime,
    codes: Collection[str],
    visit_type_id: uuid.UUID | None,
) -> Sequence[Any]:
    """Return the prices in force at an instant: of ``codes``, and those that go with a type of visit."""
    binds = {"organization_id": organization_id, "at": at, "codes": sorted(codes), "visit_type_id": visit_type_id}
    return (await session.execute(_IN_FORCE, binds)).all()


async def coverages(session: AsyncSession, resident_id: uuid.UUID) -> dict[uuid.UUID, CoverageContent]:
    """Return the insurances in a resident's record, by record."""
    rows = await session.execute(_COVERAGES, {"resident_id": resident_id})
    return {row.id: CoverageContent.model_validate_json(unseal(row.content, CONTENT)) for row in rows}


async def is_referred(session: AsyncSession, bill: Bill, referral_id: uuid.UUID) -> bool:
    """Say whether a referral brought the resident of a bill to its clinic."""
    binds = {"referral_id": referral_id, "resident_id": bill.resident_id, "organization_id": bill.organization_id}
    return await session.scalar(_REFERRED, binds) is not None


async def lock(session: AsyncSession, bill_id: uuid.UUID, organization_id: uuid.UUID | None = None) -> Bill:
    """Return a bill, locked; raises ``NotFound`` for none, and for another clinic's."""
    row = await session.get(Bill, bill_id, with_for_update=True, populate_existing=True)
    if row is None or organization_id not in (None, row.organization_id):
        raise NotFound
    return row


async def lines_of(session: AsyncSession, bill_id: uuid.UUID) -> list[BillLine]:
    """Return a bill's lines, in order."""
    found = sa.select(BillLine).where(col(BillLine.bill_id) == bill_id).order_by(col(BillLine.sequence))
    return list(await session.scalars(found))


async def open_requests(session: AsyncSession, bill_id: uuid.UUID) -> list[InsurerRequest]:
    """Return what insurers are asked about a bill and have not answered, locked."""
    found = (
        sa.select(InsurerRequest)
        .where(col(InsurerRequest.bill_id) == bill_id, col(InsurerRequest.state).in_(OPEN_REQUESTS))
        .order_by(col(InsurerRequest.id))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return list(await session.scalars(found))


async def last_claim(session: AsyncSession, bill_id: uuid.UUID) -> InsurerRequest | None:
    """Return the last claim of a bill that an insurer decided."""
    found: InsurerRequest | None = await session.scalar(
        sa.select(InsurerRequest)
        .where(
            col(InsurerRequest.bill_id) == bill_id,
            col(InsurerRequest.kind) == "claim",
            col(InsurerRequest.state) == "complete",
        )
        .order_by(col(InsurerRequest.id).desc())
        .limit(1)
    )
    return found
