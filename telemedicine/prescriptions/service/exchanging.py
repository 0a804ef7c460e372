"""Prescriptions as clinics' systems and the policies ask for them: each function takes the actor and checks them."""

import uuid
from collections.abc import Collection

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core.access import Actor
from app.core.paging import Page, PageRequest
from app.core.problems import Forbidden, NotFound
from telemedicine.prescriptions import views
from telemedicine.prescriptions.access import require_prescriber
from telemedicine.prescriptions.rules import Status
from telemedicine.prescriptions.schemas import (
    PrescriptionDraft,
    PrescriptionPublic,
    PrescriptionQuery,
    PrescriptionSign,
)
from telemedicine.prescriptions.service import writing
from telemedicine.records.access import READ, RecordSubject, require_records


async def prescriptions_page(
    connection: AsyncConnection,
    actor: Actor,
    resident_id: uuid.UUID,
    page: PageRequest,
    status: Status | None = None,
) -> Page[PrescriptionPublic]:
    """Return a page of a resident's prescriptions, the last first; leaves a trace.

    Raises ``NotFound``, ``Forbidden`` without ``records:read``, ``NoTreatment`` for clinics that do not treat them.
    """
    subject = await require_records(connection, actor, resident_id, READ)
    return await views.prescriptions(connection, subject, status, page)


async def read_prescription(
    connection: AsyncConnection, actor: Actor, prescription_id: uuid.UUID
) -> PrescriptionPublic:
    """Return a prescription; leaves a trace. Raises as ``prescriptions_page``."""
    subject = await require_records(connection, actor, await _resident_of(connection, prescription_id), READ)
    return await views.prescription(connection, subject, prescription_id)


async def residents_of_prescriptions(
    connection: AsyncConnection, actor: Actor, ids: Collection[uuid.UUID]
) -> list[uuid.UUID]:
    """Return those whose prescriptions they are, of the residents whose health records the actor may see."""
    found = []
    for resident_id in await views.residents_of(connection, ids):
        try:
            await require_records(connection, actor, resident_id, READ)
        except (NotFound, Forbidden):
            continue
        found.append(resident_id)
    return found


async def find_prescriptions(
    connection: AsyncConnection, actor: Actor, resident_id: uuid.UUID, query: PrescriptionQuery, page: PageRequest
) -> Page[PrescriptionPublic]:
    """Return a page of those of a resident's prescriptions that are looked for, the last first; leaves a trace.

    Raises as ``prescriptions_page``.
    """
    subject = await require_records(connection, actor, resident_id, READ)
    return await views.found(connection, subject, query, page)


async def draft_prescription(
    session: AsyncSession, actor: Actor, resident_id: uuid.UUID, data: PrescriptionDraft
) -> PrescriptionPublic:
    """Draft a prescription and return it.

    Raises ``NotFound``, ``Forbidden`` without ``records:write``, ``NoTreatment``, ``ForPrescribers``, and what
    ``writing.draft`` raises.
    """
    connection = await session.connection()
    subject = await require_prescriber(connection, actor, resident_id)
    row = await writing.draft(session, subject, data)
    return await views.written(connection, subject, row.id)


async def redraft_prescription(
    session: AsyncSession, actor: Actor, prescription_id: uuid.UUID, data: PrescriptionDraft, version: int | None
) -> PrescriptionPublic:
    """Write a draft anew and return it; raises as ``draft_prescription``, and what ``writing.redraft`` raises."""
    subject = await _prescriber_of(session, actor, prescription_id)
    await writing.redraft(session, subject, prescription_id, data, version)
    return await views.written(await session.connection(), subject, prescription_id)


async def sign_prescription(
    session: AsyncSession, actor: Actor, prescription_id: uuid.UUID, version: int | None
) -> PrescriptionPublic:
    """Sign a draft the record does not warn of, and return it.

    Raises as ``draft_prescription``, and what ``writing.sign`` raises.
    """
    subject = await _prescriber_of(session, actor, prescription_id)
    await writing.sign(session, subject, prescription_id, PrescriptionSign(), version)
    return await views.written(await session.connection(), subject, prescription_id)


async def stop_prescription(
    session: AsyncSession, actor: Actor, prescription_id: uuid.UUID, reason: str, version: int | None
) -> PrescriptionPublic:
    """Stop a prescription, or cancel a draft, and return it.

    Raises as ``draft_prescription``, and what ``writing.end`` raises.
    """
    subject = await _prescriber_of(session, actor, prescription_id)
    await writing.end(session, subject, prescription_id, reason, version)
    return await views.written(await session.connection(), subject, prescription_id)


async def _prescriber_of(session: AsyncSession, actor: Actor, prescription_id: uuid.UUID) -> RecordSubject:
    connection = await session.connection()
    return await require_prescriber(connection, actor, await _resident_of(connection, prescription_id))


async def _resident_of(connection: AsyncConnection, prescription_id: uuid.UUID) -> uuid.UUID:
    for found in await views.residents_of(connection, [prescription_id]):
        return found
    raise NotFound
