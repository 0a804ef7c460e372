"""The pages about one resident: read through our own HTTP API, so that no tab shows what the API would not."""

import uuid
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Annotated, Any

from fastapi import Query
from starlette.responses import Response

from app.core.routing import route_options
from app.portal.ground.asking import unless_hidden
from app.portal.ground.moments import day_named
from app.portal.ground.pages import show, words_of
from app.portal.ground.routing import pages_router
from app.portal.ground.visits import Visit, Visitor
from app.portal.residents import appointments, circle, consent, doses, home, overview, timeline, visits, vitals
from app.portal.residents.knowing import Known, known
from app.portal.residents.texts import WORDS

router = pages_router("/portal/residents")

Compose = Callable[[Known, Mapping[str, str]], Awaitable[dict[str, Any]]]


async def tab_page(
    visit: Visit, resident_id: uuid.UUID, tab: str, compose: Compose, template: str = "", **more: Any
) -> Response:
    """Return a tab of a resident, or the page that says it is not shared; raises ``Refused`` for a stranger."""
    person = await known(visit, resident_id)
    words = words_of(WORDS, visit.language)
    frame: dict[str, Any] = {"person": person, "their": person.their, "tab": tab, "tabs": person.tabs(words)}
    values = await unless_hidden(compose(person, words)) if person.shows(tab) else None
    if values is None:
        return show(visit, "residents/unshared.html", WORDS, status=403, **frame)
    return show(visit, f"residents/{template or tab}.html", WORDS, **frame, **values, **more)


@router.get("/{resident_id}", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_overview(visit: Visitor, resident_id: uuid.UUID) -> Response:
    """Show how somebody is now."""
    return await tab_page(visit, resident_id, "overview", overview.overview, trouble="")


@router.get("/{resident_id}/part", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_overview_part(visit: Visitor, resident_id: uuid.UUID) -> Response:
    """Show the part of the overview that is live."""
    return await tab_page(visit, resident_id, "overview", overview.overview, "now")


@router.get("/{resident_id}/timeline", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_timeline(
    visit: Visitor,
    resident_id: uuid.UUID,
    cursor: Annotated[str | None, Query(max_length=512)] = None,
    group: Annotated[str, Query(max_length=20)] = "",
) -> Response:
    """Show what happened, by days."""

    async def compose(person: Known, _: Mapping[str, str]) -> dict[str, Any]:
        return await timeline.timeline(person, cursor, group)

    return await tab_page(visit, resident_id, "timeline", compose)


@router.get("/{resident_id}/timeline/part", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_timeline_part(visit: Visitor, resident_id: uuid.UUID) -> Response:
    """Show the part of the timeline that is live: its latest page."""

    async def compose(person: Known, _: Mapping[str, str]) -> dict[str, Any]:
        return await timeline.timeline(person, None, "")

    return await tab_page(visit, resident_id, "timeline", compose, "days")


@router.get("/{resident_id}/vitals", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_vitals(visit: Visitor, resident_id: uuid.UUID, days: int = 30) -> Response:
    """Show what was measured."""
    period = days if days in vitals.PERIODS else 30
    return await tab_page(visit, resident_id, "vitals", partial(vitals.vitals, days=period), trouble="", given={})


@router.get("/{resident_id}/doses", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_doses(visit: Visitor, resident_id: uuid.UUID) -> Response:
    """Show what somebody takes."""
    return await tab_page(visit, resident_id, "doses", doses.doses, trouble="")


@router.get("/{resident_id}/visits", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_visits(visit: Visitor, resident_id: uuid.UUID) -> Response:
    """Show who comes."""
    return await tab_page(visit, resident_id, "visits", visits.visits)


@router.get("/{resident_id}/visits/{visit_id}", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_visit(visit: Visitor, resident_id: uuid.UUID, visit_id: uuid.UUID) -> Response:
    """Show one visit: who came, what was done, what was written."""

    async def compose(person: Known, words: Mapping[str, str]) -> dict[str, Any]:
        return await visits.one_visit(person, visit_id, words)

    return await tab_page(visit, resident_id, "visits", compose, "visit")


@router.get("/{resident_id}/home", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_home(visit: Visitor, resident_id: uuid.UUID, day: Annotated[str, Query(max_length=10)] = "") -> Response:
    """Show how a day went at home."""
    return await tab_page(visit, resident_id, "home", partial(home.home, day=day_named(day)))


@router.get("/{resident_id}/appointments", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_appointments(visit: Visitor, resident_id: uuid.UUID) -> Response:
    """Show what is arranged with clinics."""
    return await tab_page(visit, resident_id, "appointments", appointments.appointments)


@router.get("/{resident_id}/circle", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_circle(visit: Visitor, resident_id: uuid.UUID) -> Response:
    """Show who is called."""
    return await tab_page(visit, resident_id, "circle", circle.circle)


@router.get("/{resident_id}/consent", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_consent(visit: Visitor, resident_id: uuid.UUID) -> Response:
    """Show what is shared, and why."""
    return await tab_page(visit, resident_id, "consent", consent.consent)
