"""The SQL that writes referrals and questions: locks, deadlines, what goes with them, who is told."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlmodel import col

from app.core.problems import NotFound
from telemedicine.appointments.models import APPOINTMENTS
from telemedicine.clinics.models import CLINICS, PRACTITIONERS
from telemedicine.prescriptions.models import PRESCRIPTIONS
from telemedicine.records.models import RECORDS, VERSIONS
from telemedicine.records.rules import ENTERED_IN_ERROR
from telemedicine.referrals.models import ITEMS, REFERRALS, TERMS, Question, Referral, SharedItem
from telemedicine.referrals.rules.deadlines import WITHIN, Stage
from telemedicine.referrals.rules.states import OPEN, Urgency
from telemedicine.referrals.schemas.parts import RecordSelection

_ids = sa.bindparam("ids", type_=ARRAY(sa.Uuid))
_resident = sa.bindparam("resident_id", type_=sa.Uuid)
_TERM: Final = sa.select(TERMS.c.within).where(
    TERMS.c.organization_id == sa.bindparam("organization_id", type_=sa.Uuid),
    TERMS.c.stage == sa.bindparam("stage", type_=sa.Text),
    TERMS.c.urgency == sa.bindparam("urgency", type_=sa.Text),
)
_ASKED: Final = sa.select(REFERRALS.c.to_organization_id, REFERRALS.c.from_organization_id).where(
    REFERRALS.c.root_id == sa.bindparam("root_id", type_=sa.Uuid)
)
_CLINIC: Final = sa.select(CLINICS.c.id).where(
    CLINICS.c.organization_id == sa.bindparam("organization_id", type_=sa.Uuid),
    CLINICS.c.community_id == sa.bindparam("community_id", type_=sa.Uuid),
)
_PRACTITIONER: Final = sa.select(PRACTITIONERS.c.id).where(
    PRACTITIONERS.c.id == sa.bindparam("practitioner_id", type_=sa.Uuid),
    PRACTITIONERS.c.organization_id == sa.bindparam("organization_id", type_=sa.Uuid),
    PRACTITIONERS.c.is_active,
)
_ACCOUNT: Final = sa.select(PRACTITIONERS.c.account_id).where(
    PRACTITIONERS.c.id == sa.bindparam("practitioner_id", type_=sa.Uuid)
)
# With the clinic that answers for each: who gives care back shares what is their own, or was shared with them.
_RECORDS: Final = (
    sa.select(RECORDS.c.id, RECORDS.c.organization_id, VERSIONS.c.number)
    .join(VERSIONS, VERSIONS.c.record_id == RECORDS.c.id)
    .where(RECORDS.c.resident_id == _resident, RECORDS.c.id == sa.any_(_ids), RECORDS.c.status != ENTERED_IN_ERROR)
)
_NAMING: Final = sa.select(RECORDS.c.id).where(
    RECORDS.c.id == sa.any_(_ids), RECORDS.c.kind == sa.literal("coverage", sa.Text)
)
_PRESCRIPTIONS: Final = sa.select(PRESCRIPTIONS.c.id, PRESCRIPTIONS.c.organization_id).where(
    PRESCRIPTIONS.c.resident_id == _resident,
    PRESCRIPTIONS.c.id == sa.any_(_ids),
    PRESCRIPTIONS.c.signed_at.is_not(None),
)
_SHARED: Final = sa.select(ITEMS.c.kind, ITEMS.c.object_id, ITEMS.c.number).where(
    ITEMS.c.about_id == sa.bindparam("about_id", type_=sa.Uuid)
)
_PUBLISH: Final = (
    sa.update(ITEMS)
    .where(ITEMS.c.about_id == sa.bindparam("of_id", type_=sa.Uuid))
    .values(shared_at=sa.bindparam("now", type_=sa.DateTime(timezone=True)))
)
_UNSYNCHRONIZED: Final = {"synchronize_session": False}
_OF_APPOINTMENTS: Final = (
    sa.select(APPOINTMENTS.c.id, APPOINTMENTS.c.based_on_id, APPOINTMENTS.c.ends_at)
    .where(APPOINTMENTS.c.id == sa.any_(_ids), APPOINTMENTS.c.based_on_id.is_not(None))
    .order_by(APPOINTMENTS.c.based_on_id)
)


async def lock(session: AsyncSession, referral_id: uuid.UUID) -> Referral:
    """Return a referral, locked; raises ``NotFound``."""
    row = await session.get(Referral, referral_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFound
    return row


async def lock_question(session: AsyncSession, question_id: uuid.UUID) -> Question:
    """Return a question, locked; raises ``NotFound``."""
    row = await session.get(Question, question_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFound
    return row


async def locked(session: AsyncSession, ids: Collection[uuid.UUID]) -> Sequence[Referral]:
    """Return referrals, locked in one order."""
    statement = (
        sa.select(Referral)
        .where(col(Referral.id) == sa.any_(_ids))
        .order_by(col(Referral.id))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return (await session.scalars(statement, {"ids": list(ids)})).all()


async def open_of_resident(session: AsyncSession, resident_id: uuid.UUID) -> Sequence[Referral]:
    """Return what of a resident's referrals is not over, drafts among them, locked in one order."""
    statement = (
        sa.select(Referral)
        .where(col(Referral.resident_id) == resident_id, col(Referral.state).in_(("draft", *OPEN)))
        .order_by(col(Referral.id))
        .with_for_update()
    )
    return (await session.scalars(statement)).all()


async def open_questions_of(session: AsyncSession, resident_id: uuid.UUID) -> Sequence[Question]:
    """Return the questions about a resident that are not closed, locked in one order."""
    statement = (
        sa.select(Question)
        .where(col(Question.resident_id) == resident_id, col(Question.state) != "closed")
        .order_by(col(Question.id))
        .with_for_update()
    )
    return (await session.scalars(statement)).all()


async def based_on(session: AsyncSession, appointment_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Any]:
    """Return each appointment that was booked for a referral: ``based_on_id`` and when it ``ends_at``."""
    rows = await session.execute(_OF_APPOINTMENTS, {"ids": list(appointment_ids)})
    return {row.id: row for row in rows}


async def within(session: AsyncSession, organization_id: uuid.UUID, stage: Stage, urgency: Urgency) -> timedelta:
    """Return how long something may take at a clinic."""
    binds = {"organization_id": organization_id, "stage": stage, "urgency": urgency}
    found: timedelta | None = await session.scalar(_TERM, binds)
    return WITHIN[stage, urgency] if found is None else found


async def asked(session: AsyncSession, root_id: uuid.UUID) -> set[uuid.UUID]:
    """Return the clinics that have to do with referrals that follow on each other."""
    return {side for row in await session.execute(_ASKED, {"root_id": root_id}) for side in row}


async def is_clinic(connection: AsyncConnection, community_id: uuid.UUID, organization_id: uuid.UUID) -> bool:
    """Say whether it is a clinic of the community."""
    binds = {"organization_id": organization_id, "community_id": community_id}
    return await connection.scalar(_CLINIC, binds) is not None


async def is_practitioner(connection: AsyncConnection, organization_id: uuid.UUID, practitioner_id: uuid.UUID) -> bool:
    """Say whether somebody sees people for a clinic now."""
    binds = {"organization_id": organization_id, "practitioner_id": practitioner_id}
    return await connection.scalar(_PRACTITIONER, binds) is not None


async def account_of(connection: AsyncConnection, practitioner_id: uuid.UUID) -> uuid.UUID | None:
    """Return the account of a practitioner who has one."""
    found: uuid.UUID | None = await connection.scalar(_ACCOUNT, {"practitioner_id": practitioner_id})
    return found


async def there_is(
    connection: AsyncConnection, resident_id: uuid.UUID, selection: RecordSelection
) -> tuple[Mapping[tuple[uuid.UUID, int], uuid.UUID | None], Mapping[uuid.UUID, uuid.UUID]]:
    """Return which of the chosen versions of records and signed prescriptions there are, and whose they are."""
    records: dict[tuple[uuid.UUID, int], uuid.UUID | None] = {}
    prescriptions: dict[uuid.UUID, uuid.UUID] = {}
    if selection.health_records:
        binds = {"resident_id": resident_id, "ids": [one.id for one in selection.health_records]}
        for row in await connection.execute(_RECORDS, binds):
            records[row.id, row.number] = row.organization_id
    if selection.prescriptions:
        binds = {"resident_id": resident_id, "ids": selection.prescriptions}
        for signed in await connection.execute(_PRESCRIPTIONS, binds):
            prescriptions[signed.id] = signed.organization_id
    return records, prescriptions


async def naming(connection: AsyncConnection, record_ids: Sequence[uuid.UUID]) -> set[uuid.UUID]:
    """Return which records tell whose they are, whoever reads them."""
    return set(await connection.scalars(_NAMING, {"ids": list(record_ids)})) if record_ids else set()


async def share(
    session: AsyncSession, about: str, about_id: uuid.UUID, resident_id: uuid.UUID, selection: RecordSelection
) -> None:
    """Have what was chosen go with a referral or question, once that is sent (``publish``)."""
    chosen: list[tuple[str, uuid.UUID, int | None]] = [
        *(("health_record", one.id, one.version) for one in selection.health_records),
        *(("prescription", one, None) for one in selection.prescriptions),
    ]
    session.add_all(
        SharedItem(
            about_kind=about, about_id=about_id, resident_id=resident_id, kind=kind, object_id=object_id, number=number
        )
        for kind, object_id, number in chosen
    )
    await session.flush()


async def publish(session: AsyncSession, about_id: uuid.UUID, now: datetime) -> None:
    """Write down since when what goes with a referral or question is shown to others."""
    await session.flush()
    await session.execute(_PUBLISH, {"of_id": about_id, "now": now}, execution_options=_UNSYNCHRONIZED)


async def shared(connection: AsyncConnection, about_id: uuid.UUID) -> Sequence[Any]:
    """Return what goes with a referral or question: kind, id, version."""
    return (await connection.execute(_SHARED, {"about_id": about_id})).all()


async def set_terms(session: AsyncSession, organization_id: uuid.UUID, rows: Sequence[Mapping[str, Any]]) -> None:
    """Have a clinic's times be these."""
    await session.execute(sa.delete(TERMS).where(TERMS.c.organization_id == organization_id))
    if rows:
        await session.execute(sa.insert(TERMS), list(rows))
