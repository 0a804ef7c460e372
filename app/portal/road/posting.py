"""What carers say of a visit from its page: on the way, there, done, given, measured, written, gone."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final
from uuid import UUID

from starlette.responses import Response

from app.core import clock
from app.core.routing import route_options
from app.portal.ground.asking import Refused
from app.portal.ground.forms import Form, Posted
from app.portal.ground.measuring import readings_of
from app.portal.ground.pages import again, words_of
from app.portal.ground.routing import pages_router
from app.portal.ground.uploads import uploaded
from app.portal.ground.visits import Visit, Visitor
from app.portal.offline.giving import given_at
from app.portal.road.refusing import instead, why
from app.portal.road.routes import TYPED, page, visit_page
from app.portal.road.texts import WORDS

router = pages_router("/portal/road/visits/{visit_id}")

_MOST_WORDS: Final = 300
_CONFLICT: Final = 409
_MOST_BYTES: Final = 25 * 2**20
"""What no phone's camera reaches, and the API would refuse in the end."""
Asked = Callable[[], Awaitable[Any]]


async def _said(visit: Visit, form: Form, visit_id: UUID, done: str, asked: Asked) -> Response:
    """Return the visit's page after something was said of it, or with why it was not taken."""
    try:
        await asked()
    except Refused as refusal:
        return await _not_taken(visit, form, visit_id, why(visit, refusal), refusal.code)
    return again(f"/portal/road/visits/{visit_id}", done)


async def _not_taken(visit: Visit, form: Form, visit_id: UUID, said: str, code: str = "") -> Response:
    """Return the page that says why; a script is told what may be sent instead, too."""
    offer = instead(visit, code)
    visit.request.state.trouble_said, visit.request.state.trouble_decide = said, offer
    given = form.given(*TYPED)
    task = form.text("task_id", 40) if code == "task_recorded" else ""
    try:
        return await visit_page(visit, visit_id, status=_CONFLICT, trouble=said, given=given, sure=task)
    except Refused:  # it may not even be seen any more: what was given is answered all the same
        return page(visit, "ground/trouble.html", status=_CONFLICT, said=said, status_code=_CONFLICT)


def _with_time(form: Form, **body: Any) -> dict[str, Any]:
    """Return what is told to the API, with when it was given where the phone says so."""
    at = given_at(form)
    return body if at is None else {**body, "occurred_at": at.isoformat()}


@router.post("/en-route", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def set_out(visit: Visitor, form: Posted, visit_id: UUID) -> Response:
    """Say that one is on the way."""

    async def ask() -> None:
        await visit.api.post(f"/v1/visits/{visit_id}/en-route", _with_time(form), key=form.key)

    return await _said(visit, form, visit_id, "en_route", ask)


@router.post("/arrival", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def arrive(visit: Visitor, form: Posted, visit_id: UUID) -> Response:
    """Say that one is there, and how that can be seen."""
    return await _be(visit, form, visit_id, "arrival", {})


@router.post("/departure", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def leave(visit: Visitor, form: Posted, visit_id: UUID) -> Response:
    """Say that one leaves, and why something was left undone."""
    reason = form.text("unfinished_reason", _MOST_WORDS)
    return await _be(visit, form, visit_id, "departure", {"unfinished_reason": reason} if reason else {})


async def _be(visit: Visit, form: Form, visit_id: UUID, step: str, more: Mapping[str, Any]) -> Response:
    proofs = proofs_of(form)
    if not proofs:
        said = words_of(WORDS, visit.language)["proof_missing"]
        return await _not_taken(visit, form, visit_id, said)

    async def ask() -> None:
        await _first_that_proves(visit, form, f"/v1/visits/{visit_id}/{step}", proofs, more)

    return await _said(visit, form, visit_id, step, ask)


async def _first_that_proves(
    visit: Visit, form: Form, path: str, proofs: list[dict[str, Any]], more: Mapping[str, Any]
) -> None:
    """Say it with the first proof that holds; raises ``Refused`` where none does."""
    for number, proof in enumerate(proofs):
        # Each is a request of its own: what one was answered says nothing of the next.
        key = f"{form.key}-{proof['how']}" if form.key else None
        try:
            await visit.api.post(path, _with_time(form, proof=proof, **more), key=key)
        except Refused as refusal:
            if refusal.code != "presence_not_proven" or number == len(proofs) - 1:
                raise
        else:
            return


@router.post("/ticks", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def tick(visit: Visitor, form: Posted, visit_id: UUID) -> Response:
    """Say what became of a task."""
    is_done = form.text("is_done", 1) == "1"
    reason = form.text("reason", _MOST_WORDS)
    if not is_done and not reason:
        return await _not_taken(visit, form, visit_id, words_of(WORDS, visit.language)["reason_missing"])
    body = {
        "task_id": form.text("task_id", 40),
        "is_done": is_done,
        "reason": None if is_done else reason,
        "confirmed": form.flag("confirmed"),
    }

    async def ask() -> None:
        await visit.api.post(f"/v1/visits/{visit_id}/ticks", _with_time(form, **body), key=form.key)

    return await _said(visit, form, visit_id, "tick", ask)


@router.post("/doses/{dose_id}/record", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def record_dose(visit: Visitor, form: Posted, visit_id: UUID, dose_id: UUID) -> Response:
    """Say that a medicine was given, or why it was not."""
    status, at = form.text("status", 10), given_at(form)
    body: dict[str, Any]
    if status == "taken":
        body = {"status": "taken", "how": "gave", "taken_at": at.isoformat() if at else None}
    elif status == "skipped":
        body = {"status": "skipped", "how": "saw", "skip_reason": form.text("skip_reason", 20) or "other"}
        if note := form.text("note", _MOST_WORDS):
            body["note"] = note
    else:
        # What is not said is not written down as left out.
        return await _not_taken(visit, form, visit_id, words_of(WORDS, visit.language)["trouble_not_taken"])

    async def ask() -> None:
        await visit.api.post(f"/v1/visits/{visit_id}/doses/{dose_id}/record", body, key=form.key)

    return await _said(visit, form, visit_id, "dose", ask)


@router.post("/notes", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def write_note(visit: Visitor, form: Posted, visit_id: UUID) -> Response:
    """Write something down, or leave a word for whoever comes next."""
    text = form.text("text", 4_000)
    if not text:
        return await _not_taken(visit, form, visit_id, words_of(WORDS, visit.language)["note_missing"])
    body = {"kind": "handover" if form.text("kind", 20) == "handover" else "note", "text": text}

    async def ask() -> None:
        await visit.api.post(f"/v1/visits/{visit_id}/notes", _with_time(form, **body), key=form.key)

    return await _said(visit, form, visit_id, "note", ask)


@router.post("/photos", include_in_schema=False, max_body_size=_MOST_BYTES + 65_536)
@route_options(database=False, idempotency=False)
async def add_photo(visit: Visitor, form: Posted, visit_id: UUID) -> Response:
    """Add a picture that was taken."""
    try:
        picture = form.file("photo")
        if picture is None:
            return await _not_taken(visit, form, visit_id, words_of(WORDS, visit.language)["photo_missing"])

        async def ask() -> None:
            if (picture.size or 0) > _MOST_BYTES:
                raise Refused(413, {"code": "upload_too_large", "status": 413})
            content, kind = await picture.read(), picture.content_type or ""
            upload_id = await uploaded(visit, content, kind, "photo", form.key)
            await visit.api.post(f"/v1/visits/{visit_id}/photos", _with_time(form, upload_id=upload_id), key=form.key)

        return await _said(visit, form, visit_id, "photo", ask)
    finally:
        await form.fields.close()


@router.post("/readings", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def add_reading(visit: Visitor, form: Posted, visit_id: UUID) -> Response:
    """Write down what was measured."""
    resident_id = await _resident_of(visit, visit_id)
    readings = readings_of(form, (given_at(form) or clock.now()).isoformat())
    if readings is None:
        return await _not_taken(visit, form, visit_id, words_of(WORDS, visit.language)["reading_missing"])

    async def ask() -> None:
        body = {"mode": "atomic", "readings": readings}
        await visit.api.post(f"/v1/residents/{resident_id}/vitals", body, key=form.key)

    return await _said(visit, form, visit_id, "reading", ask)


@router.post("/help", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def call_for_help(visit: Visitor, form: Posted, visit_id: UUID) -> Response:
    """Call everybody: the resident needs help now."""
    resident_id = await _resident_of(visit, visit_id)
    body = {"kind": "fall" if form.text("kind", 20) == "fall" else "concern", "severity": "critical"}
    if note := form.text("note", 2_000):
        body["note"] = note
    path = f"/v1/residents/{resident_id}/alarms"
    alarm = await visit.api.post(path, _with_time(form, **body), key=form.key)
    return again(f"/portal/alarms/{alarm['id']}")


async def _resident_of(visit: Visit, visit_id: UUID) -> str:
    return str((await visit.api.get(f"/v1/visits/{visit_id}"))["resident_id"])


def proofs_of(form: Form) -> list[dict[str, Any]]:
    """Return what a form has to prove that somebody is at a door, the best first; nothing where it has nothing."""
    if code := door_code(form.text("code", 400)):
        # A tag and a printed code hold the same kind of text: which of the two it was, the page may not know.
        hows = ("qr", "tag") if form.text("how", 10) == "qr" else ("tag", "qr")
        return [{"how": how, "code": code} for how in hows]
    latitude, longitude, accuracy = (form.decimal(name) for name in ("latitude", "longitude", "accuracy"))
    if latitude is not None and longitude is not None:
        place = {
            "latitude": latitude,
            "longitude": longitude,
            "accuracy": accuracy if accuracy is not None else 100_000,
        }
        return [{"how": "gps", **place}]
    reason = form.text("reason", _MOST_WORDS)
    return [{"how": "manual", "reason": reason}] if reason else []


def door_code(text: str) -> str:
    """Return the code of a door: as it stands on a tag, or at the end of an address that a tag opens."""
    code = text.rpartition("#")[2].strip()
    return code if 8 <= len(code) <= 100 else ""
