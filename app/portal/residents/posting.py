"""What is written from the pages about one resident, through our own HTTP API."""

import uuid
from datetime import timedelta
from functools import partial
from typing import Final

from starlette.responses import Response

from app.core import clock
from app.core.routing import route_options
from app.portal.ground.asking import Refused
from app.portal.ground.forms import Form, Posted
from app.portal.ground.measuring import readings_of
from app.portal.ground.pages import again, words_of
from app.portal.ground.routing import pages_router
from app.portal.ground.their import Their
from app.portal.ground.visits import Visit, Visitor
from app.portal.residents import doses, vitals
from app.portal.residents.knowing import known
from app.portal.residents.overview import overview
from app.portal.residents.routes import tab_page
from app.portal.residents.texts import WORDS

router = pages_router("/portal/residents")

_ABOUT: Final = "/portal/residents"
_ANSWERED: Final = (409, 422)
_AHEAD: Final = timedelta(minutes=2)  # by which the clock beside the scales may be fast
_LAST_EVENING: Final = timedelta(hours=6)


@router.post("/{resident_id}/pauses", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def pause_check_ins(visit: Visitor, form: Posted, resident_id: uuid.UUID) -> Response:
    """Say that nobody is to be asked, from one day there until the end of another."""
    person = await known(visit, resident_id)
    since, until = form.day("since"), form.day("until")
    if until is None or (since is not None and since > until):
        return await _overview_again(visit, resident_id)
    body = {
        "kind": "hospital" if form.text("kind", 20) == "hospital" else "away",
        "starts_at": person.their.midnight(since).isoformat() if since and since > person.their.today() else None,
        "ends_at": person.their.midnight(until).replace(hour=23, minute=59).isoformat(),
    }
    try:
        await visit.api.post(f"/v1/residents/{resident_id}/check-in-pauses", body, key=form.key)
    except Refused as refusal:
        _answerable(refusal)
        return await _overview_again(visit, resident_id)
    return again(f"{_ABOUT}/{resident_id}", "paused")


@router.post("/{resident_id}/pauses/{pause_id}/end", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def end_pause(visit: Visitor, form: Posted, resident_id: uuid.UUID, pause_id: uuid.UUID) -> Response:
    """Say that somebody is back: they are asked again."""
    del form
    await visit.api.delete(f"/v1/residents/{resident_id}/check-in-pauses/{pause_id}")
    return again(f"{_ABOUT}/{resident_id}", "pause_ended")


@router.post("/{resident_id}/doses/{dose_id}/record", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def record_dose(visit: Visitor, form: Posted, resident_id: uuid.UUID, dose_id: uuid.UUID) -> Response:
    """Write down what came of a dose."""
    status = form.text("status", 10)
    if status not in ("taken", "skipped"):
        # What is not said is not written down as left out.
        said = words_of(WORDS, visit.language)["dose_refused"]
        return await tab_page(visit, resident_id, "doses", doses.doses, trouble=said)
    taken = status == "taken"
    is_self = visit.actor.resident_id == resident_id
    body = {
        "status": "taken" if taken else "skipped",
        "how": None if is_self else form.text("how", 10) or "told",
        "skip_reason": None if taken else form.text("skip_reason", 20) or "other",
    }
    try:
        await visit.api.post(f"/v1/residents/{resident_id}/doses/{dose_id}/record", body, key=form.key)
    except Refused as refusal:
        _answerable(refusal)
        said = words_of(WORDS, visit.language)["dose_refused"]
        return await tab_page(visit, resident_id, "doses", doses.doses, trouble=said)
    return again(f"{_ABOUT}/{resident_id}/doses", "recorded")


@router.post("/{resident_id}/vitals", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def record_vital(visit: Visitor, form: Posted, resident_id: uuid.UUID) -> Response:
    """Write down what a helper measured just now, or earlier today."""
    person = await known(visit, resident_id)
    measured_at = _measured_at(form, person.their)
    readings = None if measured_at is None else readings_of(form, measured_at)
    if readings is None:
        return await _not_right(visit, form, resident_id)
    try:
        await visit.api.post(
            f"/v1/residents/{resident_id}/vitals", {"mode": "atomic", "readings": readings}, key=form.key
        )
    except Refused as refusal:
        _answerable(refusal)
        return await _not_right(visit, form, resident_id)
    return again(f"{_ABOUT}/{resident_id}/vitals", "measured")


@router.post("/{resident_id}/grants/{grant_id}/revoke", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def revoke_grant(visit: Visitor, form: Posted, resident_id: uuid.UUID, grant_id: uuid.UUID) -> Response:
    """End what somebody may see, at once."""
    del form
    await visit.api.delete(f"/v1/residents/{resident_id}/grants/{grant_id}")
    return again(f"{_ABOUT}/{resident_id}/consent", "revoked")


def _measured_at(form: Form, their: Their) -> str | None:
    """Return when it was measured: now, or the given time there, which has been today or late last evening.

    ``None`` for what is no time, or one that is ahead: a reading under the wrong time misleads whoever treats by it.
    """
    now, at = clock.now(), form.time("at")
    if not form.text("at"):
        return now.isoformat()
    if at is None:
        return None
    today = their.midnight(their.today()).replace(hour=at.hour, minute=at.minute)
    if today <= now + _AHEAD:
        return min(today, now).isoformat()
    before = their.midnight(their.today() - timedelta(days=1)).replace(hour=at.hour, minute=at.minute)
    return before.isoformat() if now - before <= _LAST_EVENING else None


async def _not_right(visit: Visit, form: Form, resident_id: uuid.UUID) -> Response:
    """Return the page again with what was typed, and what is wrong with it."""
    said = words_of(WORDS, visit.language)["reading_refused"]
    given = form.given("kind", "value", "lower", "at")
    return await tab_page(visit, resident_id, "vitals", partial(vitals.vitals, days=30), trouble=said, given=given)


async def _overview_again(visit: Visit, resident_id: uuid.UUID) -> Response:
    said = words_of(WORDS, visit.language)["pause_refused"]
    return await tab_page(visit, resident_id, "overview", overview, trouble=said)


def _answerable(refusal: Refused) -> None:
    """Raise the refusal again unless it is about what was filled in."""
    if refusal.status not in _ANSWERED:
        raise refusal
