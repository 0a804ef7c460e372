"""What is sold with tickets, and on which terms all of it is: what is given back, what may be changed."""

import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from starlette.responses import Response

from app.core.routing import route_options
from app.portal.attraction.days import ONE
from app.portal.attraction.knowing import PREFIX, Place, both, minor, place_of, plain, wrong_of
from app.portal.ground.asking import Refused
from app.portal.ground.changing import FINE, Wrong
from app.portal.ground.forms import Form, Posted
from app.portal.ground.moments import length
from app.portal.ground.pages import again
from app.portal.ground.routing import pages_router
from app.portal.ground.visits import Visitor

router = pages_router(PREFIX)

_ADDONS: Final = f"{ONE}/addons"
_TERMS: Final = f"{ONE}/terms"
_CURRENCY: Final = "CNY"
_MOST_STEPS: Final = 10
_NEW_STEPS: Final = 2


async def _addons(place: Place) -> list[Any]:
    return await place.pages("ticket-addons", 300)


@router.get(_ADDONS, include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_addons(visit: Visitor, organization_id: uuid.UUID, attraction_id: uuid.UUID) -> Response:
    """Show what is sold with tickets."""
    place = await place_of(visit, organization_id, attraction_id)
    return place.show("addons.html", "products", addons=await _addons(place))


def _blank() -> dict[str, Any]:
    return {
        "id": None,
        "code": "",
        "name": {},
        "price_amount": None,
        "currency": _CURRENCY,
        "tax_rate": 0,
        "stock": None,
        "max_per_order": 10,
        "is_active": True,
        "version": 0,
    }


def _page(place: Place, addon: Mapping[str, Any], wrong: Wrong = FINE, *, typed: str | None = None) -> Response:
    price = plain(addon["price_amount"], addon["currency"]) if typed is None else typed
    return place.show("addon.html", "products", status=wrong.status, wrong=wrong, addon=addon, price=price)


@router.get(f"{_ADDONS}/new", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_new_addon(visit: Visitor, organization_id: uuid.UUID, attraction_id: uuid.UUID) -> Response:
    """Show the form of something new that is sold with tickets."""
    place = await place_of(visit, organization_id, attraction_id)
    await _addons(place)  # who may not keep them is refused here, and not when the form is filled in
    return _page(place, _blank())


async def _addon(place: Place, addon_id: uuid.UUID) -> Any:
    found = next((one for one in await _addons(place) if one["id"] == str(addon_id)), None)
    if found is None:
        raise Refused(404, {"code": "not_found", "status": 404})
    return found


@router.get(f"{_ADDONS}/{{addon_id}}", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_addon(
    visit: Visitor, organization_id: uuid.UUID, attraction_id: uuid.UUID, addon_id: uuid.UUID
) -> Response:
    """Show something that is sold with tickets."""
    place = await place_of(visit, organization_id, attraction_id)
    return _page(place, await _addon(place, addon_id))


async def _keep(place: Place, form: Form, known: Mapping[str, Any]) -> Response:
    currency = known["currency"] if known["id"] else (form.text("currency", 3).upper() or _CURRENCY)
    typed, tax = form.text("price", 20), form.decimal("tax")
    price = minor(typed, currency) if currency.isalpha() and len(currency) == 3 else None
    body = {
        "name": both({"en": form.text("name_en", 200), "zh-CN": form.text("name_zh", 200)}),
        "price_amount": price,
        "currency": currency,
        "tax_rate": round(tax * 100) if tax is not None else known["tax_rate"],
        "stock": form.number("stock"),
        "max_per_order": form.number("max_per_order") or 10,
        "is_active": not form.flag("aside"),
    }
    reason = form.text("overbook_reason", 500)
    shown = {**known, **body, "code": form.text("code", 40) or known["code"], "reason": reason}
    if price is None:
        return _page(
            place, shown, Wrong(place.words["trouble_422"], {"price": place.words["wrong_amount"]}, 422), typed=typed
        )
    body["overbook_reason"] = reason or None
    try:
        if known["id"]:
            path, version = f"{place.of}/ticket-addons/{known['id']}", form.number("version")
            await place.visit.api.put(path, body, version=version)
        else:
            await place.visit.api.post(f"{place.api}/ticket-addons", body | {"code": shown["code"]}, key=form.key)
    except Refused as refused:
        return _page(place, shown, wrong_of(place.visit, refused), typed=typed)
    return again(f"{place.base}/addons", "addon_kept")


@router.post(f"{_ADDONS}/new", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def add_addon(visit: Visitor, form: Posted, organization_id: uuid.UUID, attraction_id: uuid.UUID) -> Response:
    """Sell something new with tickets."""
    place = await place_of(visit, organization_id, attraction_id)
    return await _keep(place, form, _blank())


@router.post(f"{_ADDONS}/{{addon_id}}", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def set_addon(
    visit: Visitor, form: Posted, organization_id: uuid.UUID, attraction_id: uuid.UUID, addon_id: uuid.UUID
) -> Response:
    """Say what an add-on is, costs, and how many there are from now on."""
    place = await place_of(visit, organization_id, attraction_id)
    return await _keep(place, form, await _addon(place, addon_id))


def _terms_page(place: Place, terms: Mapping[str, Any], wrong: Wrong = FINE) -> Response:
    steps = [*terms["refunds"], *({"notice_hours": None, "percent": None} for _ in range(_NEW_STEPS))]
    notice = terms["change_notice"]
    return place.show(
        "terms.html",
        "products",
        status=wrong.status,
        wrong=wrong,
        terms=terms,
        steps=steps[:_MOST_STEPS],
        notice=round(length(notice) / timedelta(minutes=1)) if isinstance(notice, str) else notice,
    )


@router.get(_TERMS, include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_terms(visit: Visitor, organization_id: uuid.UUID, attraction_id: uuid.UUID) -> Response:
    """Show what is given back, what may be changed, and how tickets are paid."""
    place = await place_of(visit, organization_id, attraction_id)
    return _terms_page(place, await place.get("ticket-terms"))


@router.post(_TERMS, include_in_schema=False)
@route_options(database=False, idempotency=False)
async def set_terms(visit: Visitor, form: Posted, organization_id: uuid.UUID, attraction_id: uuid.UUID) -> Response:
    """Say on which terms tickets are sold from now on; those that are sold keep theirs."""
    place = await place_of(visit, organization_id, attraction_id)
    steps = [
        {"notice_hours": form.number(f"notice-{number}"), "percent": form.number(f"percent-{number}")}
        for number in range(_MOST_STEPS)
        if form.text(f"notice-{number}", 6) or form.text(f"percent-{number}", 6)
    ]
    notice = form.number("change_notice")
    terms = {
        "refunds": steps,
        "may_change": form.flag("may_change"),
        "hold_minutes": form.number("hold_minutes"),
        "pays_at_desk": form.flag("pays_at_desk"),
    }
    try:
        await visit.api.put(f"{place.api}/ticket-terms", terms | {"change_notice": f"PT{notice or 0}M"})
    except Refused as refused:
        return _terms_page(place, terms | {"change_notice": notice}, wrong_of(visit, refused))
    return again(f"{place.base}/terms", "terms_kept")
