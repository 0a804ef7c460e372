"""Quotas: limits beside the slots' own, what is left of each, and what became of the rest."""

import asyncio
import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Final

from fastapi import Query as InQuery
from starlette.responses import Response

from app.core.routing import route_options
from app.portal.attraction.days import ONE
from app.portal.attraction.knowing import PREFIX, Place, both, place_of, wrong_of
from app.portal.ground.asking import Refused
from app.portal.ground.changing import FINE, Wrong
from app.portal.ground.forms import Form, Posted
from app.portal.ground.pages import address, again
from app.portal.ground.routing import pages_router
from app.portal.ground.visits import Visitor
from app.portal.ground.wording import worded

router = pages_router(PREFIX)

SCOPES: Final = ("slot", "day", "season")
_QUOTAS: Final = f"{ONE}/quotas"
_DAYS_SHOWN: Final[Mapping[str, int]] = {"slot": 1, "day": 14, "season": 1}
_MOST: Final = 300
Day = Annotated[str, InQuery(max_length=10)]


async def _named(place: Place) -> tuple[dict[str, str], dict[str, str]]:
    """Return the names of what is sold, and of the seasons, by id."""
    products, templates = await asyncio.gather(place.products(), place.pages("slot-templates", 300))
    names = {key: worded(one["name"], place.visit.language) for key, one in products.items()}
    return names, {one["id"]: one["name"] for one in templates}


@router.get(_QUOTAS, include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_quotas(visit: Visitor, organization_id: uuid.UUID, attraction_id: uuid.UUID) -> Response:
    """Show the limits beside the slots' own."""
    place = await place_of(visit, organization_id, attraction_id)
    return await _list(place)


async def _list(place: Place, wrong: Wrong = FINE, given: Mapping[str, Any] | None = None) -> Response:
    quotas, (products, seasons) = await asyncio.gather(place.pages("ticket-quotas", 300), _named(place))
    blank: dict[str, Any] = {
        "name": {},
        "code": "",
        "scope": "slot",
        "capacity": None,
        "product_ids": [],
        "template_ids": [],
    }
    return place.show(
        "quotas.html",
        "products",
        status=wrong.status,
        wrong=wrong,
        quotas=quotas,
        products=products,
        seasons=seasons,
        scopes=[(one, place.words[f"scope_{one}"]) for one in SCOPES],
        given=given or blank,
    )


@router.post(_QUOTAS, include_in_schema=False)
@route_options(database=False, idempotency=False)
async def add_quota(visit: Visitor, form: Posted, organization_id: uuid.UUID, attraction_id: uuid.UUID) -> Response:
    """Limit some tickets within each slot, or all that is sold of a day or a season."""
    place = await place_of(visit, organization_id, attraction_id)
    body = {
        "name": _name(form),
        "code": form.text("code", 40),
        "scope": form.text("scope", 10),
        "capacity": form.number("capacity"),
        "product_ids": form.many("product", 40),
        "template_ids": form.many("season", 40),
    }
    try:
        added = await visit.api.post(f"{place.api}/ticket-quotas", body, key=form.key)
    except Refused as refused:
        return await _list(place, wrong_of(visit, refused), body)
    return again(address(f"{place.base}/quotas/{added['id']}", uncovered=added["uncovered"] or ""), "quota_added")


def _name(form: Form) -> dict[str, str]:
    return both({"en": form.text("name_en", 200), "zh-CN": form.text("name_zh", 200)})


async def _quota(place: Place, quota_id: uuid.UUID) -> Any:
    found = next((one for one in await place.pages("ticket-quotas", 300) if one["id"] == str(quota_id)), None)
    if found is None:
        raise Refused(404, {"code": "not_found", "status": 404})
    return found


async def _page(
    place: Place,
    quota: Mapping[str, Any],
    day: str,
    wrong: Wrong = FINE,
    *,
    given: Mapping[str, Any] | None = None,
    uncovered: str = "",
) -> Response:
    first = place.day_of(day)
    shown = _DAYS_SHOWN[quota["scope"]]
    last = first + timedelta(days=shown - 1)
    shares, (products, seasons) = await asyncio.gather(
        place.pages(f"ticket-quotas/{quota['id']}/shares", _MOST, first_day=first, last_day=last), _named(place)
    )
    return place.show(
        "quota.html",
        "products",
        status=wrong.status,
        wrong=wrong,
        quota=quota,
        given=given or quota,
        shares=shares,
        first=first,
        last=last,
        before=first - timedelta(days=shown),
        after=first + timedelta(days=shown),
        products=[products[one] for one in quota["product_ids"] if one in products],
        seasons=[seasons[one] for one in quota["template_ids"] if one in seasons],
        uncovered=int(uncovered) if uncovered.isdecimal() else 0,
    )


@router.get(f"{_QUOTAS}/{{quota_id}}", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_quota(
    visit: Visitor,
    organization_id: uuid.UUID,
    attraction_id: uuid.UUID,
    quota_id: uuid.UUID,
    day: Day = "",
    uncovered: Annotated[str, InQuery(max_length=6)] = "",
) -> Response:
    """Show what is left of a quota on some days, and why it is sold out where it is."""
    place = await place_of(visit, organization_id, attraction_id)
    return await _page(place, await _quota(place, quota_id), day, uncovered=uncovered)


@router.post(f"{_QUOTAS}/{{quota_id}}", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def change_quota(
    visit: Visitor, form: Posted, organization_id: uuid.UUID, attraction_id: uuid.UUID, quota_id: uuid.UUID
) -> Response:
    """Say how much there is of a quota from today on; below what is sold only with a reason."""
    place = await place_of(visit, organization_id, attraction_id)
    quota = await _quota(place, quota_id)
    reason = form.text("overbook_reason", 500)
    body = {"name": _name(form), "capacity": form.number("capacity")}
    try:
        path = f"{place.of}/ticket-quotas/{quota_id}"
        await visit.api.put(path, body | {"overbook_reason": reason or None}, version=form.number("version"))
    except Refused as refused:
        given = {**quota, **body, "reason": reason}
        if refused.status != 412:
            given["version"] = form.number("version")
        return await _page(place, quota, form.text("day", 10), wrong_of(visit, refused), given=given)
    return again(address(f"{place.base}/quotas/{quota_id}", day=form.text("day", 10)), "quota_changed")
