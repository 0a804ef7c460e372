"""Letting in: a ticket is used once; given back at the same moment, it is either used or gone."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from community.ticket_orders.repository import tickets


async def mark_admitted(session: AsyncSession, scans: Sequence[tuple[uuid.UUID, datetime]]) -> set[uuid.UUID]:
    """Have tickets admitted, each at its instant, in one statement; return which were valid until now.

    What is not in the answer was used before, given back, called off, or never sold: why, its row says. Who gives one
    back waits for this unit of work, and the other way round: exactly one of both happens.
    """
    return await tickets.admit(session, scans) if scans else set()
