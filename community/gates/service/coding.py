"""The code of a ticket, for whoever is let in by it."""

import uuid

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock
from app.core.problems import NotFound
from community.gates.problems import TicketNotValid
from community.gates.schemas import TicketCodePublic
from community.ticket_codes.rules import Code
from community.ticket_codes.service import code_for
from community.ticket_orders.access import Subject
from community.ticket_orders.views.tickets import TicketAt, tickets_for


async def code_of(connection: AsyncConnection, subject: Subject, ticket_id: uuid.UUID) -> TicketCodePublic:
    """Return the code of a ticket; raises ``Forbidden`` for who may only see it, ``TicketNotValid``.

    Of one that was used it is shown only where it may be used again.
    """
    subject.acting()
    ticket = (await tickets_for(connection, [ticket_id])).get(ticket_id)
    if ticket is None:
        raise NotFound
    may_return = ticket.reentry == "same_day"
    if ticket.valid_until <= clock.now() or not (
        ticket.state == "valid" or (ticket.state == "admitted" and may_return)
    ):
        raise TicketNotValid
    return TicketCodePublic(
        ticket_id=ticket.id,
        text=await code_for(connection, ticket.community_id, coded(ticket)),
        valid_from=ticket.valid_from,
        valid_until=ticket.valid_until,
        persons=ticket.persons,
        revision=ticket.revision,
    )


def coded(ticket: TicketAt) -> Code:
    """Return what is said of a ticket by its code."""
    return Code(
        ticket_id=ticket.id,
        attraction_id=ticket.attraction_id,
        valid_from=ticket.valid_from,
        valid_until=ticket.valid_until,
        persons=ticket.persons,
        revision=ticket.revision,
        name_checked=ticket.is_named,
        entitlement_shown=ticket.needs_entitlement is not None,
        may_return=ticket.reentry == "same_day",
    )
