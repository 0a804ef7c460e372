"""The keys that verify tickets, over HTTP: for scanners of others, and for whoever replaces one."""

from typing import Annotated

from fastapi import Depends

from app.core import clock
from app.core.problems import Conflict, Forbidden, Unauthenticated, problem_responses
from app.core.routing import Reading, Router, Session
from app.identity.api import Member, Person, member_guard
from community.ticket_codes import service, views
from community.ticket_codes.problems import KeyNumbersUsedUp
from community.ticket_codes.schemas import TicketKeyChange, TicketKeysPublic

router = Router(tags=["tourism"])

Operator = Annotated[Member, Depends(member_guard("operator", organization_kind="operator"))]


@router.get("/ticket-keys", responses=problem_responses(Unauthenticated, Forbidden))
async def get_ticket_keys(connection: Reading, actor: Person) -> TicketKeysPublic:
    """Show the keys that verify the codes of one's community's tickets: the one that signs, and those before it whose
    tickets are not over yet.
    """
    return TicketKeysPublic(keys=await views.verifying_keys(connection, actor.community_id, clock.now()))


@router.post(
    "/ticket-keys",
    status_code=201,
    responses=problem_responses(Unauthenticated, Forbidden, Conflict, KeyNumbersUsedUp),
)
async def replace_ticket_key(session: Session, member: Operator, data: TicketKeyChange) -> TicketKeysPublic:
    """Let a new key sign from now on, and return those that verify. The one so far verifies until the last code it
    signed is over, unless it may be in wrong hands.
    """
    await service.rotate(session, member.actor, compromised=data.is_compromised)
    connection = await session.connection()
    return TicketKeysPublic(keys=await views.verifying_keys(connection, member.community_id, clock.now()))
