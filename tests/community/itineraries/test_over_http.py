"""Days out over HTTP: planned with reasons, changed, booked all or nothing, shared, taken along."""

import uuid
from datetime import datetime
from typing import Any

import pytest
import sqlalchemy as sa
from icalendar import Calendar

from app.core import clock as clocks
from app.core.database import unit_of_work
from app.core.tables import table_of
from app.identity.models import Grant
from app.reservations.api import Portion, allocate
from community.itineraries.models import Itinerary
from community.itineraries.service.telling import concerned
from community.ticketing.models import TicketSlot
from tests.community.itineraries.conftest import DAY, Body, Scene, at
from tests.factories import identity, sign_in

pytestmark = pytest.mark.asyncio(loop_scope="session")


def hours(plan: Body) -> dict[str, str]:
    """Return at which time on the wall one goes in where."""
    return {one["name"]["en"]: local(one["enters_at"]) for one in plan["stops"]}


def local(instant: str) -> str:
    shift = datetime.fromisoformat(instant) - at(0)
    return f"{shift.seconds // 3600:02}:{shift.seconds % 3600 // 60:02}"


async def fill(slot: TicketSlot, persons: int) -> None:
    async with unit_of_work() as session:
        await allocate(session, [Portion(slot.pool_id, persons, slot.id)], origin_kind="test")


async def test_a_day_is_planned_with_a_reason_for_each_stop(scene: Scene) -> None:
    plan = await scene.planned()
    assert plan["left_out"] == []
    assert set(hours(plan)) == {"Silk Museum", "Cloud Temple", "Garden of the Retired Official"}
    assert hours(plan)["Cloud Temple"] == "10:00"
    temple = next(one for one in plan["stops"] if one["name"]["en"] == "Cloud Temple")
    assert (temple["why"], temple["reason"]["en"]) == ("only_time", "10:00 is the only time with room.")
    assert temple["reason"]["zh-CN"] == "只有 10:00 还有余位。"
    assert (plan["price"], plan["currency"], plan["is_exact"]) == (15_000, "CNY", True)
    assert [one["day"] for one in plan["days"]] == [DAY]
    assert plan["asked"]["wishes"][0]["stay"] == "PT1H"
    assert (await scene.ask("GET", scene.path))["items"][0]["id"] == plan["id"]
    again = await scene.planned()
    assert [(one["attraction_id"], one["enters_at"]) for one in again["stops"]] == [
        (one["attraction_id"], one["enters_at"]) for one in plan["stops"]
    ]


async def test_what_is_left_out_is_said_with_the_reason(scene: Scene) -> None:
    await fill(scene.morning[0], 9)
    full = await scene.planned()
    assert [(one["name"]["en"], one["why"]) for one in full["left_out"]] == [("Cloud Temple", "sold_out")]
    assert full["left_out"][0]["reason"]["en"] == "No time on these days has room for all of you."
    dear = await scene.planned(budget=11_999)
    assert ("Silk Museum", "budget_alone") in [(one["name"]["en"], one["why"]) for one in dear["left_out"]]
    needs = {"is_step_free_only": True, "rest_every": "PT45M", "needs_toilet": True}
    careful = await scene.planned(needs=needs)
    # Whether the temple has steps nobody has said: that cannot be relied on.
    assert ("Cloud Temple", "not_step_free") in [(one["name"]["en"], one["why"]) for one in careful["left_out"]]
    assert [pause["kind"] for one in careful["stops"] for pause in one["pauses"]]


async def test_medication_is_planned_for_and_hidden_from_who_only_comes_along(scene: Scene) -> None:
    plan = await scene.planned(needs={"medications": ["11:30"]})
    kinds = [pause["kind"] for one in plan["stops"] for pause in one["pauses"]]
    mei = await identity.account(scene.place, name="Mei", phone="+8613800000009")
    along = await sign_in.session_of(mei)
    path = f"/v1/itineraries/{plan['id']}"
    await scene.ask("GET", path, by=along, expect=404)
    await scene.ask("POST", f"{path}/companions", {"account_id": str(mei.id)}, expect=204)
    seen = await scene.seen(plan, by=along)
    assert (seen["asked"], seen["left_out"], seen["companions"]) == (None, [], [str(mei.id)])
    assert {pause["kind"] for one in seen["stops"] for pause in one["pauses"]} <= {"rest"}
    assert "medication" in kinds or local(plan["stops"][0]["leaves_for_at"]) >= "11:00"
    listed = await scene.ask("GET", "/v1/me/itineraries-along", by=along)
    assert [one["id"] for one in listed["items"]] == [plan["id"]]
    await scene.ask("PUT", path, scene.wish(), by=along, expect=403)
    await scene.ask("DELETE", f"{path}/companions/{mei.id}", expect=204)
    await scene.seen(plan, by=along, expect=404)
    stranger = {"account_id": str(scene.place.id)}
    problem = await scene.ask("POST", f"{path}/companions", stranger, expect=422)
    assert problem["errors"][0]["code"] == "unknown_id"


async def test_whom_somebody_let_come_along_sees_no_more_than_they_themselves_may(scene: Scene) -> None:
    plan = await scene.planned()
    path = f"/v1/itineraries/{plan['id']}"
    mei = await identity.account(scene.place, name="Mei", phone="+8613800000009")
    along = await sign_in.session_of(mei)
    for account in (mei, scene.ann):
        body = {"account_id": str(account.id)}
        await scene.ask("POST", f"{path}/companions", body, by=scene.daughter, expect=204)
    await scene.seen(plan, by=along)
    table = table_of(Grant)
    async with unit_of_work() as session:
        await session.execute(
            sa.update(table).where(table.c.grantee_account_id == scene.ann.id).values(revoked_at=clocks.now())
        )
    for by in (along, scene.daughter):
        await scene.seen(plan, by=by, expect=404)
        assert (await scene.ask("GET", "/v1/me/itineraries-along", by=by))["items"] == []
    async with unit_of_work() as session:
        row = await session.get_one(Itinerary, uuid.UUID(plan["id"]))
        assert await concerned(session, row) == [row.account_id]
    # Whom the resident lets come along comes along.
    await scene.ask("POST", f"{path}/companions", {"account_id": str(mei.id)}, expect=204)
    await scene.seen(plan, by=along)


async def test_every_stop_is_booked_in_one_go(scene: Scene) -> None:
    plan = await scene.planned(by=scene.daughter)
    problem = await scene.booked(plan, total=1, expect=409)
    assert (problem["code"], problem["total"]) == ("plan_price_changed", 15_000)
    booked = await scene.booked(plan, by=scene.daughter)
    states = {one["name"]["en"]: one["booking"] for one in booked["stops"]}
    assert states == {"Silk Museum": "booked", "Cloud Temple": "booked", "Garden of the Retired Official": "none"}
    assert (await scene.booked(booked, expect=409))["code"] == "nothing_to_book"


async def test_one_that_is_refused_is_named_and_nothing_is_booked(scene: Scene) -> None:
    plan = await scene.planned()
    await fill(scene.morning[0], 9)
    problem = await scene.booked(plan, expect=409)
    assert (problem["code"], problem["because"]) == ("booking_refused", "pool_exhausted")
    assert [one["attraction_id"] for one in problem["stops"]] == [str(scene.temple.id)]
    assert {one["booking"] for one in (await scene.seen(plan))["stops"]} == {"none"}
    # Nothing of the museum is held: all ten can still be had.
    museum = next(one for one in plan["stops"] if one["attraction_id"] == str(scene.museum.id))
    await fill(next(one for one in scene.slots if str(one.id) == museum["slot_id"]), 10)


async def test_a_plan_is_changed_around_what_is_booked(scene: Scene) -> None:
    plan = await scene.booked(await scene.planned())
    path, tag = f"/v1/itineraries/{plan['id']}", {"If-Match": f'"{plan["version"]}"'}
    fewer = scene.wish()
    fewer["wishes"] = fewer["wishes"][:2]
    changed = await scene.ask("PUT", path, fewer, extra=tag)
    assert {one["booking"] for one in changed["stops"]} == {"booked"}
    assert {one["why"] for one in changed["stops"]} == {"booked"}
    assert {name: time for name, time in hours(plan).items() if name != "Garden of the Retired Official"} == hours(
        changed
    )
    assert (await scene.ask("PUT", path, fewer, extra=tag, expect=412))["code"] == "stale_version"
    without = scene.wish()
    without["wishes"] = without["wishes"][1:]
    problem = await scene.ask("PUT", path, without, expect=409)
    assert (problem["code"], problem["attractions"]) == ("booked_stop_lost", [str(scene.museum.id)])
    await scene.ask("DELETE", path, expect=204)
    assert (await scene.ask("PUT", path, fewer, expect=409))["code"] == "itinerary_not_open"


async def test_the_day_goes_into_a_calendar(scene: Scene) -> None:
    plan = await scene.planned()
    headers = sign_in.access_headers(scene.daughter) | {"Accept-Language": "zh-CN"}
    answer = await scene.client.get(f"/v1/itineraries/{plan['id']}/calendar", headers=headers)
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    events: list[Any] = Calendar.from_ical(answer.content).walk("VEVENT")
    assert {str(one["summary"]) for one in events} == {"丝绸博物馆", "云寺", "归田园居"}
    first = min(events, key=lambda one: one["dtstart"].dt)
    assert first["dtstart"].dt == datetime.fromisoformat(plan["stops"][0]["enters_at"])
    assert {str(one["status"]) for one in events} == {"TENTATIVE", "CONFIRMED"}


async def test_bad_wishes_are_refused_precisely(scene: Scene) -> None:
    cases: list[tuple[Body, str]] = [
        ({"days": [{"day": "2026-03-01"}]}, "in_the_past"),
        ({"days": [{"day": "2028-03-01"}]}, "too_far"),
        ({"wishes": [{"attraction_id": str(scene.place.id)}]}, "unknown_id"),
    ]
    for changes, code in cases:
        problem = await scene.ask("POST", scene.path, scene.wish(**changes), expect=422)
        assert problem["errors"][0]["code"] == code
    wrong = {"attraction_id": str(scene.garden.id), "items": [{"product_id": str(scene.adult.id)}]}
    problem = await scene.ask("POST", scene.path, scene.wish(wishes=[wrong]), expect=422)
    assert problem["errors"][0]["pointer"] == "/body/wishes/0/items/0/product_id"
    twice = {"wishes": [{"attraction_id": str(scene.garden.id)}] * 2}
    await scene.ask("POST", scene.path, scene.wish(**twice), expect=422)
    late = {"days": [{"day": DAY, "leaves": "12:00", "back": "11:00"}]}
    await scene.ask("POST", scene.path, scene.wish(**late), expect=422)


async def test_who_may_only_look_changes_nothing(scene: Scene) -> None:
    plan = await scene.planned()
    son = await identity.account(scene.place, name="Sam", phone="+8613800000010")
    await identity.grant(scene.grace, son, ["home_services:read"])
    looks = await sign_in.session_of(son)
    assert (await scene.seen(plan, by=looks))["asked"] is not None
    path = f"/v1/itineraries/{plan['id']}"
    await scene.ask("POST", f"{path}/stops/{plan['stops'][0]['id']}/check", {"state": "left"}, by=looks, expect=403)
    await scene.ask("DELETE", path, by=looks, expect=403)
    await scene.ask("POST", scene.path, scene.wish(), by=looks, expect=403)


async def test_what_is_booked_meanwhile_is_another_version(scene: Scene) -> None:
    plan = await scene.planned()
    await scene.booked(plan)
    tag = {"If-Match": f'"{plan["version"]}"'}
    stale = await scene.ask("PUT", f"/v1/itineraries/{plan['id']}", scene.wish(), extra=tag, expect=412)
    assert stale["code"] == "stale_version"
