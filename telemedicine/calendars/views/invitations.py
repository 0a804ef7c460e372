"""The SQL that reads appointments as mails carry them: as they stand when the mail leaves."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from email.utils import parseaddr
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.settings import settings
from notifications.api import Attachment, Message
from telemedicine.appointments.models import APPOINTMENTS
from telemedicine.calendars.rules.feeds import invitation

APPOINTMENT: Final = "appointment_id"
"""What of a notice's data says which appointment it is about."""
_NOBODY: Final = "nobody@hearthline.invalid"
_BY_ID = sa.select(APPOINTMENTS).where(APPOINTMENTS.c.id == sa.any_(sa.bindparam("ids", type_=ARRAY(sa.Uuid))))


async def appointments(connection: AsyncConnection, ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Any]:
    """Return appointments as they stand now."""
    return {row.id: row for row in await connection.execute(_BY_ID, {"ids": list(ids)})}


async def attachments(connection: AsyncConnection, mails: Sequence[Message]) -> Mapping[uuid.UUID, Attachment]:
    """Return what the mails of invitations carry for calendars; nothing of an appointment that is no more."""
    known = await appointments(connection, {uuid.UUID(mail.data[APPOINTMENT]) for mail in mails})
    organizer = parseaddr(settings().smtp.sender or "")[1] or _NOBODY
    found: dict[uuid.UUID, Attachment] = {}
    for mail in mails:
        row = known.get(uuid.UUID(mail.data[APPOINTMENT]))
        if row is not None and mail.address:
            method, text = invitation(row, mail.language, organizer=organizer, attendee=mail.address)
            found[mail.delivery_id] = Attachment("calendar", text, {"method": method})
    return found
