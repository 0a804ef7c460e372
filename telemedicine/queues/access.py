"""Who may see a number: whose it is, whom they let, and the clinic that calls it."""

import uuid
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.access import Actor
from telemedicine.appointments.access import Subject, find, guard_over, one_of
from telemedicine.queues.models import TICKETS

_TICKET: Final = one_of(TICKETS)
ticket_guard: Final = guard_over(_TICKET, "queue_ticket_id")
clinics_ticket_guard: Final = guard_over(_TICKET, "queue_ticket_id", of_clinic=True)
"""As ``ticket_guard``, and 403 for whoever does not work at the clinic."""


async def require_ticket(connection: AsyncConnection, actor: Actor, ticket_id: uuid.UUID) -> Subject:
    """Return the number if the actor may see it; raises ``NotFound``."""
    return await find(connection, actor, _TICKET, ticket_id)
