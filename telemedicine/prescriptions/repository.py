"""The SQL that writes prescriptions: locks, licences, what a draft is checked against."""

import uuid
from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.core import clock
from app.core.events import emit_many
from app.core.problems import NotFound
from telemedicine.clinics.models import Practitioner
from telemedicine.consultations.models import CONSULTATIONS
from telemedicine.events import PrescriptionEnded
from telemedicine.prescriptions.models import PRESCRIPTIONS, RENEWALS, Prescription, Renewal
from telemedicine.prescriptions.rules import ANSWERED_WITHIN, MOST_IN_FORCE, REMINDED_AGAIN, TAKEN_FOR, TO_CLINICIANS
from telemedicine.records.models import RECORDS

_ids = sa.bindparam("ids", type_=ARRAY(sa.Uuid))
_now = sa.bindparam("moment", type_=sa.DateTime(timezone=True))
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
_encounter = sa.bindparam("encounter_id", type_=sa.Uuid)
_ENCOUNTER: Final = sa.union(
    sa.select(CONSULTATIONS.c.id).where(
        CONSULTATIONS.c.id == _encounter, CONSULTATIONS.c.resident_id == sa.bindparam("resident_id", type_=sa.Uuid)
    ),
    sa.select(RECORDS.c.id).where(
        RECORDS.c.id == _encounter,
        RECORDS.c.kind == "encounter",
        RECORDS.c.resident_id == sa.bindparam("resident_id", type_=sa.Uuid),
    ),
)
_EXPIRE: Final = (
    sa.update(PRESCRIPTIONS)
    .where(PRESCRIPTIONS.c.id == sa.any_(_ids), PRESCRIPTIONS.c.status == sa.literal_column("'active'"))
    .values(status="completed", ended_at=_now, expires_at=None, updated_at=_now, version=PRESCRIPTIONS.c.version + 1)
    .returning(
        PRESCRIPTIONS.c.id.label("aggregate_id"),
        PRESCRIPTIONS.c.community_id,
        sa.func.jsonb_build_object(
            "resident_id",
            PRESCRIPTIONS.c.resident_id,
            "organization_id",
            PRESCRIPTIONS.c.organization_id,
            "status",
            "completed",
            type_=JSONB,
        ).label("payload"),
    )
)
_WAITING: Final = (
    sa.update(RENEWALS)
    .where(RENEWALS.c.id == sa.any_(_ids), RENEWALS.c.state == sa.literal_column("'requested'"))
    .values(
        step=RENEWALS.c.step + 1,
        next_step_at=_now
        + sa.case(
            (RENEWALS.c.step + 1 <= TO_CLINICIANS, sa.literal(ANSWERED_WITHIN, sa.Interval)),
            else_=sa.literal(REMINDED_AGAIN, sa.Interval),
        ),
        updated_at=_now,
        version=RENEWALS.c.version + 1,
    )
    .returning(*RENEWALS.c)
)
_HOLD: Final = (
    sa.select(PRESCRIPTIONS.c.id)
    .where(PRESCRIPTIONS.c.id == sa.bindparam("prescription_id", type_=sa.Uuid))
    .with_for_update(read=True)
)
_STOP_WAITING: Final = (
    sa.update(RENEWALS)
    .where(RENEWALS.c.id == sa.any_(_ids))
    .values(next_step_at=None, updated_at=_now, version=RENEWALS.c.version + 1)
)
_WAIT_AGAIN: Final = (
    sa.update(RENEWALS)
    .where(
        RENEWALS.c.resident_id == sa.any_(sa.bindparam("resident_ids", type_=ARRAY(sa.Uuid))),
        RENEWALS.c.state == sa.literal_column("'requested'"),
        RENEWALS.c.next_step_at.is_(None),
    )
    .values(next_step_at=_now, updated_at=_now, version=RENEWALS.c.version + 1)
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


async def is_encounter_of(session: AsyncSession, resident_id: uuid.UUID, encounter_id: uuid.UUID) -> bool:
    """Say whether there is such a video visit, or such an encounter in the health record, of the resident's."""
    binds = {"resident_id": resident_id, "encounter_id": encounter_id}
    return await session.scalar(_ENCOUNTER, binds) is not None


async def expire(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """Complete prescriptions that can be dispensed no more, and tell of it."""
    await emit_many(session, PrescriptionEnded, _EXPIRE, {"ids": list(ids), "moment": clock.now()})


async def escalate(session: AsyncSession, ids: Sequence[uuid.UUID]) -> Sequence[Any]:
    """Go on to the next step with requests that are not answered; return them as they are then."""
    return (await session.execute(_WAITING, {"ids": list(ids), "moment": clock.now()})).all()


async def stop_waiting(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """Let nobody hear of requests any more."""
    await session.execute(_STOP_WAITING, {"ids": list(ids), "moment": clock.now()})


async def wait_again(session: AsyncSession, resident_ids: Sequence[uuid.UUID]) -> None:
    """Let people hear of the requests for residents again who are here after all."""
    await session.execute(_WAIT_AGAIN, {"resident_ids": list(resident_ids), "moment": clock.now()})


async def hold(session: AsyncSession, prescription_id: uuid.UUID) -> None:
    """Let nobody end, replace or dispense a prescription until the transaction ends; raises ``NotFound``."""
    if await session.scalar(_HOLD, {"prescription_id": prescription_id}) is None:
        raise NotFound
