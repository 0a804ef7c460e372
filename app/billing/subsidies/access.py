"""Who sees what a resident is entitled to: they themselves and whom they let see their bills."""

from typing import Annotated, Final

from fastapi import Depends, Request

from app.core.problems import Forbidden
from app.identity.api import ResidentSubject, resident_guard

READ: Final = "bills:read"
_of_resident: Final = resident_guard(READ)


async def reader_guard(request: Request) -> ResidentSubject:
    """Return whose bills they are to themselves and whom they let; 403 for staff, who see what is owed to them."""
    subject = await _of_resident(request)
    if subject.relation == "staff":
        raise Forbidden("an organization sees what is owed to it at its desk")
    return subject


reader_guard.scope = READ  # type: ignore[attr-defined]  # read by the access matrix test
Reader = Annotated[ResidentSubject, Depends(reader_guard)]
