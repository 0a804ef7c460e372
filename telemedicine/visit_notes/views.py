"""The SQL that reads somebody's own draft."""

import uuid
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.sealing import unseal
from app.identity.api import trace_read
from telemedicine.records.access import RecordSubject
from telemedicine.visit_notes.models import CONTENT, NOTES
from telemedicine.visit_notes.schemas import VisitNoteContent, VisitNotePublic

_OWN = sa.select(NOTES.c.id, NOTES.c.content, NOTES.c.version, NOTES.c.updated_at).where(
    NOTES.c.resident_id == sa.bindparam("resident_id", type_=sa.Uuid),
    NOTES.c.organization_id == sa.bindparam("organization_id", type_=sa.Uuid),
    NOTES.c.author_id == sa.bindparam("author_id", type_=sa.Uuid),
)


async def own(connection: AsyncConnection, subject: RecordSubject, clinic: uuid.UUID) -> VisitNotePublic:
    """Return the actor's draft about the resident, an empty one where there is none; what is read is on record."""
    binds = {
        "resident_id": subject.resident.resident_id,
        "organization_id": clinic,
        "author_id": subject.actor.id,
    }
    row = (await connection.execute(_OWN, binds)).one_or_none()
    if row is not None:
        await trace_read(connection, subject.actor, subject.resident, "visit_note:read", row.id)
    return shown(clinic, row)


def shown(clinic: uuid.UUID, row: Any) -> VisitNotePublic:
    """Return a draft as its author sees it."""
    if row is None:
        return VisitNotePublic(organization_id=clinic, content=VisitNoteContent(), version=0, updated_at=None)
    content = VisitNoteContent.model_validate_json(unseal(row.content, CONTENT))
    return VisitNotePublic(organization_id=clinic, content=content, version=row.version, updated_at=row.updated_at)
