"""Who may do what at the office: workers sell and give back, coordinators allot and look over it, resellers sell on."""

from typing import Annotated, Final

from fastapi import Depends

from app.core.access import Actor
from app.core.problems import Forbidden
from app.identity.api import Member, member_guard
from community.ticket_office.models import OfficeShift

Seller = Annotated[Member, Depends(member_guard("coordinator", "operator", "worker"))]
"""Whoever sells for the organization of the path: at its own till, or as a reseller."""
Keeper = Annotated[Member, Depends(member_guard("coordinator", "operator"))]
"""Whoever answers for the organization of the path, or oversees it."""

_OVERSEES: Final = ("coordinator", "operator")


def oversees(member: Member) -> bool:
    """Say whether somebody sees the tills of others, too."""
    return member.role in _OVERSEES


def require_own(actor: Actor, shift: OfficeShift) -> None:
    """Raise ``Forbidden`` unless the till is the actor's: one person answers for one till."""
    if shift.account_id != actor.id:
        raise Forbidden("this is another person's till")
