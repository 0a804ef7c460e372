"""What a resident can pay with (at the door, at the desk, a card they saved), and how what they promised stands."""

import uuid
from collections.abc import Mapping
from typing import Any, Final

from app.portal.ground.asking import Refused
from app.portal.ground.visits import Visit

AT_THE_DESK: Final = "provider"
NOTHING: Final = "none"
_MOST: Final = 20


async def cards(visit: Visit) -> list[Any]:
    """Return the cards the resident saved and that can be used."""
    kept = await visit.api.pages("/v1/me/payment-methods", _MOST)
    return [one for one in kept if one["state"] == "active"]


async def promise_of(visit: Visit, reference_id: uuid.UUID | str) -> Mapping[str, Any] | None:
    """Return the money the visitor promised last for something, and how it stands; ``None``: somebody else pays."""
    found = (await visit.api.get("/v1/me/authorizations", reference_id=str(reference_id)))["items"]
    return found[0] if found else None


async def look_at_bank(visit: Visit, promise: Mapping[str, Any] | None) -> None:
    """Have the bank's answer fetched now, where it asks the visitor who they are: they may have said so."""
    if promise is None or promise["state"] != "requires_action" or visit.is_viewing_as:
        return
    try:
        await visit.api.post(f"/v1/me/authorizations/{promise['id']}/action")
    except Refused as refusal:
        # It has answered meanwhile, or is asked so often that it will be in a moment anyway.
        if refusal.status not in (409, 429):
            raise


def paid_by(chosen: str) -> dict[str, str]:
    """Return how it is paid, as the API is told: what a form's choice says (a card's id, or one of the other ways)."""
    try:
        return {"payment_method": "card", "payment_method_id": str(uuid.UUID(chosen))}
    except ValueError:
        return {"payment_method": chosen if chosen == NOTHING else AT_THE_DESK}
