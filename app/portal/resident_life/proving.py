"""The way to one's bank and back, where it asks whether it is really oneself who pays (3-D Secure).

A card's bank asks on a page of its own: people are led there as by any link, and come back to a page here. What that
page's address says of how it went is the browser's word and is not believed: the bank's own is fetched, and shown as it
comes. A way back that is never gone (a tab that was closed) loses nothing: the worker and the bank's own messages find
out, and whoever opens the payment or the order again has it looked at once more.
"""

import uuid
from collections.abc import Mapping
from typing import Any, Final

from starlette.responses import RedirectResponse, Response

from app.core.problems import NotFound
from app.core.routing import route_options
from app.portal.ground.asking import Refused, unless_hidden
from app.portal.ground.forms import Posted
from app.portal.ground.routing import pages_router
from app.portal.ground.visits import Visit, Visitor
from app.portal.resident_life.paying import look_at_bank, promise_of
from app.portal.resident_life.residing import page

router = pages_router("/portal/payments")

_TWIN: Final = "local"
_BACK: Final = "back"
_PRIVATE: Final = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
_THINGS: Final = {
    "home_order": ("/v1/home-orders/{}", "/me/services/orders/{}"),
    "ticket_order": ("/v1/ticket-orders/{}", "/me/tickets"),
}
"""What is paid for, by its kind: where it is asked for, and the resident's own page of it."""
Json = Mapping[str, Any]


@router.get("/{reference_id}", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_payment(visit: Visitor, reference_id: uuid.UUID) -> Response:
    """Say how a payment stands; whoever comes from their bank has its answer fetched now."""
    if visit.request.url.query not in ("", _BACK):
        return _to(f"/portal/payments/{reference_id}?{_BACK}")
    promise = await _promise(visit, reference_id)
    await look_at_bank(visit, promise)
    shown = await _shown(visit, promise)
    return page(visit, "payment.html" if shown["is_own"] else "payment_of_other.html", **shown)


@router.get("/{reference_id}/part", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_payment_part(visit: Visitor, reference_id: uuid.UUID) -> Response:
    """Say how a payment stands alone, for a page that is open."""
    return page(visit, "payment_part.html", **await _shown(visit, await _promise(visit, reference_id)))


async def _promise(visit: Visit, reference_id: uuid.UUID) -> Json:
    promise = await promise_of(visit, reference_id)
    if promise is None:
        raise NotFound
    return promise


async def _shown(visit: Visit, promise: Json) -> dict[str, Any]:
    asked, shown_at = _THINGS.get(promise["reference_kind"], ("", ""))
    thing = await unless_hidden(visit.api.get(asked.format(promise["reference_id"]))) if asked else None
    is_theirs = is_own(thing, visit.actor.resident_id)
    return {
        "promise": promise,
        "standing": standing(promise["state"], thing["state"] if thing else None),
        "until": thing["hold_until"] if thing else None,
        "thing": shown_at.format(promise["reference_id"]) if is_theirs else "",
        "came_back": visit.request.url.query == _BACK,
        "is_own": is_theirs,
    }


def is_own(thing: Json | None, resident_id: uuid.UUID | None) -> bool:
    """Say whether what is paid for is the payer's own: whoever may see another resident's finds no page of it."""
    return thing is not None and resident_id is not None and thing["resident_id"] == str(resident_id)


def standing(money: str, thing: str | None) -> str:
    """Return how a payment stands in one word, by its money and what it is for (``None``: nobody here may see that).

    Money that is there books nothing by itself: that is said only of what is booked.
    """
    if money == "failed":
        return "failed"
    if money in ("voided", "lapsed") or thing in ("expired", "cancelled"):
        return "over"
    if money == "requires_action":
        return "asks"
    return "asking" if money == "pending" else "agreed" if thing == "held" else "paid"


@router.get("/{reference_id}/bank", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def go_to_bank(visit: Visitor, reference_id: uuid.UUID) -> Response:
    """Lead the payer to their bank's page; where it asks nothing any more, to how the payment stands."""
    promise = await _promise(visit, reference_id)
    action = await _action(visit, promise)
    here = f"/portal/payments/{reference_id}"
    if action is not None and action["gateway"] == _TWIN:
        return _to(f"{here}/made-up-bank")  # on whichever address this portal was opened
    return _to(str(action["redirect_url"]) if action and action["redirect_url"] else here)


async def _action(visit: Visit, promise: Json) -> Json | None:
    """Return what the bank asks the payer now, or ``None``."""
    try:
        found: Json = await visit.api.get(f"/v1/me/authorizations/{promise['id']}/action")
    except Refused as refusal:
        if refusal.code != "nothing_to_prove":
            raise
        return None
    return found


@router.get("/{reference_id}/made-up-bank", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_made_up_bank(visit: Visitor, reference_id: uuid.UUID) -> Response:
    """Ask as a bank does, where cards are made up: the local twin's page."""
    action = await _action(visit, await _promise(visit, reference_id))
    if action is None:
        return _to(f"/portal/payments/{reference_id}")
    if action["gateway"] != _TWIN:
        raise NotFound
    return page(visit, "made_up_bank.html", action=action, base=f"/portal/payments/{reference_id}")


@router.post("/{reference_id}/made-up-bank", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def answer_made_up_bank(visit: Visitor, form: Posted, reference_id: uuid.UUID) -> Response:
    """Say to the made-up bank whether it is really oneself, and be led back as banks lead back."""
    action = await _action(visit, await _promise(visit, reference_id))
    says_yes = form.text("says") == "yes"
    if action is not None and action["gateway"] == _TWIN:
        proof = {"client_secret": action["client_secret"], "succeeds": says_yes}
        await visit.api.post("/demo/card-proofs", proof)
    status = "succeeded" if says_yes else "failed"
    return _to(f"/portal/payments/{reference_id}?redirect_status={status}")


def _to(address: str) -> Response:
    return RedirectResponse(address, 303, headers=_PRIVATE)
