"""Putting a paper or a photo into a patient's record: what kind it is, whose word it is, what the checks say of it."""

import uuid
from dataclasses import replace
from typing import Any, Final

from starlette.responses import Response

from app.core.routing import route_options
from app.portal.clinic import charts
from app.portal.clinic.files import KINDS, LOINC, MIB, TYPES
from app.portal.clinic.knowing import House, house_of, shown
from app.portal.clinic.texts import WORDS
from app.portal.ground.asking import Refused
from app.portal.ground.changing import Trouble, trouble_of
from app.portal.ground.forms import Form, Posted
from app.portal.ground.pages import again
from app.portal.ground.routing import pages_router
from app.portal.ground.uploads import uploaded
from app.portal.ground.visits import Visit, Visitor

router = pages_router("/portal/clinic")

_MOST_BYTES: Final = 40 * MIB
"""Beyond what the API takes, so that it is its own words that are shown."""


def _content(form: Form, house: House, words: Any, upload_id: str) -> dict[str, Any]:
    kind = form.text("sort", 20)
    code, written = KINDS.get(kind, ""), form.day("written_on")
    said = words[f"sort_{kind if kind in KINDS else 'other'}"]
    content: dict[str, Any] = {
        "kind": "document",
        "title": form.text("title", 200) or said,
        "doc_status": "final",
        "media_id": upload_id,
        "note": form.text("note", 4_000) or None,
    }
    content["type"] = {"text": said, "coding": {"system": LOINC, "code": code}} if code else {"text": said}
    if written:
        content["written_at"] = house.there.midnight(written).isoformat()
    return {name: value for name, value in content.items() if value is not None}


async def _filed(visit: Visit, house: House, form: Form, resident_id: uuid.UUID) -> str | Trouble:
    """Return the record's id, or why nothing was put into it."""
    words = WORDS[visit.language]
    chosen = form.file("file")
    content = await chosen.read() if chosen is not None else b""
    kind = TYPES.get((chosen.filename or "").rpartition(".")[2].lower()) if chosen is not None else None
    if chosen is not None:
        await chosen.close()
    if not content or kind is None:
        return Trouble(422, words["no_file"] if not content else words["wrong_file"], Refused(422, {}))
    try:
        upload_id = await uploaded(visit, content, kind, "document", form.key)
        body = {"content": _content(form, house, words, upload_id), "organization_id": str(house.id)}
        made = await visit.api.post(f"/v1/residents/{resident_id}/health-records", body, key=form.key)
    except Refused as refusal:
        trouble = trouble_of(visit, refusal, WORDS)
        # A 413 is answered with a problem for machines before it reaches a browser; here it is the form that is wrong.
        return replace(trouble, status=422) if trouble.status == 413 else trouble
    return str(made["id"])


@router.post("/{organization_id}/patients/{resident_id}/documents", include_in_schema=False, max_body_size=_MOST_BYTES)
@route_options(database=False, idempotency=False)
async def file_document(visit: Visitor, form: Posted, organization_id: uuid.UUID, resident_id: uuid.UUID) -> Response:
    """Put a file into the record as the clinic's document; the patient sees it."""
    house, why = await house_of(visit, organization_id), await charts.reason_of(visit, form, resident_id)
    filed = await _filed(visit, house, form, resident_id)
    if isinstance(filed, Trouble):
        page = await charts.chart(visit, house, resident_id, why)
        given = form.given("sort", "title", "written_on", "note")
        return shown(visit, house, "patient", trouble=filed, **page | {"filing": given})
    return again(why.at(f"{house.address}/patients/{resident_id}"), "filed")
