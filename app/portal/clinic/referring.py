"""Referrals: what other clinics ask of this one and this one of them, answered with times, a reason or a letter."""

import asyncio
import uuid
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final

from fastapi import Query as InQuery
from starlette.responses import Response

from app.core import clock
from app.core.routing import route_options
from app.portal.clinic import charts, composing
from app.portal.clinic.knowing import House, asked, house_of, or_why, shown
from app.portal.clinic.texts import WORDS
from app.portal.ground.asking import Refused
from app.portal.ground.changing import trouble_of
from app.portal.ground.forms import Form, Posted
from app.portal.ground.pages import address, again
from app.portal.ground.routing import pages_router
from app.portal.ground.visits import Visit, Visitor

router = pages_router("/portal/clinic")

MOST: Final = 50
MOST_SLOTS: Final = 18
OVER: Final = ("completed", "declined", "withdrawn", "expired", "redirected")
URGENCIES: Final = ("routine", "urgent", "asap", "stat")
_DONE: Final = {
    "acceptance": "referral_acceptance",
    "offers": "referral_offers",
    "refusal": "referral_refusal",
    "redirection": "referral_redirection",
    "appointment": "referral_appointment",
    "encounter": "referral_encounter",
    "letter": "referral_letter",
    "withdrawal": "referral_withdrawal",
    "request": "referral_request",
    "acknowledgement": "referral_acknowledgement",
}
Way = Annotated[str, InQuery(max_length=3)]
Chosen = Annotated[str, InQuery(max_length=40)]


async def _list(visit: Visit, house: House, way: str) -> dict[str, Any]:
    direction = "out" if way == "out" else "in"
    found = (await visit.api.get(f"{house.api}/referrals", direction=direction, limit=MOST))["items"]
    return {
        "tab": "referrals",
        "way": direction,
        "open": [one for one in found if one["state"] not in OVER],
        "over": [one for one in found if one["state"] in OVER],
        "said": composing.said,
        "part": address(f"{house.address}/referrals/part", way=direction),
    }


@router.get("/{organization_id}/referrals", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_referrals(visit: Visitor, organization_id: uuid.UUID, way: Way = "in") -> Response:
    """Show what the clinic is asked for, or what it asks for."""
    house = await house_of(visit, organization_id)
    return shown(visit, house, "referrals", **await _list(visit, house, way))


@router.get("/{organization_id}/referrals/part", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_referrals_part(visit: Visitor, organization_id: uuid.UUID, way: Way = "in") -> Response:
    """Show the list alone, for a page that is open."""
    house = await house_of(visit, organization_id)
    return shown(visit, house, "referrals_part", **await _list(visit, house, way))


async def _one(visit: Visit, house: House, referral_id: uuid.UUID, visit_type: str) -> dict[str, Any]:
    path = f"/v1/referrals/{referral_id}"
    one = await visit.api.get(path)
    is_asked = one["to_organization_id"] == str(house.id)
    may_offer = is_asked and one["state"] in ("requested", "accepted")
    (records, _), (types, _), (clinics, _) = await asyncio.gather(
        or_why(visit.api.get(f"{path}/records")),
        or_why(visit.api.get(f"{house.api}/visit-types", limit=MOST)) if may_offer else asyncio.sleep(0, (None, "")),
        or_why(visit.api.get("/v1/clinics", limit=MOST)) if may_offer else asyncio.sleep(0, (None, "")),
    )
    kinds = [
        (each["id"], each["name"][visit.language]) for each in (types or {"items": []})["items"] if each["is_active"]
    ]
    chosen = visit_type if any(visit_type == key for key, _ in kinds) else (kinds[0][0] if kinds else "")
    slots = await _slots(visit, house, one, chosen) if chosen else []
    return {
        "tab": "referrals",
        "one": one,
        "is_asked": is_asked,
        "may_offer": may_offer,
        "records": records,
        "kinds": kinds,
        "chosen": chosen,
        "slots": composing.by_day(slots, house.there),
        "clinics": [
            (each["organization_id"], each["name"])
            for each in (clinics or {"items": []})["items"]
            if each["organization_id"] not in (one["to_organization_id"], one["from_organization_id"])
        ],
        "said": composing.said,
        "base": f"{house.address}/referrals/{referral_id}",
        "given": {"reason": "", "title": "", "text": "", "next_steps": ""},
        "is_over": one["state"] in OVER,
    }


async def _slots(visit: Visit, house: House, one: Any, visit_type: str) -> list[Any]:
    found = await visit.api.get(
        "/v1/slots", visit_type=visit_type, practitioner=one["practitioner_id"], earliest=clock.now(), limit=MOST_SLOTS
    )
    return [slot for slot in found["items"] if slot["clinic"]["organization_id"] == str(house.id)]


@router.get("/{organization_id}/referrals/{referral_id}", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_referral(
    visit: Visitor, organization_id: uuid.UUID, referral_id: uuid.UUID, visit_type: Chosen = ""
) -> Response:
    """Show a referral: who asks for what, what goes with it, and what can be answered."""
    house = await house_of(visit, organization_id)
    return shown(visit, house, "referral", **await _one(visit, house, referral_id, visit_type))


def _offers(form: Form) -> list[dict[str, str]]:
    picked = [one.split("|") for one in form.many("offer")][:20]
    return [
        {"starts_at": one[0], "practitioner_id": one[1], "visit_type_id": one[2]} for one in picked if len(one) == 3
    ]


def _letter(form: Form) -> dict[str, Any]:
    return {
        "type": "consult_note",
        "title": form.text("title", 200),
        "text": form.text("text", 4_000) or None,
        "next_steps": form.text("next_steps", 4_000) or None,
    }


def _slot(form: Form) -> dict[str, str]:
    """Return the one time that was pressed; the API says what is wrong with none."""
    return next(iter(_offers(form)), {})


def _reason(form: Form) -> dict[str, str]:
    return {"reason": form.text("reason", 500)}


_BODIES: Final[Mapping[str, Callable[[Form], Any]]] = {
    "acceptance": lambda form: {"offers": _offers(form)},
    "offers": lambda form: {"offers": _offers(form)},
    "appointment": _slot,
    "refusal": _reason,
    "redirection": lambda form: {"to_organization_id": form.text("to", 40)} | _reason(form),
    "letter": _letter,
    "withdrawal": lambda form: {"reason": form.text("reason", 500) or None},
    "encounter": lambda _: None,
    "request": lambda _: None,
    "acknowledgement": lambda _: None,
}
"""What is said with each thing that can be done with a referral."""


@router.post("/{organization_id}/referrals/{referral_id}/{act}", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def act_on_referral(
    visit: Visitor, form: Posted, organization_id: uuid.UUID, referral_id: uuid.UUID, act: str
) -> Response:
    """Accept a referral with times, refuse it with a reason, pass it on, write back, or take it back."""
    house = await house_of(visit, organization_id)
    if act not in _BODIES:
        raise Refused(404, {"code": "not_found", "status": 404})
    version = None if act == "acknowledgement" else form.number("version")
    trouble = await asked(visit, form, "POST", f"/v1/referrals/{referral_id}/{act}", _BODIES[act](form), version)
    if trouble is not None:
        page = await _one(visit, house, referral_id, "")
        return shown(visit, house, "referral", trouble=trouble, **page | {"given": form.given(*page["given"])})
    return again(f"{house.address}/referrals/{referral_id}", _DONE[act])


async def asking(visit: Visit, house: House, resident_id: uuid.UUID) -> dict[str, Any]:
    """Return who can be referred to, or asked, and what can go along."""
    base = f"/v1/residents/{resident_id}"
    clinics, (person, _), records, prescriptions, (before, _) = await asyncio.gather(
        visit.api.get("/v1/clinics", limit=MOST),
        or_why(visit.api.get(f"{base}/profile")),
        visit.api.get(f"{base}/health-records", limit=MOST),
        visit.api.get(f"{base}/prescriptions", status="active", limit=MOST),
        or_why(visit.api.get(f"{base}/referrals", limit=MOST)),
    )
    return {
        "tab": "",
        "person": person,
        "clinics": [
            (one["organization_id"], one["name"]) for one in clinics["items"] if one["organization_id"] != str(house.id)
        ],
        "records": [one for one in records["items"] if one["kind"] != "encounter"],
        "prescriptions": prescriptions["items"],
        "before": before["items"] if before else [],
        "urgencies": URGENCIES,
        "said": composing.said,
        "title_of": _title,
        "base": f"{house.address}/patients/{resident_id}",
        "given": {"service": "", "reason": "", "to": "", "urgency": "routine"},
        "ticked": (),
    }


def selection(form: Form) -> dict[str, Any]:
    """Return what was ticked to go along, as the API takes it."""
    picked = [one.partition("|") for one in form.many("record")]
    records = [{"id": key, "version": int(number)} for key, _, number in picked if number.isdecimal()]
    return {"health_records": records, "prescriptions": form.many("prescription")}


def ticked(form: Form) -> tuple[str, ...]:
    """Return what was ticked to go along, for the page that shows it again."""
    return (*form.many("record"), *form.many("prescription"))


def _title(record: Any) -> str:
    content = record["content"]
    return str(
        content.get("title")
        or composing.said(content.get("code") or content.get("vaccine"))
        or content.get("insurer")
        or ""
    )


@router.get("/{organization_id}/patients/{resident_id}/refer", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_asking(visit: Visitor, organization_id: uuid.UUID, resident_id: uuid.UUID) -> Response:
    """Show the form by which somebody is referred, with what can go along."""
    house = await house_of(visit, organization_id)
    return shown(visit, house, "refer", **await asking(visit, house, resident_id))


@router.post("/{organization_id}/patients/{resident_id}/refer", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def refer(visit: Visitor, form: Posted, organization_id: uuid.UUID, resident_id: uuid.UUID) -> Response:
    """Refer somebody to another clinic: it sees what was ticked, and nothing else."""
    house = await house_of(visit, organization_id)
    body = {
        "content": {"service": charts.concept(form, "service"), "reason": form.text("reason", 4_000)},
        "urgency": form.text("urgency", 10) or "routine",
        "to_organization_id": form.text("to", 40),
        "organization_id": str(house.id),
        "selection": selection(form),
    }
    try:
        made = await visit.api.post(f"/v1/residents/{resident_id}/referrals", body, key=form.key)
    except Refused as refusal:
        trouble, page = trouble_of(visit, refusal, WORDS), await asking(visit, house, resident_id)
        kept = {"given": form.given(*page["given"]), "ticked": ticked(form)}
        return shown(visit, house, "refer", trouble=trouble, **page | kept)
    return again(f"{house.address}/referrals/{made['id']}", "referred")
