"""Taking a text message from a phone of the demo as the answer to a check-in."""

import uuid

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core.problems import NotFound
from app.identity import api as identity
from eldercare import api as eldercare
from notifications import api as notifications


async def phone_of(connection: AsyncConnection, message_id: uuid.UUID) -> notifications.OutboxPhone:
    """Return the phone a message went to; raises ``NotFound`` for one that went to none, or is unknown."""
    phone = await notifications.outbox_phone(connection, message_id)
    if phone is None:
        raise NotFound
    return phone


async def reply(session: AsyncSession, message_id: uuid.UUID, text: str) -> eldercare.Outcome:
    """Send ``text`` from the phone a message went to, and return what came of it.

    Raises ``NotFound``, and what ``answer_reply`` raises.
    """
    connection = await session.connection()
    phone = await phone_of(connection, message_id)
    accounts = await identity.find_accounts_by_phone(connection, phone.community_id, phone.number)
    return await eldercare.answer_reply(session, phone.community_id, accounts, text)
