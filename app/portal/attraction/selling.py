"""What an attraction sells: products with their price rules, vouchers, and how sales went."""

import asyncio
import uuid
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any, Final

from fastapi import Query as InQuery
from starlette.responses import Response

from app.core import clock
from app.core.routing import route_options
from app.portal.attraction.days import ONE
from app.portal.attraction.knowing import PREFIX, Place, both, minor, place_of, plain, wrong_of
from app.portal.charts.drawing import Chart
from app.portal.charts.lines import LineWords, Series, line_chart
from app.portal.ground.asking import Refused
from app.portal.ground.changing import FINE, Wrong
from app.portal.ground.forms import Form, Posted
from app.portal.ground.moments import instant, weekday
from app.portal.ground.pages import again
from app.portal.ground.routing import pages_router
from app.portal.ground.visits import Visitor
from app.portal.ground.wording import worded

router = pages_router(PREFIX)

KINDS: Final = ("adult", "senior", "child", "reduced", "companion", "group")
HOLIDAYS: Final = ("ignore", "skip", "only")
PERIODS: Final = (7, 30, 90)
_NEW_RULES: Final = 2
_PRODUCTS: Final = f"{ONE}/products"
_VOUCHERS: Final = f"{ONE}/vouchers"
_CURRENCY: Final = "CNY"


@router.get(_PRODUCTS, include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_products(visit: Visitor, organization_id: uuid.UUID, attraction_id: uuid.UUID) -> Response:
    """Show what is sold, and the vouchers."""
    place = await place_of(visit, organization_id, attraction_id)
    return await _products(place)


async def _products(place: Place, wrong: Wrong = FINE, form: Form | None = None) -> Response:
    products, vouchers = await asyncio.gather(
        place.products(), place.visit.api.pages(f"{place.of}/ticket-vouchers", 200)
    )
    given = form.given("name", "code", "percent", "valid_from", "valid_until", "max_uses") if form else {}
    return place.show(
        "products.html",
        "products",
        status=wrong.status,
        wrong=wrong,
        products=list(products.values()),
        vouchers=vouchers,
        today=place.their.today(),
        given=given,
    )


def _blank() -> dict[str, Any]:
    return {
        "id": None,
        "code": "",
        "name": {},
        "kind": "adult",
        "price_amount": None,
        "currency": _CURRENCY,
        "tax_rate": 0,
        "price_rules": [],
        "persons": 1,
        "needs_entitlement": None,
        "max_per_person": None,
        "is_named": False,
        "reentry": "none",
        "is_online": True,
        "state": "active",
        "version": 0,
    }


def _product_page(place: Place, product: Mapping[str, Any], wrong: Wrong = FINE, typed: str | None = None) -> Response:
    words, currency = place.words, product["currency"]
    rules = [
        rule | {"price": plain(rule["amount"], currency) if isinstance(rule["amount"], int) else rule["amount"]}
        for rule in product["price_rules"]
    ]
    blank = {"code": "", "price": "", "weekdays": [], "starts_on": "", "ends_on": "", "begins": "", "ends": ""}
    return place.show(
        "product.html",
        "products",
        status=wrong.status,
        wrong=wrong,
        product=product,
        price=plain(product["price_amount"], currency) if typed is None else typed,
        rules=[*rules, *({**blank, "holidays": "ignore"} for _ in range(_NEW_RULES))],
        kinds=[(one, words[f"product_{one}"]) for one in KINDS],
        holidays=[(one, words[f"holidays_{one}"]) for one in HOLIDAYS],
        weekdays=[weekday(place.visit, number) for number in range(7)],
    )


@router.get(f"{_PRODUCTS}/new", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_new_product(visit: Visitor, organization_id: uuid.UUID, attraction_id: uuid.UUID) -> Response:
    """Show the form of something new that is sold."""
    place = await place_of(visit, organization_id, attraction_id)
    await place.products()  # who may not keep them is refused here, and not when the form is filled in
    return _product_page(place, _blank())


@router.get(f"{_PRODUCTS}/{{product_id}}", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_product(
    visit: Visitor, organization_id: uuid.UUID, attraction_id: uuid.UUID, product_id: uuid.UUID
) -> Response:
    """Show something that is sold, with its price rules."""
    place = await place_of(visit, organization_id, attraction_id)
    return _product_page(place, await _product(place, product_id))


async def _product(place: Place, product_id: uuid.UUID) -> Any:
    found = (await place.products()).get(str(product_id))
    if found is None:
        raise Refused(404, {"code": "not_found", "status": 404})
    return found


def _rules(form: Form, currency: str) -> tuple[list[dict[str, Any]], bool]:
    """Return the price rules that were filled in, and whether all their prices can be read."""
    found, is_fine = [], True
    for number in range(30 + _NEW_RULES):
        code, price = form.text(f"rule-code-{number}", 40), form.text(f"rule-price-{number}", 20)
        if not code and not price:
            continue
        amount = minor(price, currency)
        is_fine = is_fine and amount is not None
        days = [int(one) for one in form.many(f"rule-weekday-{number}", 1) if one.isdecimal()]
        rule: dict[str, Any] = {
            "code": code,
            "amount": amount if amount is not None else price,
            "holidays": form.text(f"rule-holidays-{number}", 10) or "ignore",
        }
        rule |= {
            name: form.text(f"rule-{name}-{number}", 10) or None for name in ("starts_on", "ends_on", "begins", "ends")
        }
        rule["weekdays"] = days or list(range(1, 8))
        found.append(rule)
    return found, is_fine


def _given_product(form: Form, known: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
    currency = known["currency"] if known["id"] else (form.text("currency", 3).upper() or _CURRENCY)
    price = minor(form.text("price", 20), currency) if currency.isalpha() and len(currency) == 3 else None
    rules, is_fine = _rules(form, currency) if price is not None else ([], False)
    tax = form.decimal("tax")
    return {
        "name": both({"en": form.text("name_en", 200), "zh-CN": form.text("name_zh", 200)}),
        "kind": form.text("kind", 20),
        "price_amount": price,
        "currency": currency,
        "tax_rate": round(tax * 100) if tax is not None else known["tax_rate"],
        "price_rules": rules,
        "persons": form.number("persons") or 1,
        "needs_entitlement": form.text("needs_entitlement", 40) or None,
        "max_per_person": form.number("max_per_person"),
        "is_named": form.flag("is_named"),
        "reentry": "same_day" if form.flag("reentry") else "none",
        "is_online": form.flag("is_online"),
        "state": "withdrawn" if form.flag("withdrawn") else "active",
    }, is_fine and price is not None


async def _keep(place: Place, form: Form, known: Mapping[str, Any]) -> Response:
    body, is_fine = _given_product(form, known)
    shown = {**known, **body, "code": form.text("code", 40) or known["code"]}
    if not is_fine:
        bad = Wrong(place.words["trouble_422"], {"price": place.words["wrong_amount"]}, 422)
        return _product_page(place, shown, bad, form.text("price", 20))
    try:
        if known["id"]:
            path, version = f"{place.of}/ticket-products/{known['id']}", form.number("version")
            await place.visit.api.put(path, body, version=version)
        else:
            await place.visit.api.post(f"{place.api}/ticket-products", body | {"code": shown["code"]}, key=form.key)
    except Refused as refused:
        return _product_page(place, shown, wrong_of(place.visit, refused), form.text("price", 20))
    return again(f"{place.base}/products", "product_kept")


@router.post(f"{_PRODUCTS}/new", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def add_product(visit: Visitor, form: Posted, organization_id: uuid.UUID, attraction_id: uuid.UUID) -> Response:
    """Sell something new."""
    place = await place_of(visit, organization_id, attraction_id)
    return await _keep(place, form, _blank())


@router.post(f"{_PRODUCTS}/{{product_id}}", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def set_product(
    visit: Visitor, form: Posted, organization_id: uuid.UUID, attraction_id: uuid.UUID, product_id: uuid.UUID
) -> Response:
    """Say what a product is and costs from now on; what is sold stays as it was agreed."""
    place = await place_of(visit, organization_id, attraction_id)
    return await _keep(place, form, await _product(place, product_id))


@router.post(_VOUCHERS, include_in_schema=False)
@route_options(database=False, idempotency=False)
async def add_voucher(visit: Visitor, form: Posted, organization_id: uuid.UUID, attraction_id: uuid.UUID) -> Response:
    """Make a voucher."""
    place = await place_of(visit, organization_id, attraction_id)
    first, last = form.day("valid_from"), form.day("valid_until")
    zone = place.their.time_zone
    body = {
        "name": form.text("name", 80),
        "code": form.text("code", 40),
        "percent": form.number("percent"),
        "valid_from": datetime.combine(first, time.min, zone).isoformat() if first else "",
        # The day that is named is the last on which it counts.
        "valid_until": datetime.combine(last + timedelta(days=1), time.min, zone).isoformat() if last else "",
        "max_uses": form.number("max_uses"),
    }
    try:
        await visit.api.post(f"{place.of}/ticket-vouchers", body, key=form.key)
    except Refused as refused:
        return await _products(place, wrong_of(visit, refused), form)
    return again(f"{place.base}/products", "voucher_added")


@router.post(f"{_VOUCHERS}/{{voucher_id}}/retirement", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def retire_voucher(
    visit: Visitor, form: Posted, organization_id: uuid.UUID, attraction_id: uuid.UUID, voucher_id: uuid.UUID
) -> Response:
    """Have a voucher count no more."""
    place = await place_of(visit, organization_id, attraction_id)
    try:
        await visit.api.post(f"{place.of}/ticket-vouchers/{voucher_id}/retirement", key=form.key)
    except Refused as refused:
        return await _products(place, wrong_of(visit, refused))
    return again(f"{place.base}/products", "voucher_retired")


@router.get(f"{ONE}/sales", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_sales(
    visit: Visitor,
    organization_id: uuid.UUID,
    attraction_id: uuid.UUID,
    days: Annotated[int, InQuery(ge=1, le=90)] = 30,
) -> Response:
    """Show what was sold for the visits of some days, and for what somebody waits."""
    place = await place_of(visit, organization_id, attraction_id)
    period = days if days in PERIODS else PERIODS[1]
    today = place.their.today()
    # Half of it lies ahead: what is sold for next week is what can still be acted upon.
    first = today - timedelta(days=period - period // 3 - 1)
    last = first + timedelta(days=period - 1)
    sales, products, ahead = await asyncio.gather(
        place.get("ticket-sales", first_day=first, last_day=last), place.products(), place.slots(today, 31, 2_000)
    )
    now = clock.now()
    return place.show(
        "sales.html",
        "sales",
        period=period,
        periods=PERIODS,
        first=first,
        last=last,
        chart=_sales_chart(place, sales["lines"], first, last),
        by_product=_by_product(place, sales["lines"], products),
        by_day=_by_day(sales["lines"]),
        waiting=[one for one in ahead if one["waiting"] and instant(one["entry_until"]) > now],
    )


def _sales_chart(place: Place, lines: Sequence[Mapping[str, Any]], first: date, last: date) -> Chart:
    words, zone = place.words, place.their.time_zone
    persons: dict[date, int] = {first + timedelta(days=n): 0 for n in range((last - first).days + 1)}
    for line in lines:
        persons[date.fromisoformat(line["day"])] += line["persons"]
    return line_chart(
        [
            Series(
                words["people"],
                [(datetime.combine(day, time(12), zone), float(count)) for day, count in persons.items()],
            )
        ],
        LineWords(
            title=words["chart_sales"],
            description=words["chart_sales_says"].format(count=sum(persons.values())),
            unit=words["chart_persons"],
            when=words["chart_day"],
            lowest=words["chart_lowest"],
            highest=words["chart_highest"],
            mean=words["chart_mean"],
            nothing=words["chart_nothing_sold"],
        ),
        start=datetime.combine(first, time.min, zone),
        end=datetime.combine(last + timedelta(days=1), time.min, zone),
        zone=zone,
        language=place.visit.language,
    )


def _sum(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    amounts: dict[str, int] = {}
    refunded: dict[str, int] = {}
    for row in rows:
        amounts[row["currency"]] = amounts.get(row["currency"], 0) + row["amount"]
        if row["refunded"]:
            refunded[row["currency"]] = refunded.get(row["currency"], 0) + row["refunded"]
    counts = {name: sum(row[name] for row in rows) for name in ("tickets", "persons", "given_back")}
    return counts | {"amounts": amounts, "refunded": refunded}


def _by_product(
    place: Place, lines: Sequence[Mapping[str, Any]], products: Mapping[str, Any]
) -> list[tuple[str, dict[str, Any]]]:
    ids = list(dict.fromkeys(line["product_id"] for line in lines))
    found = []
    for one in ids:
        name = worded(products[one]["name"], place.visit.language) if one in products else "–"
        found.append((name, _sum([line for line in lines if line["product_id"] == one])))
    return sorted(found, key=lambda pair: -pair[1]["persons"])


def _by_day(lines: Sequence[Mapping[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
    days = sorted({line["day"] for line in lines}, reverse=True)
    return [(day, _sum([line for line in lines if line["day"] == day])) for day in days]
