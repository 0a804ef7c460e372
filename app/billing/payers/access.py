"""Who says who pays for a resident: they themselves, and whoever acts for them."""

from typing import Annotated, Final

from fastapi import Depends, Request

from app.core.problems import Forbidden
from app.identity.api import ResidentSubject, resident_guard

MANAGE: Final = "grants:manage"
_of_resident: Final = resident_guard(MANAGE)


async def keeper_guard(request: Request) -> ResidentSubject:
    """Return the resident to themselves and to whoever acts for them; 403 for staff."""
    subject = await _of_resident(request)
    if subject.relation == "staff":
        raise Forbidden("who pays is between the resident and the payer")
    return subject


keeper_guard.scope = MANAGE  # type: ignore[attr-defined]  # read by the access matrix test
Keeper = Annotated[ResidentSubject, Depends(keeper_guard)]
