"""One patient: what is known of their health as far as the API lets the visitor, and the note that is written now."""

import asyncio
import uuid
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import Query as InQuery
from starlette.responses import JSONResponse, Response

from app.core import clock
from app.core.routing import route_options
from app.portal.clinic import composing
from app.portal.clinic.files import to_file
from app.portal.clinic.knowing import House, asked, house_of, or_why, shown
from app.portal.clinic.texts import WORDS
from app.portal.ground.asking import Refused
from app.portal.ground.changing import Trouble, trouble_of
from app.portal.ground.forms import Form, Posted
from app.portal.ground.pages import address, again
from app.portal.ground.routing import pages_router
from app.portal.ground.visits import Visit, Visitor

router = pages_router("/portal/clinic")

SOAP: Final = ("subjective", "objective", "assessment", "plan")
MOST_NOTE: Final = 3_900
MOST_SOAP: Final = 8_000
_KINDS: Final = ("allergy", "condition", "observation", "immunization", "care_plan", "document", "encounter")
_EACH: Final = 30
CODES: Final = {
    "icd10": "http://hl7.org/fhir/sid/icd-10",
    "snomed": "http://snomed.info/sct",
    "loinc": "http://loinc.org",
    "atc": "http://www.whocc.no/atc",
}
Id = Annotated[str, InQuery(max_length=40)]


@dataclass(frozen=True, slots=True)
class Reason:
    """Why somebody is looked at now: their number, their appointment, their video visit; none of them, or one."""

    ticket: str = ""
    appointment: str = ""
    consultation: str = ""

    def at(self, base: str) -> str:
        """Return a page's address that keeps the reason."""
        return address(base, ticket=self.ticket, appointment=self.appointment, consultation=self.consultation)

    @property
    def ends_something(self) -> bool:
        """Say whether a number or an appointment is over once the note is signed."""
        return bool(self.ticket or self.appointment)


async def reason_of(visit: Visit, form: Form, resident_id: uuid.UUID) -> Reason:
    """Return the reason a form carries; raises ``Refused`` for another's."""
    found = (form.uuid(name) for name in ("ticket", "appointment", "consultation"))
    return await _of(visit, resident_id, Reason(*(str(one) if one else "" for one in found)))


async def _of(visit: Visit, resident_id: uuid.UUID, why: Reason) -> Reason:
    """Return the reason; raises ``Refused`` for another's: a note would be shown, and written, in the wrong chart."""
    asked_for = (("appointments", why.appointment), ("consultations", why.consultation))
    for kind, one_id in asked_for:
        one, _ = await or_why(visit.api.get(f"/v1/{kind}/{one_id}")) if one_id else (None, "")
        if one is not None and one["resident_id"] != str(resident_id):
            raise Refused(404, {"code": "not_found", "status": 404})
    return why


async def _note(visit: Visit, house: House, resident_id: uuid.UUID, why: Reason) -> dict[str, Any]:
    """Return what is written of this visit, in one shape: of a visit by video it is that visit's own note."""
    if why.consultation:
        found, refused = await or_why(visit.api.get(f"/v1/consultations/{why.consultation}/notes"))
        items = found["items"] if found else []
        note = next((one for one in items if one["kind"] == "soap"), None)
        content = (note["content"] or {}) if note else {}
        return {
            "refused": refused,
            "version": note["version"] if note else 0,
            "content": {**content, "follow_up_days": note["follow_up_days"] if note else None},
            "signed": note if note and note["signed_at"] else None,
            "addenda": [one for one in items if one["kind"] == "addendum"],
        }
    found, refused = await or_why(visit.api.get(f"/v1/residents/{resident_id}/visit-note", organization_id=house.id))
    return {
        "refused": refused,
        "version": found["version"] if found else 0,
        "content": found["content"] if found else {},
        "signed": None,
        "addenda": [],
    }


async def chart(visit: Visit, house: House, resident_id: uuid.UUID, why: Reason) -> dict[str, Any]:
    """Return what the page of a patient shows."""
    base = f"/v1/residents/{resident_id}"
    profile, *kinds = await asyncio.gather(
        or_why(visit.api.get(f"{base}/profile")),
        *(or_why(visit.api.get(f"{base}/health-records", kind=kind, limit=_EACH)) for kind in _KINDS),
        or_why(visit.api.get(f"{base}/prescriptions", limit=_EACH)),
        or_why(visit.api.get(f"{base}/renewal-requests", limit=_EACH)),
    )
    *records, prescriptions, renewals = kinds
    known = {kind: found["items"] if found else [] for kind, (found, _) in zip(_KINDS, records, strict=True)}
    refused = records[0][1]
    note = await _note(visit, house, resident_id, why)
    return {
        "tab": "",
        "resident_id": resident_id,
        "person": profile[0],
        "age": _age(profile[0], house),
        "known": known,
        "refused": refused,
        "prescriptions": [
            one for one in (prescriptions[0] or {"items": []})["items"] if one["status"] in ("active", "draft")
        ],
        "renewals": [one for one in (renewals[0] or {"items": []})["items"] if one["state"] == "requested"],
        "note": note,
        "typed": note["content"],
        "why": why,
        "base": f"{house.address}/patients/{resident_id}",
        "said": composing.said,
        "code_of": composing.code_of,
        "most": MOST_SOAP if why.consultation else MOST_NOTE,
        **to_file(WORDS[visit.language], {}),
    }


def _age(person: Any, house: House) -> int | None:
    if not person or not person["birth_date"]:
        return None
    born, today = composing.date_of(person["birth_date"]), house.there.today()
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


@router.get("/{organization_id}/patients/{resident_id}", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_patient(
    visit: Visitor,
    organization_id: uuid.UUID,
    resident_id: uuid.UUID,
    ticket: Id = "",
    appointment: Id = "",
    consultation: Id = "",
) -> Response:
    """Show a patient's chart, and beside it the note of this visit."""
    house = await house_of(visit, organization_id)
    why = await _of(visit, resident_id, Reason(*(_id(one) for one in (ticket, appointment, consultation))))
    return shown(visit, house, "patient", **await chart(visit, house, resident_id, why))


def _id(text: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError:
        return ""


def _written(form: Form, why: Reason) -> dict[str, Any]:
    most = MOST_SOAP if why.consultation else MOST_NOTE
    written: dict[str, Any] = {name: form.text(name, most) for name in SOAP}
    if why.consultation:
        written |= {
            "instructions": form.text("instructions", 2_000),
            "follow_up_reason": form.text("follow_up_reason", 500),
            "follow_up_days": form.number("follow_up_days"),
        }
    return written


async def _keep(visit: Visit, house: House, resident_id: uuid.UUID, why: Reason, form: Form) -> int:
    """Keep the draft as it was typed, in place of the version it was typed over, and return its version now.

    Where the answer to an earlier press was lost, the draft is newer than the page knows and says what the page says:
    that is no other window's, and is kept already.
    """
    written = _written(form, why)
    try:
        return await _put(visit, house, resident_id, why, form.number("version") or 0, written)
    except Refused as refusal:
        if refusal.status not in (409, 412):
            raise
        there = await _note(visit, house, resident_id, why)
        if there["refused"] or there["signed"] or not composing.says_the_same(there["content"], written):
            raise
        return int(there["version"])


async def _put(
    visit: Visit, house: House, resident_id: uuid.UUID, why: Reason, version: int, written: dict[str, Any]
) -> int:
    if why.consultation:
        headers = {"if-match": f'"{version}"'} if version else {}
        answer = await visit.api.ask("PUT", f"/v1/consultations/{why.consultation}/note", written, headers=headers)
    else:
        body = {"content": written, "organization_id": str(house.id)}
        answer = await visit.api.ask(
            "PUT", f"/v1/residents/{resident_id}/visit-note", body, headers={"if-match": f'"{version}"'}
        )
    return int(answer.json()["version"])


@router.post("/{organization_id}/patients/{resident_id}/note/autosave", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def autosave_note(visit: Visitor, form: Posted, organization_id: uuid.UUID, resident_id: uuid.UUID) -> Response:
    """Keep the draft while it is typed; the answer is for the page's script."""
    house, why = await house_of(visit, organization_id), await reason_of(visit, form, resident_id)
    try:
        version = await _keep(visit, house, resident_id, why, form)
    except Refused as refusal:
        return JSONResponse({"code": refusal.code}, refusal.status, headers={"Cache-Control": "no-store"})
    return JSONResponse({"version": version}, headers={"Cache-Control": "no-store"})


@router.post("/{organization_id}/patients/{resident_id}/note", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def keep_note(visit: Visitor, form: Posted, organization_id: uuid.UUID, resident_id: uuid.UUID) -> Response:
    """Keep the draft."""
    house, why = await house_of(visit, organization_id), await reason_of(visit, form, resident_id)
    try:
        await _keep(visit, house, resident_id, why, form)
    except Refused as refusal:
        return await _troubled(visit, house, resident_id, why, form, trouble_of(visit, refusal, WORDS))
    return again(why.at(f"{house.address}/patients/{resident_id}"), "note_kept")


async def _troubled(
    visit: Visit, house: House, resident_id: uuid.UUID, why: Reason, form: Form, trouble: Trouble
) -> Response:
    """Show the page as it is now, with what was typed: nobody writes a note twice."""
    page = await chart(visit, house, resident_id, why)
    return shown(visit, house, "patient", trouble=trouble, **page | {"typed": _written(form, why)})


@router.post("/{organization_id}/patients/{resident_id}/note/signature", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def sign_note(visit: Visitor, form: Posted, organization_id: uuid.UUID, resident_id: uuid.UUID) -> Response:
    """Sign the note, and be done with the number or the appointment it was written for."""
    house, why = await house_of(visit, organization_id), await reason_of(visit, form, resident_id)
    try:
        await _sign(visit, house, resident_id, why, form)
    except Refused as refusal:
        return await _troubled(visit, house, resident_id, why, form, trouble_of(visit, refusal, WORDS))
    finished = await _finish(visit, resident_id, why)
    done = "signed_open" if not finished else "signed"
    return again(why.at(f"{house.address}/patients/{resident_id}"), done)


async def _sign(visit: Visit, house: House, resident_id: uuid.UUID, why: Reason, form: Form) -> None:
    if why.consultation:
        await _keep(visit, house, resident_id, why, form)
        await visit.api.post(f"/v1/consultations/{why.consultation}/note/signature", key=form.key)
        return
    body = {
        "title": WORDS[visit.language]["note_title"],
        "content": _written(form, why),
        "organization_id": str(house.id),
    }
    headers = {"if-match": f'"{form.number("version") or 0}"'}
    await visit.api.ask(
        "POST", f"/v1/residents/{resident_id}/visit-note/signature", body, headers=headers, key=form.key
    )


async def _finish(visit: Visit, resident_id: uuid.UUID, why: Reason) -> bool:
    """Close what the note was written for; return whether it is closed. A note that is signed stands either way."""
    try:
        numbers = await visit.api.get(f"/v1/residents/{resident_id}/queue-tickets") if why.ticket else {"items": []}
        if any(one["id"] == why.ticket for one in numbers["items"]):
            await visit.api.post(f"/v1/queue-tickets/{why.ticket}/outcome", {"state": "done"})
        if why.appointment:
            await visit.api.post(f"/v1/appointments/{why.appointment}/outcome", {"status": "fulfilled"})
    except Refused:
        return False
    return True


@router.post("/{organization_id}/patients/{resident_id}/note/addenda", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def add_to_note(visit: Visitor, form: Posted, organization_id: uuid.UUID, resident_id: uuid.UUID) -> Response:
    """Add to a video visit's note what is to be said after it was signed."""
    house, why = await house_of(visit, organization_id), await reason_of(visit, form, resident_id)
    path = f"/v1/consultations/{why.consultation}/addenda"
    if trouble := await asked(visit, form, "POST", path, {"text": form.text("text", MOST_SOAP)}):
        page = await chart(visit, house, resident_id, why)
        return shown(visit, house, "patient", trouble=trouble, **page)
    return again(why.at(f"{house.address}/patients/{resident_id}"), "added")


def concept(form: Form, name: str) -> dict[str, Any]:
    """Return what was said in words, by a code, or both, as the API takes it."""
    code, system = form.text(f"{name}_code", 64), CODES.get(form.text(f"{name}_system", 20))
    found: dict[str, Any] = {"text": form.text(name, 500) or None}
    if code and system:
        found["coding"] = {"system": system, "code": code}
    return {key: value for key, value in found.items() if value}


def _entered(form: Form, kind: str) -> dict[str, Any]:
    what, note = concept(form, "what"), form.text("note", 4_000) or None
    if kind == "allergy":
        return {
            "kind": "allergy",
            "clinical_status": "active",
            "verification_status": "confirmed",
            "categories": ["medication"] if form.flag("is_drug") else [],
            "code": what,
            "note": note,
        }
    if kind == "observation":
        value, unit = form.decimal("value"), form.text("unit", 32)
        quantity = {"value": value, "unit": unit or "1"} if value is not None else None
        return {
            "kind": "observation",
            "status": "final",
            "code": what,
            "effective_at": clock.now().isoformat(),
            "quantity": quantity,
            "note": note,
        }
    if kind == "order":
        words = form.text("what", 200)
        return {
            "kind": "care_plan",
            "status": "active",
            "intent": "order",
            "title": words,
            "activities": [{"status": "not-started", "description": note or words}],
        }
    return {
        "kind": "condition",
        "clinical_status": "active",
        "verification_status": form.text("certainty", 20) or "confirmed",
        "category": "encounter-diagnosis",
        "code": what,
        "note": note,
    }


@router.post("/{organization_id}/patients/{resident_id}/records/{kind}", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def enter_record(
    visit: Visitor, form: Posted, organization_id: uuid.UUID, resident_id: uuid.UUID, kind: str
) -> Response:
    """Enter a diagnosis, an allergy, a finding or an order, as the clinic's word."""
    house, why = await house_of(visit, organization_id), await reason_of(visit, form, resident_id)
    body = {"content": _entered(form, kind), "organization_id": str(house.id)}
    if trouble := await asked(visit, form, "POST", f"/v1/residents/{resident_id}/health-records", body):
        page = await chart(visit, house, resident_id, why)
        return shown(visit, house, "patient", trouble=trouble, **page)
    return again(why.at(f"{house.address}/patients/{resident_id}"), "entered")


@router.get("/{organization_id}/patients/{resident_id}/documents/{record_id}", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_document(
    visit: Visitor, organization_id: uuid.UUID, resident_id: uuid.UUID, record_id: uuid.UUID
) -> Response:
    """Show a document with all that was ever said in it."""
    house = await house_of(visit, organization_id)
    return shown(visit, house, "document", **await _document(visit, house, resident_id, record_id))


async def _document(visit: Visit, house: House, resident_id: uuid.UUID, record_id: uuid.UUID) -> dict[str, Any]:
    path = f"/v1/residents/{resident_id}/health-records/{record_id}"
    record, versions = await asyncio.gather(visit.api.get(path), visit.api.get(f"{path}/versions", limit=_EACH))
    if record["kind"] != "document":
        raise Refused(404, {"code": "not_found", "status": 404})
    return {
        "tab": "",
        "record": record,
        "versions": versions["items"],
        "base": f"{house.address}/patients/{resident_id}",
        "is_ours": record["organization_id"] == str(house.id) and record["content"].get("note") is not None,
    }


@router.post("/{organization_id}/patients/{resident_id}/documents/{record_id}/amendment", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def amend_document(
    visit: Visitor, form: Posted, organization_id: uuid.UUID, resident_id: uuid.UUID, record_id: uuid.UUID
) -> Response:
    """Add to a signed note: what was said before stays, among the versions and in the text."""
    house = await house_of(visit, organization_id)
    path = f"/v1/residents/{resident_id}/health-records/{record_id}"
    record = await visit.api.get(path)
    said = WORDS[visit.language]["amended_by"].format(name=visit.name, at=house.there.moment(clock.now()))
    content = {key: value for key, value in record["content"].items() if value is not None}
    content |= {"doc_status": "amended", "note": f"{content.get('note', '')}\n\n{said}\n{form.text('text', 4_000)}"}
    body = {"content": content, "reason": form.text("reason", 500) or None}
    if trouble := await asked(visit, form, "PUT", path, body, form.number("version")):
        page = await _document(visit, house, resident_id, record_id)
        return shown(visit, house, "document", trouble=trouble, **page | {"typed": form.text("text", 4_000)})
    return again(f"{house.address}/patients/{resident_id}/documents/{record_id}", "amended")
