"""The community's escalation plan: its versions, a picture of each ladder, a new one, and putting it in force."""

import asyncio
import uuid
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

from fastapi import Query
from starlette.responses import Response

from app.core.routing import route_options
from app.portal.ground.asking import Refused
from app.portal.ground.forms import Posted
from app.portal.ground.pages import again, show, words_of
from app.portal.ground.routing import pages_router
from app.portal.ground.visits import Operating, Visit
from app.portal.operator import ladders
from app.portal.operator.texts import WORDS
from app.portal.operator.trying import FINE, Wrong, ask_once_more, wrong

router = pages_router("/portal/operator/plans")

PAGE: Final = "/portal/operator/plans"
Step = Mapping[str, Any]


async def _known(visit: Visit) -> tuple[list[Any], dict[str, str]]:
    plans, organizations = await asyncio.gather(
        visit.api.get("/v1/escalation-plans"), visit.api.pages("/v1/organizations", 500)
    )
    return plans["items"], {one["id"]: one["name"] for one in organizations}


@router.get("", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def list_plans(visit: Operating) -> Response:
    """Show the versions of the community's plan."""
    return await _list(visit)


async def _list(visit: Visit, said: Wrong = FINE) -> Response:
    plans, organizations = await _known(visit)
    words = words_of(WORDS, visit.language)
    shown = [(plan, ladders.picture(plan["steps"], words, organizations)) for plan in plans]
    return show(
        visit,
        "operator/plans.html",
        WORDS,
        status=said.status,
        tab="plans",
        plans=shown,
        built_in=ladders.picture(ladders.BUILT_IN, words, organizations),
        is_built_in=not any(plan["state"] == "active" for plan in plans),
        wrong=said,
    )


@router.get("/new", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def begin_plan(visit: Operating, like: Annotated[uuid.UUID | None, Query()] = None) -> Response:
    """Show the form of a new plan, with the steps of another or of what is climbed without one."""
    plans, organizations = await _known(visit)
    steps: Sequence[Step] = next((plan["steps"] for plan in plans if plan["id"] == str(like)), ladders.BUILT_IN)
    return _form(visit, steps, organizations)


def _form(visit: Visit, steps: Sequence[Step], organizations: Mapping[str, str], said: Wrong = FINE) -> Response:
    free = max(0, min(2, ladders.MOST_STEPS - len(steps)))
    return show(
        visit,
        "operator/plan_new.html",
        WORDS,
        status=said.status,
        tab="plans",
        steps=[*({**ladders.BLANK, **step} for step in steps), *(ladders.BLANK for _ in range(free))],
        organizations=organizations,
        kinds=ladders.KINDS,
        channels=ladders.CHANNELS,
        roles=ladders.ROLES,
        drawn=ladders.picture(steps, words_of(WORDS, visit.language), organizations),
        wrong=said,
    )


@router.post("/new", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def write_plan(visit: Operating, form: Posted) -> Response:
    """Draw what the form has, or keep it as a draft."""
    steps = ladders.steps_of(form)
    organizations = (await _known(visit))[1]
    if not form.flag("keep"):
        return _form(visit, steps, organizations)
    try:
        await visit.api.post("/v1/escalation-plans", {"steps": steps}, key=form.key)
    except Refused as refused:
        return _form(visit, steps, organizations, wrong(visit, refused))
    return again(PAGE, "plan_kept")


@router.get("/{plan_id}/activation", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def ask_activation(visit: Operating, plan_id: uuid.UUID) -> Response:
    """Ask once more before a plan is in force."""
    return ask_once_more(visit, "plans", "activate", f"{PAGE}/{plan_id}/activation", PAGE)


@router.post("/{plan_id}/activation", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def activate_plan(visit: Operating, form: Posted, plan_id: uuid.UUID) -> Response:
    """Put a draft in force."""
    try:
        await visit.api.post(f"/v1/escalation-plans/{plan_id}/activation", key=form.key)
    except Refused as refused:
        return await _list(visit, wrong(visit, refused))
    return again(PAGE, "plan_activated")


@router.post("/desk-test", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def test_desk(visit: Operating, form: Posted) -> Response:
    """Send a test to the duty desk: somebody there has to answer it before a plan is put in force."""
    try:
        await visit.api.post("/v1/duty-desk-tests", {"channels": form.many("channels")}, key=form.key)
    except Refused as refused:
        return await _list(visit, wrong(visit, refused))
    return again(PAGE, "desk_tested")
