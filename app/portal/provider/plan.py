"""The plan of a day: who does what when, how far that is, what nobody does yet, and what the planner would do."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

from fastapi import Query
from starlette.responses import Response

from app.core import clock
from app.core.problems import NotFound
from app.core.routing import route_options
from app.portal.ground.asking import Refused, unless_hidden
from app.portal.ground.changing import Change, Trouble
from app.portal.ground.forms import Posted
from app.portal.ground.moments import instant, length
from app.portal.ground.pages import address, again, words_of
from app.portal.ground.routing import pages_router
from app.portal.ground.visits import Visit, Visitor
from app.portal.provider import composing
from app.portal.provider.axis import Line, Said, Task, day_axis
from app.portal.provider.board import orders_of
from app.portal.provider.company import ROOT, Company, Day, Json, company_of, page, refused
from app.portal.provider.map import Route, Spot, day_map
from app.portal.provider.order import AHEAD, asked, window
from app.portal.provider.texts import WORDS

router = pages_router(f"{ROOT}/{{organization_id}}/plan")

CAUSES: Final = ("unassigned", "held_up")
Plan = Annotated[str, Query(alias="plan", max_length=40)]


@dataclass(frozen=True, slots=True)
class Going:
    """Something a worker does, as the table says it."""

    order: Json | None
    starts_at: str
    ends_at: str
    way: timedelta | None
    gap: timedelta | None
    """How long they have nothing to do before it, the way left out."""
    problem: str
    """``late`` or ``outside_hours``, empty for none."""


@dataclass(frozen=True, slots=True)
class Row:
    """A worker's day as the table says it."""

    worker: Json
    going: Sequence[Going]

    @property
    def is_off(self) -> bool:
        """Say whether they are not there that day."""
        return not self.worker["hours"]


def rows(days: Json, orders: Mapping[str, Json]) -> list[Row]:
    """Return everybody's day."""
    return [Row(worker, list(_going(worker, orders))) for worker in days["items"]]


def _going(worker: Json, orders: Mapping[str, Json]) -> Iterable[Going]:
    free_from: datetime | None = None
    for task in worker["tasks"]:
        start, end = instant(task["starts_at"]), instant(task["ends_at"])
        way = None if task["way"] is None else length(task["way"])
        gap = None if free_from is None else start - free_from - (way or timedelta())
        problem = "late" if task["is_late"] else "outside_hours" if task["is_outside_hours"] else ""
        yield Going(orders.get(task["order_id"] or ""), task["starts_at"], task["ends_at"], way, gap, problem)
        free_from = end if free_from is None else max(end, free_from)


def _lines(found: Sequence[Row], proposed: Mapping[str, list[Task]], company: Company, other: str) -> list[Line]:
    zone = ZoneInfo(company.days["time_zone"])
    lines = []
    for row in found:
        tasks = [
            Task(
                company.services.get(one.order["service_id"], "") if one.order else other,
                instant(one.starts_at).astimezone(zone),
                instant(one.ends_at).astimezone(zone),
                "conflict" if one.problem == "late" else "order" if one.order else "other",
                one.way,
                one.order["id"] if one.order and one.order["state"] in AHEAD else "",
            )
            for one in row.going
        ]
        tasks += proposed.get(row.worker["account_id"], [])
        hours = [(_local(one["starts_at"], zone), _local(one["ends_at"], zone)) for one in row.worker["hours"]]
        by_time = sorted(tasks, key=lambda one: one.starts_at)
        lines.append(Line(row.worker["worker"], hours, by_time, row.worker["account_id"]))
    return lines


def _local(value: str, zone: ZoneInfo) -> datetime:
    return instant(value).astimezone(zone)


def _proposed(plan: Json | None, orders: Mapping[str, Json], company: Company) -> dict[str, list[Task]]:
    """Return what a plan would have people do, by whom, while it is a proposal."""
    found: dict[str, list[Task]] = {}
    if plan is None or plan["state"] != "proposed":
        return found
    zone = ZoneInfo(company.days["time_zone"])
    for stop in plan["stops"]:
        order = orders.get(stop["item_id"])
        label = company.services.get(order["service_id"], "") if order else ""
        for account in stop["people"]:
            span = (_local(stop["starts_at"], zone), _local(stop["ends_at"], zone))
            found.setdefault(account, []).append(Task(label, *span, "new"))
    return found


def _map(visit: Visit, found: Sequence[Row], orders: Sequence[Json]) -> Any:
    words = words_of(WORDS, visit.language)
    routes, numbers = [], {one["id"]: str(place) for place, one in enumerate(orders, 1)}
    for row in found:
        spots = [
            Spot(numbers[one.order["id"]], one.order["latitude"], one.order["longitude"], "home")
            for one in row.going
            if one.order and one.order["latitude"] is not None
        ]
        worker = row.worker
        if spots and worker["latitude"] is not None:
            spots.insert(0, Spot(worker["worker"], worker["latitude"], worker["longitude"], "start"))
        if spots:
            routes.append(Route(worker["worker"], spots))
    alone = [
        Spot(numbers[one["id"]], one["latitude"], one["longitude"], "open")
        for one in orders
        if one["state"] == "placed" and one["latitude"] is not None
    ]
    alone += [
        Spot(one["worker"] or "", one["position"]["latitude"], one["position"]["longitude"], "seen")
        for one in orders
        if one["position"]
    ]
    return day_map(words["map_title"], words["map_about"], routes, alone), numbers


async def _plan(visit: Visit, organization_id: uuid.UUID, day: str, plan_id: str) -> tuple[Company, dict[str, Any]]:
    company = await company_of(visit, organization_id, day)
    orders = [one for one in await orders_of(visit, company) if one["state"] not in composing.OVER]
    by_id = {one["id"]: one for one in orders}
    plan = await _shown_plan(visit, company, plan_id)
    words = words_of(WORDS, visit.language)
    found = rows(company.days, by_id)
    zone = ZoneInfo(company.days["time_zone"])
    span = (_local(company.days["starts_at"], zone), _local(company.days["ends_at"], zone))
    there = [row for row in found if row.going or not row.is_off]
    lines = _lines(there, _proposed(plan, by_id, company), company, words["something_else"])
    said = Said(words["axis_title"], words["axis_about"], company.their.clock)
    drawn, numbers = _map(visit, found, orders)
    return company, {
        "rows": there,
        "off": [row for row in found if row.is_off],
        "orders": orders,
        "by_id": by_id,
        "windows": {one["id"]: window(one, clock.now()) for one in orders if one["state"] in AHEAD},
        "numbers": numbers,
        "open_orders": [one for one in orders if one["state"] == "placed"],
        "conflicts": sum(1 for row in found for one in row.going if one.problem),
        "axis": day_axis(said, span, lines, clock.now().astimezone(zone)),
        "map": drawn,
        "plan": plan,
        "part": address(f"{company.root}/plan/part", day=company.day, plan=plan_id),
        "before": company.day - timedelta(days=1),
        "after": company.day + timedelta(days=1),
        "is_today": company.day == company.their.today(),
        "is_past": company.day < company.their.today(),
    }


async def _shown_plan(visit: Visit, company: Company, plan_id: str) -> Json | None:
    try:
        asked_for = uuid.UUID(plan_id)
    except ValueError:
        return None
    found: Json | None = await unless_hidden(visit.api.get(f"/v1/organizations/{company.id}/day-plans/{asked_for}"))
    return found


async def _page(
    visit: Visit, organization_id: uuid.UUID, day: str, plan_id: str, trouble: Trouble | None = None
) -> Response:
    company, shown = await _plan(visit, organization_id, day, plan_id)
    status, said = (trouble.status, trouble.said) if trouble else (200, "")
    return page(visit, "plan.html", company, "plan", status=status, trouble_said=said, **shown)


@router.get("", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_plan(visit: Visitor, organization_id: uuid.UUID, day: Day = "", plan_id: Plan = "") -> Response:
    """Show the plan of a day, with what the planner proposes if it was asked."""
    return await _page(visit, organization_id, day, plan_id)


@router.get("/part", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_plan_part(visit: Visitor, organization_id: uuid.UUID, day: Day = "", plan_id: Plan = "") -> Response:
    """Show what changes about the plan, for a page that is open."""
    company, shown = await _plan(visit, organization_id, day, plan_id)
    return page(visit, "plan_part.html", company, "plan", **shown)


@router.post("/proposals", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def propose_plan(visit: Visitor, form: Posted, organization_id: uuid.UUID) -> Response:
    """Ask the planner: who goes to what nobody goes to, or who goes in the place of those who are held up."""
    day, cause = form.text("day", 10), form.text("cause", 20)
    body = {"date": day, "cause": cause if cause in CAUSES else CAUSES[0]}
    try:
        plan = await visit.api.post(f"/v1/organizations/{organization_id}/day-plans", body, key=form.key)
    except Refused as refusal:
        return await _page(visit, organization_id, day, "", refused(visit, refusal))
    return again(f"{ROOT}/{organization_id}/plan?{_query(day, plan['id'])}", "proposed")


@router.post("/{plan_id}/acceptance", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def accept_plan(visit: Visitor, form: Posted, organization_id: uuid.UUID, plan_id: uuid.UUID) -> Response:
    """Carry out what the planner proposed, all of it or nothing."""
    day = form.text("day", 10)
    path = f"/v1/organizations/{organization_id}/day-plans/{plan_id}/acceptance"
    try:
        await asked(visit, form, Change("POST", path))
    except Refused as refusal:
        if refusal.status in (NotFound.status, 403):
            raise
        return await _page(visit, organization_id, day, str(plan_id), refused(visit, refusal))
    return again(f"{ROOT}/{organization_id}/plan?{_query(day, str(plan_id))}", "carried_out")


def _query(day: str, plan_id: str) -> str:
    return address("", day=day, plan=plan_id).removeprefix("?")
