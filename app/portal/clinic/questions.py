"""Questions between clinics: asked without a name, answered, asked once more, closed."""

import asyncio
import uuid
from typing import Annotated, Any, Final

from fastapi import Query as InQuery
from starlette.responses import Response

from app.core.routing import route_options
from app.portal.clinic import charts, composing, referring
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
MOST_WORDS: Final = 4_000
_DONE: Final = {
    "answers": "question_answers",
    "follow-ups": "question_follow_ups",
    "closure": "question_closure",
    "acknowledgement": "referral_acknowledgement",
}
Way = Annotated[str, InQuery(max_length=3)]


async def _names(visit: Visit) -> dict[str, str]:
    return {one["organization_id"]: one["name"] for one in (await visit.api.get("/v1/clinics", limit=MOST))["items"]}


async def _list(visit: Visit, house: House, way: str) -> dict[str, Any]:
    direction = "out" if way == "out" else "in"
    found, names = await asyncio.gather(
        visit.api.get(f"{house.api}/questions", direction=direction, limit=MOST), _names(visit)
    )
    return {
        "tab": "referrals",
        "way": f"q-{direction}",
        "is_in": direction == "in",
        "open": [one for one in found["items"] if one["state"] != "closed"],
        "over": [one for one in found["items"] if one["state"] == "closed"],
        "names": names,
        "said": composing.said,
        "part": address(f"{house.address}/questions/part", way=direction),
    }


@router.get("/{organization_id}/questions", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_questions(visit: Visitor, organization_id: uuid.UUID, way: Way = "in") -> Response:
    """Show what the clinic is asked, or what it asks."""
    house = await house_of(visit, organization_id)
    return shown(visit, house, "questions", **await _list(visit, house, way))


@router.get("/{organization_id}/questions/part", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_questions_part(visit: Visitor, organization_id: uuid.UUID, way: Way = "in") -> Response:
    """Show the list alone, for a page that is open."""
    house = await house_of(visit, organization_id)
    return shown(visit, house, "questions_part", **await _list(visit, house, way))


async def _one(visit: Visit, house: House, question_id: uuid.UUID) -> dict[str, Any]:
    path = f"/v1/questions/{question_id}"
    one, (records, _), names = await asyncio.gather(
        visit.api.get(path), or_why(visit.api.get(f"{path}/records")), _names(visit)
    )
    sides = (one["from_organization_id"], one["to_organization_id"])
    if str(house.id) not in sides:
        raise Refused(404, {"code": "not_found", "status": 404})
    return {
        "tab": "referrals",
        "one": one,
        "is_asked": one["to_organization_id"] == str(house.id),
        "records": records,
        "names": names,
        "said": composing.said,
        "typed": "",
        "base": f"{house.address}/questions/{question_id}",
    }


@router.get("/{organization_id}/questions/{question_id}", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_question(visit: Visitor, organization_id: uuid.UUID, question_id: uuid.UUID) -> Response:
    """Show a question with what was said, what goes with it, and what can be answered."""
    house = await house_of(visit, organization_id)
    return shown(visit, house, "question", **await _one(visit, house, question_id))


@router.post("/{organization_id}/questions/{question_id}/{act}", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def act_on_question(
    visit: Visitor, form: Posted, organization_id: uuid.UUID, question_id: uuid.UUID, act: str
) -> Response:
    """Answer a question, ask once more, close it, or take it up."""
    house = await house_of(visit, organization_id)
    if act not in _DONE:
        raise Refused(404, {"code": "not_found", "status": 404})
    text = form.text("text", MOST_WORDS)
    body = {"text": text} if act in ("answers", "follow-ups") else None
    if trouble := await asked(visit, form, "POST", f"/v1/questions/{question_id}/{act}", body):
        page = await _one(visit, house, question_id)
        return shown(visit, house, "question", trouble=trouble, **page | {"typed": text})
    return again(f"{house.address}/questions/{question_id}", _DONE[act])


async def _asking(visit: Visit, house: House, resident_id: uuid.UUID) -> dict[str, Any]:
    page = await referring.asking(visit, house, resident_id)
    # The number somebody is insured under says who they are: the API takes it along with no question.
    records = [one for one in page["records"] if one["kind"] != "coverage"]
    given = {"service": "", "text": "", "to": "", "urgency": "routine"}
    return page | {"records": records, "given": given}


@router.get("/{organization_id}/patients/{resident_id}/ask", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_asking(visit: Visitor, organization_id: uuid.UUID, resident_id: uuid.UUID) -> Response:
    """Show the form by which another clinic is asked about somebody who is not named."""
    house = await house_of(visit, organization_id)
    return shown(visit, house, "ask", **await _asking(visit, house, resident_id))


def _question(form: Form, house: House) -> dict[str, Any]:
    return {
        "specialty": charts.concept(form, "service"),
        "text": form.text("text", MOST_WORDS),
        "urgency": form.text("urgency", 10) or "routine",
        "to_organization_id": form.text("to", 40),
        "organization_id": str(house.id),
        "selection": referring.selection(form),
    }


@router.post("/{organization_id}/patients/{resident_id}/ask", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def ask(visit: Visitor, form: Posted, organization_id: uuid.UUID, resident_id: uuid.UUID) -> Response:
    """Ask another clinic about a patient: it sees what was ticked and an age, and no name."""
    house = await house_of(visit, organization_id)
    try:
        made = await visit.api.post(f"/v1/residents/{resident_id}/questions", _question(form, house), key=form.key)
    except Refused as refusal:
        trouble, page = trouble_of(visit, refusal, WORDS), await _asking(visit, house, resident_id)
        kept = {"given": form.given(*page["given"]), "ticked": referring.ticked(form)}
        return shown(visit, house, "ask", trouble=trouble, **page | kept)
    return again(f"{house.address}/questions/{made['id']}", "asked")
