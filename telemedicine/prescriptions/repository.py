"""The SQL that writes prescriptions: locks, licences, what a draft is checked against."""

import uuid
from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.core import clock
from app.core.problems import NotFound
from telemedicine.clinics.models import Practitioner
from telemedicine.prescriptions.models import PRESCRIPTIONS, Prescription, Renewal
from telemedicine.prescriptions.rules import MOST_IN_FORCE, TAKEN_FOR

_ONE_AT_A_TIME: Final = sa.select(
    sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(sa.bindparam("whose", type_=sa.Text), 0))
)
_IN_FORCE: Final = (
    sa.select(PRESCRIPTIONS.c.id, PRESCRIPTIONS.c.status, PRESCRIPTIONS.c.content)
    .where(
        PRESCRIPTIONS.c.resident_id == sa.bindparam("resident_id", type_=sa.Uuid),
        sa.or_(
            PRESCRIPTIONS.c.status == "active",
            sa.and_(
                PRESCRIPTIONS.c.status == "completed",
                PRESCRIPTIONS.c.ended_at >= sa.bindparam("since", type_=sa.DateTime(timezone=True)),
            ),
        ),
    )
    .order_by(PRESCRIPTIONS.c.id.desc())
    .limit(MOST_IN_FORCE)
)
_LICENCE: Final = sa.select(col(Practitioner.licence_number)).where(
    col(Practitioner.organization_id) == sa.bindparam("organization_id", type_=sa.Uuid),
    col(Practitioner.account_id) == sa.bindparam("account_id", type_=sa.Uuid),
    col(Practitioner.is_active),
    col(Practitioner.licence_ends_at) > sa.bindparam("now", type_=sa.DateTime(timezone=True)),
)


async def one_at_a_time(session: AsyncSession, resident_id: uuid.UUID) -> None:
    """Let nobody else sign for the resident until the transaction ends: of two of the same each sees the other."""
    await session.execute(_ONE_AT_A_TIME, {"whose": f"telemedicine_prescription:{resident_id}"})


async def lock(session: AsyncSession, resident_id: uuid.UUID, prescription_id: uuid.UUID) -> Prescription:
    """Return a prescription of a resident's, locked; raises ``NotFound``."""
    row = await session.get(Prescription, prescription_id, with_for_update=True, populate_existing=True)
    if row is None or row.resident_id != resident_id:
        raise NotFound
    return row


async def lock_renewal(session: AsyncSession, resident_id: uuid.UUID, renewal_id: uuid.UUID) -> Renewal:
    """Return a request of a resident's, locked; raises ``NotFound``."""
    row = await session.get(Renewal, renewal_id, with_for_update=True, populate_existing=True)
    if row is None or row.resident_id != resident_id:
        raise NotFound
    return row


async def in_force(session: AsyncSession, resident_id: uuid.UUID) -> Sequence[Any]:
    """Return what is prescribed, or was dispensed lately, at most ``MOST_IN_FORCE``: id and sealed content."""
    binds = {"resident_id": resident_id, "since": clock.now() - TAKEN_FOR}
    return (await session.execute(_IN_FORCE, binds)).all()


async def licence_of(session: AsyncSession, organization_id: uuid.UUID, account_id: uuid.UUID) -> str | None:
    """Return the number of the licence somebody practises with at a clinic today; ``None`` if there is none."""
    binds = {"organization_id": organization_id, "account_id": account_id, "now": clock.now()}
    found: str | None = await session.scalar(_LICENCE, binds)
    return found
