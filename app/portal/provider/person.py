"""One of a company's people: their weekly hours, days off, what they can do until when, and whether they are sent."""

import asyncio
import re
import uuid
from typing import Any, Final

from starlette.responses import Response

from app.core.problems import NotFound
from app.core.routing import route_options
from app.portal.ground.asking import Refused
from app.portal.ground.changing import Change, Trouble
from app.portal.ground.forms import Form, Posted
from app.portal.ground.moments import length, weekday
from app.portal.ground.pages import again
from app.portal.ground.routing import pages_router
from app.portal.ground.visits import Visit, Visitor
from app.portal.provider.company import ROOT, company_of, page, refused
from app.portal.provider.order import asked
from app.portal.provider.people import MOST, skills_of

router = pages_router(f"{ROOT}/{{organization_id}}/people/{{worker_id}}")

WEEK: Final = range(1, 8)
_CODE: Final = re.compile(r"^[a-z0-9][a-z0-9_-]{0,39}$")


def weekly(hours: list[Any]) -> list[tuple[int, list[dict[str, Any]]]]:
    """Return for each weekday (1 is Monday) what is kept and a line to fill in."""
    empty = {"starts": "", "ends": "", "pause": 0, "on_holidays": False}
    found = []
    for day in WEEK:
        kept = [
            {**one, "pause": int(length(one["pause"]).total_seconds() // 60)} for one in hours if one["weekday"] == day
        ]
        found.append((day, [*kept, empty]))
    return found


def given_hours(form: Form) -> list[dict[str, Any]]:
    """Return the hours that are filled in, each line with a start or an end: what is half the API names."""
    found = []
    for day in WEEK:
        lines = zip(
            form.many(f"starts-{day}"),
            form.many(f"ends-{day}"),
            form.many(f"pause-{day}"),
            form.many(f"holidays-{day}"),
            strict=False,
        )
        found += [
            {
                "weekday": day,
                "starts": _hour(starts),
                "ends": _hour(ends),
                "pause": f"PT{int(pause) if pause.strip().isdecimal() else 0}M",
                "on_holidays": holidays == "1",
            }
            for starts, ends, pause, holidays in lines
            if starts.strip() or ends.strip()
        ]
    return found


def _hour(text: str) -> str:
    """Return ``9:00`` as ``09:00``; anything else as it is, for the API to say what is wrong with it."""
    found = re.fullmatch(r"(\d{1,2})[:：.](\d\d)", text.strip())
    return f"{int(found[1]):02}:{found[2]}" if found else text.strip()


async def _page(
    visit: Visit, organization_id: uuid.UUID, worker_id: uuid.UUID, trouble: Trouble | None = None
) -> Response:
    path = f"/v1/organizations/{organization_id}/workers/{worker_id}"
    company, worker, skills, exceptions = await asyncio.gather(
        company_of(visit, organization_id),
        visit.api.get(path),
        visit.api.get(f"{path}/skills"),
        visit.api.pages(f"{path}/exceptions", MOST),
    )
    status, said = (trouble.status, trouble.said) if trouble else (200, "")
    return page(
        visit,
        "person.html",
        company,
        "people",
        status=status,
        trouble_said=said,
        worker=worker,
        skills=skills_of(skills["items"], company.their.today()),
        exceptions=sorted(exceptions, key=lambda one: one["starts"]),
        week=weekly(worker["hours"]),
        weekdays={day: weekday(visit, day - 1) for day in WEEK},
        today=company.their.today(),
    )


@router.get("", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_person(visit: Visitor, organization_id: uuid.UUID, worker_id: uuid.UUID) -> Response:
    """Show one of a company's people."""
    return await _page(visit, organization_id, worker_id)


def exception_of(form: Form, kind: str) -> dict[str, Any]:
    """Return days off, or hours, as they are filled in: whole days without times."""
    starts_on, ends_on = form.text("starts_on", 10), form.text("ends_on", 10) or form.text("starts_on", 10)
    starts, ends = form.text("starts_time", 5), form.text("ends_time", 5)
    day = form.day("ends_on") or form.day("starts_on")
    if ends:
        until = f"{ends_on}T{ends}:00"
    else:
        until = f"{day.fromordinal(day.toordinal() + 1).isoformat()}T00:00:00" if day else ends_on
    return {"kind": kind, "starts": f"{starts_on}T{starts or '00:00'}:00", "ends": until}


def _change(form: Form, act: str, code: str) -> Change:
    """Return what a form of a person's page asks for; raises ``NotFound`` for what there is no form for."""
    if act == "hours":
        return Change("PUT", "/hours", {"hours": given_hours(form)}, form.number("version"))
    if act == "exceptions":
        kind = "extra" if form.text("kind") == "extra" else "off"
        return Change("POST", "/exceptions", exception_of(form, kind))
    if act == "suspension":
        return Change("POST", "/suspension", {"reason": form.text("reason", 2_000)})
    if act == "lifting":
        return Change("DELETE", "/suspension")
    if act == "skills":
        body = {
            "certificate_number": form.text("certificate_number", 200) or None,
            "issued_on": form.text("issued_on", 10) or None,
            "expires_on": form.text("expires_on", 10) or None,
        }
        # What is kept of a certificate's document stays with it.
        if proof := form.uuid("proof_id"):
            body["proof_id"] = str(proof)
        return Change("PUT", f"/skills/{code}", body, form.number("version"))
    acts = {"verification": "POST", "doubt": "DELETE", "removal": "DELETE"}
    if act not in acts:
        raise NotFound
    end = "" if act == "removal" else "/verification"
    return Change(acts[act], f"/skills/{code}{end}")


@router.post("/exceptions/{exception_id}/removal", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def remove_exception(
    visit: Visitor, form: Posted, organization_id: uuid.UUID, worker_id: uuid.UUID, exception_id: uuid.UUID
) -> Response:
    """Let somebody's hours be as usual again."""
    del form
    await visit.api.delete(f"/v1/organizations/{organization_id}/workers/{worker_id}/exceptions/{exception_id}")
    return again(f"{ROOT}/{organization_id}/people/{worker_id}", "as_usual")


@router.post("/{act}", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def change_person(
    visit: Visitor, form: Posted, organization_id: uuid.UUID, worker_id: uuid.UUID, act: str
) -> Response:
    """Set hours, give days off or extra hours, see to a skill, or send somebody no more."""
    code = form.text("code", 40).lower()
    if act in ("skills", "verification", "doubt", "removal") and not _CODE.fullmatch(code):
        refusal = Refused(422, {"code": "skill_code", "status": 422})
        return await _page(visit, organization_id, worker_id, refused(visit, refusal))
    change = _change(form, act, code)
    path = f"/v1/organizations/{organization_id}/workers/{worker_id}{change.path}"
    try:
        await asked(visit, form, Change(change.method, path, change.body, change.version))
    except Refused as refusal:
        return await _page(visit, organization_id, worker_id, refused(visit, refusal))
    return again(f"{ROOT}/{organization_id}/people/{worker_id}", act)
