"""What a resident can pay with: at the door or the desk, or with a card they saved."""

import uuid
from typing import Any, Final

from app.portal.ground.visits import Visit

AT_THE_DESK: Final = "provider"
NOTHING: Final = "none"
_MOST: Final = 20


async def cards(visit: Visit) -> list[Any]:
    """Return the cards the resident saved and that can be used."""
    kept = await visit.api.pages("/v1/me/payment-methods", _MOST)
    return [one for one in kept if one["state"] == "active"]


def paid_by(chosen: str) -> dict[str, str]:
    """Return how it is paid, as the API is told: what a form's choice says (a card's id, or one of the other ways)."""
    try:
        return {"payment_method": "card", "payment_method_id": str(uuid.UUID(chosen))}
    except ValueError:
        return {"payment_method": chosen if chosen == NOTHING else AT_THE_DESK}
