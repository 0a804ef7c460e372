"""Who sees what was issued: to whom it was, whom they let see their bills, who issued it, and the operator."""

from typing import Annotated, Final

from fastapi import Depends, Request

from app.core.problems import Forbidden
from app.identity.api import Member, ResidentSubject, member_guard, resident_guard

READ: Final = "bills:read"
_of_resident: Final = resident_guard(READ)


async def reader_guard(request: Request) -> ResidentSubject:
    """Return whose invoices they are to themselves and whom they let; 403 for staff, who see them at their desk."""
    subject = await _of_resident(request)
    if subject.relation == "staff":
        raise Forbidden("an organization sees what it issued at its desk")
    return subject


reader_guard.scope = READ  # type: ignore[attr-defined]  # read by the access matrix test
Reader = Annotated[ResidentSubject, Depends(reader_guard)]
Desk = Annotated[Member, Depends(member_guard("coordinator", "operator"))]
"""The desk of the organization of the path, and the operator, who oversees it."""
