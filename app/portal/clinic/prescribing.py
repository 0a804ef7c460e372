"""Prescriptions: drafted, held against what is known, signed with a word on each warning; and those asked for again."""

import asyncio
import uuid
from collections.abc import Sequence
from typing import Any, Final

from starlette.responses import Response

from app.core.routing import route_options
from app.portal.clinic import charts, composing
from app.portal.clinic.knowing import House, asked, house_of, or_why, shown
from app.portal.clinic.texts import WORDS
from app.portal.ground.asking import Refused
from app.portal.ground.changing import Trouble, trouble_of
from app.portal.ground.forms import Form, Posted
from app.portal.ground.pages import again
from app.portal.ground.routing import pages_router
from app.portal.ground.visits import Visit, Visitor

router = pages_router("/portal/clinic")

MOST: Final = 50
_DONE: Final = {"signature": "rx_signature", "stop": "rx_stop", "dispense": "rx_dispense"}
_SYSTEMS: Final = ("atc", "snomed")
_FIELDS: Final = (
    "what",
    "what_code",
    "what_system",
    "ingredient_code",
    "dosage",
    "amount",
    "unit",
    "days",
    "repeats",
    "note",
)


async def _all(visit: Visit, house: House, resident_id: uuid.UUID) -> dict[str, Any]:
    base = f"/v1/residents/{resident_id}"
    (person, _), (allergies, _), found = await asyncio.gather(
        or_why(visit.api.get(f"{base}/profile")),
        or_why(visit.api.get(f"{base}/health-records", kind="allergy", limit=MOST)),
        visit.api.get(f"{base}/prescriptions", limit=MOST),
    )
    ours = [one for one in found["items"] if _is_ours(house, one)]
    return {
        "tab": "",
        "person": person,
        "allergies": allergies["items"] if allergies else [],
        "prescriptions": found["items"],
        "drugs": _before(house, found["items"]),
        "dosages": list(dict.fromkeys(one["content"]["dosage"] for one in ours)),
        "units": list(dict.fromkeys(one["content"]["dispense"]["unit"] for one in ours if one["content"]["dispense"])),
        "base": f"{house.address}/patients/{resident_id}",
        "said": composing.said,
        "code_of": composing.code_of,
        "given": dict.fromkeys(_FIELDS, ""),
        "copied": "",
    }


def _is_ours(house: House, one: Any) -> bool:
    """Say whether the clinic signed it and never took it back: what was stopped had a reason to be."""
    return bool(one["organization_id"] == str(house.id) and one["status"] in ("active", "completed"))


def _before(house: House, prescriptions: Sequence[Any]) -> list[tuple[str, dict[str, str]]]:
    """Return each drug the patient was prescribed, and how this clinic did so last."""
    found: dict[str, dict[str, str]] = {}
    for one in prescriptions:  # the last first
        name = composing.said(one["content"]["medication"])
        known = found.setdefault(name, {})
        if not known and _is_ours(house, one):
            known.update(_filling(house, one))
    return list(found.items())


def _filling(house: House, one: Any) -> dict[str, str]:
    content = one["content"]
    coding, dispense = content["medication"].get("coding") or {}, content["dispense"] or {}
    systems = {charts.CODES[key]: key for key in _SYSTEMS}
    system = systems.get(coding.get("system", ""), "")
    given = {
        "day": house.there.day(one["signed_at"]),
        "dosage": content["dosage"],
        "amount": f"{dispense['value']:g}" if dispense else "",
        "unit": dispense.get("unit") or "",
        "days": str(content["supply_days"] or ""),
        "system": system,
        "code": coding.get("code") or "" if system else "",
        "ingredient": next(
            (each["code"] for each in content["ingredients"] if each["system"] == charts.CODES["snomed"]), ""
        ),
    }
    return {key: value for key, value in given.items() if value}


@router.get("/{organization_id}/patients/{resident_id}/prescriptions", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_prescriptions(visit: Visitor, organization_id: uuid.UUID, resident_id: uuid.UUID) -> Response:
    """Show what is and was prescribed, and the form of another one."""
    house = await house_of(visit, organization_id)
    return shown(visit, house, "prescriptions", **await _all(visit, house, resident_id))


def _drafted(form: Form, house: House) -> dict[str, Any]:
    amount, unit = form.decimal("amount"), form.text("unit", 32)
    ingredient = form.text("ingredient_code", 64)
    content = {
        "medication": charts.concept(form, "what"),
        "ingredients": [{"system": "http://snomed.info/sct", "code": ingredient}] if ingredient else [],
        "dosage": form.text("dosage", 500),
        "dispense": {"value": amount, "unit": unit or "1"} if amount is not None else None,
        "supply_days": form.number("days"),
        "repeats": form.number("repeats") or 0,
        "note": form.text("note", 4_000) or None,
    }
    kept = {key: value for key, value in content.items() if value is not None}
    return {"content": kept, "organization_id": str(house.id)}


@router.post("/{organization_id}/patients/{resident_id}/prescriptions", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def draft(visit: Visitor, form: Posted, organization_id: uuid.UUID, resident_id: uuid.UUID) -> Response:
    """Draft a prescription: what it is held against is shown on the page that follows."""
    house = await house_of(visit, organization_id)
    body, copied = _drafted(form, house), form.uuid("copy_of")
    path = f"/v1/residents/{resident_id}/prescriptions"
    try:
        if copied is not None:
            # The same again: what stands is replaced once the new one is signed.
            old = await visit.api.get(f"{path}/{copied}")
            content = {key: value for key, value in old["content"].items() if value is not None}
            content = {key: value for key, value in content.items() if key not in ("starts_on", "valid_until")}
            replaces = {"replaces_id": str(copied)} if old["organization_id"] == str(house.id) else {}
            body = {"content": content, "organization_id": str(house.id), **replaces}
        made = await visit.api.post(path, body, key=form.key)
    except Refused as refusal:
        trouble, page = trouble_of(visit, refusal, WORDS), await _all(visit, house, resident_id)
        return shown(visit, house, "prescriptions", trouble=trouble, **page | {"given": form.given(*_FIELDS)})
    return again(f"{house.address}/patients/{resident_id}/prescriptions/{made['id']}")


async def _one(visit: Visit, house: House, resident_id: uuid.UUID, prescription_id: uuid.UUID) -> dict[str, Any]:
    base = f"/v1/residents/{resident_id}"
    path = f"{base}/prescriptions/{prescription_id}"
    one = await visit.api.get(path)
    (person, _), (allergies, _), (others, _), (check, _) = await asyncio.gather(
        or_why(visit.api.get(f"{base}/profile")),
        or_why(visit.api.get(f"{base}/health-records", kind="allergy", limit=MOST)),
        or_why(visit.api.get(f"{base}/prescriptions", status="active", limit=MOST)),
        or_why(visit.api.post(f"{path}/checks")) if one["status"] == "draft" else asyncio.sleep(0, (None, "")),
    )
    known = {found["id"]: composing.said(found["content"]["code"]) for found in (allergies or {"items": []})["items"]}
    known |= {
        found["id"]: composing.said(found["content"]["medication"]) for found in (others or {"items": []})["items"]
    }
    return {
        "tab": "",
        "one": one,
        "person": person,
        "allergies": (allergies or {"items": []})["items"],
        "others": (others or {"items": []})["items"],
        "check": check,
        "known": known,
        "base": f"{house.address}/patients/{resident_id}",
        "said": composing.said,
        "code_of": composing.code_of,
        "typed": {},
        "is_ours": one["organization_id"] == str(house.id),
    }


@router.get("/{organization_id}/patients/{resident_id}/prescriptions/{prescription_id}", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_prescription(
    visit: Visitor, organization_id: uuid.UUID, resident_id: uuid.UUID, prescription_id: uuid.UUID
) -> Response:
    """Show a prescription; a draft with all that speaks against it."""
    house = await house_of(visit, organization_id)
    return shown(visit, house, "prescription", **await _one(visit, house, resident_id, prescription_id))


@router.post("/{organization_id}/patients/{resident_id}/prescriptions/{prescription_id}/{act}", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def act_on_prescription(
    visit: Visitor,
    form: Posted,
    organization_id: uuid.UUID,
    resident_id: uuid.UUID,
    prescription_id: uuid.UUID,
    act: str,
) -> Response:
    """Sign a draft with a word on each warning, end a prescription, or write down that it was handed out."""
    house = await house_of(visit, organization_id)
    path, version = f"/v1/residents/{resident_id}/prescriptions/{prescription_id}", None
    body: dict[str, Any] | None = None
    if act == "signature":
        version = form.number("version")
        warned = [one.partition(":") for one in form.many("warning")]
        body = {
            "acknowledged": [
                {"kind": kind, "id": of, "reason": form.text(f"reason-{of}", 500)} for kind, _, of in warned
            ]
        }
    elif act == "stop":
        body = {"reason": form.text("reason", 500)}
    elif act != "dispense":
        raise Refused(404, {"code": "not_found", "status": 404})
    trouble: Trouble | None = await asked(visit, form, "POST", f"{path}/{act}", body, version)
    if trouble is not None:
        page = await _one(visit, house, resident_id, prescription_id)
        typed = {
            name.removeprefix("reason-"): form.text(name, 500) for name in form.fields if name.startswith("reason-")
        }
        return shown(visit, house, "prescription", trouble=trouble, **page | {"typed": typed})
    return again(f"{house.address}/patients/{resident_id}/prescriptions/{prescription_id}", _DONE[act])


async def _waiting(visit: Visit, house: House) -> dict[str, Any]:
    found = (await visit.api.get(f"{house.api}/renewal-requests", limit=MOST))["items"]
    people = list(dict.fromkeys(one["resident_id"] for one in found))
    names, drugs = await asyncio.gather(
        asyncio.gather(*(or_why(visit.api.get(f"/v1/residents/{one}/profile")) for one in people)),
        asyncio.gather(
            *(
                or_why(visit.api.get(f"/v1/residents/{one['resident_id']}/prescriptions/{one['prescription_id']}"))
                for one in found
            )
        ),
    )
    named = {one: (person or {}).get("name") for one, (person, _) in zip(people, names, strict=True)}
    rows = [
        {"one": one, "name": named[one["resident_id"]], "drug": drug}
        for one, (drug, _) in zip(found, drugs, strict=True)
    ]
    return {"tab": "renewals", "rows": rows, "said": composing.said}


@router.get("/{organization_id}/renewals", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_renewals(visit: Visitor, organization_id: uuid.UUID) -> Response:
    """Show what patients ask for again, the longest waiting first."""
    house = await house_of(visit, organization_id)
    return shown(visit, house, "renewals", **await _waiting(visit, house))


@router.get("/{organization_id}/renewals/part", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_renewals_part(visit: Visitor, organization_id: uuid.UUID) -> Response:
    """Show the list alone, for a page that is open."""
    house = await house_of(visit, organization_id)
    return shown(visit, house, "renewals_part", **await _waiting(visit, house))


@router.post("/{organization_id}/renewals/{resident_id}/{renewal_id}", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def answer_renewal(
    visit: Visitor, form: Posted, organization_id: uuid.UUID, resident_id: uuid.UUID, renewal_id: uuid.UUID
) -> Response:
    """Say no with a reason, or yes: then the draft that is still to be signed is next."""
    house = await house_of(visit, organization_id)
    granted = form.text("answer", 10) == "granted"
    body = {"granted": granted, "reason": form.text("reason", 500) or None}
    try:
        answered = await visit.api.post(
            f"/v1/residents/{resident_id}/renewal-requests/{renewal_id}/answer", body, key=form.key
        )
    except Refused as refusal:
        trouble = trouble_of(visit, refusal, WORDS)
        return shown(visit, house, "renewals", trouble=trouble, **await _waiting(visit, house))
    if granted and answered["draft_id"]:
        return again(f"{house.address}/patients/{resident_id}/prescriptions/{answered['draft_id']}", "granted")
    return again(f"{house.address}/renewals", "declined")
