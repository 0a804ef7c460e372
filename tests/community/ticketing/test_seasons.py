"""Seasons of slots: made once, made anew when their template has changed, moved and called off by hand."""

from datetime import date, timedelta

import pytest

from app.core.clock import ManualClock
from tests.community.ticketing.conftest import TEMPLATE, TUESDAY, Body, Scene, facts, no_drift, sold
from tests.factories import community_attractions as attractions
from tests.factories import identity

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_season_is_made_once_on_the_attractions_wall(scene: Scene) -> None:
    season = await scene.season()
    assert season["made"] == {"created": 6, "changed": 0, "closed": 0, "kept": 0, "uncovered": 0}
    slots = await scene.available()
    assert [slot["starts_at"] for slot in slots[:3]] == [
        "2026-03-03T01:00:00+00:00",
        "2026-03-03T03:00:00+00:00",
        "2026-03-04T01:00:00+00:00",
    ]
    assert slots[0]["entry_until"] == "2026-03-03T01:30:00+00:00"
    assert {slot["left"] for slot in slots} == {20}

    again = await scene.generate(season)
    assert again == {"created": 0, "changed": 0, "closed": 0, "kept": 0, "uncovered": 0}
    assert await scene.available() == slots
    await no_drift()


async def test_holidays_are_left_out_or_alone_in_it(scene: Scene) -> None:
    await identity.holiday(scene.place, date(2026, 3, 4))
    await scene.season(holidays="skip", times=["09:00"])
    assert [slot["starts_at"][:10] for slot in await scene.available()] == ["2026-03-03", "2026-03-05"]
    await scene.season(holidays="only", times=["15:00"])
    assert [slot["starts_at"] for slot in await scene.available()][1] == "2026-03-04T07:00:00+00:00"


async def test_clocks_that_step_neither_lose_nor_double_a_slot(scene: Scene) -> None:
    berlin = await attractions.attraction(scene.museum, time_zone="Europe/Berlin", hours=attractions.ALWAYS)
    path = f"{scene.of}/attractions/{berlin.id}"
    for first, last in (("2026-03-28", "2026-03-30"), ("2026-10-24", "2026-10-26")):
        body = TEMPLATE | {"starts_on": first, "ends_on": last, "times": ["02:30", "03:30", "09:00"]}
        template = await scene.ask("POST", f"{path}/slot-templates", body, expect=201)
        await scene.generate(template)
    asked = {"from": "2026-03-28T00:00:00Z", "to": "2026-11-01T00:00:00Z"}
    answer = await scene.client.get(f"/v1/attractions/{berlin.id}/availability", params=asked)
    starts = [slot["starts_at"][:16] for slot in answer.json()["slots"]]
    assert starts == [
        *("2026-03-28T01:30", "2026-03-28T02:30", "2026-03-28T08:00"),
        *("2026-03-29T01:30", "2026-03-29T07:00"),  # 02:30 is 03:30 in that night: one slot, not two
        *("2026-03-30T00:30", "2026-03-30T01:30", "2026-03-30T07:00"),
        *("2026-10-24T00:30", "2026-10-24T01:30", "2026-10-24T07:00"),
        *("2026-10-25T00:30", "2026-10-25T02:30", "2026-10-25T08:00"),  # 02:30 comes twice: the first
        *("2026-10-26T01:30", "2026-10-26T02:30", "2026-10-26T08:00"),
    ]


async def test_a_template_that_changed_takes_along_what_nobody_touched(scene: Scene) -> None:
    season = await scene.season()
    first, second, third, *_ = await scene.available()
    await sold(first["id"], 5)
    await scene.change(third, capacity=7)
    changed = TEMPLATE | {"times": ["11:00", "13:00"], "capacity": 25, "duration": "PT90M", "ends_on": "2026-03-04"}
    await scene.ask("PUT", f"{scene.of}/slot-templates/{season['id']}", changed)

    made = await scene.generate(season)
    # Of 09:00 the first is sold, the third changed by hand; 11:00 on the fifth and 09:00 there are closed.
    assert made == {"created": 2, "changed": 2, "closed": 2, "kept": 2, "uncovered": 0}
    left = {slot["starts_at"][:13]: slot["left"] for slot in await scene.available()}
    assert left == {
        "2026-03-03T01": 15,
        "2026-03-03T03": 25,
        "2026-03-03T05": 25,
        "2026-03-04T01": 7,
        "2026-03-04T03": 25,
        "2026-03-04T05": 25,
    }
    assert second["id"] in {slot["id"] for slot in await scene.available()}, "the same slot, not another"
    assert (await scene.generate(season))["kept"] == 2
    assert {fact["id"] for fact in await facts("slot_moved")} == {
        slot["id"] for slot in await scene.available() if slot["starts_at"][11:13] == "03"
    }

    await scene.ask("PUT", f"{scene.of}/slot-templates/{season['id']}", TEMPLATE)
    back = await scene.generate(season)
    assert (back["changed"], back["closed"]) == (4, 2), "what was closed is open again"
    await no_drift()


async def test_a_season_made_smaller_than_what_is_sold_names_each_slot(scene: Scene) -> None:
    season = await scene.season()
    first, second, *_ = await scene.available()
    await sold(first["id"], 12)
    await sold(second["id"], 10)
    await scene.ask("PUT", f"{scene.of}/slot-templates/{season['id']}", TEMPLATE | {"capacity": 10})

    refused = await scene.generate(season, expect=409)
    assert refused["code"] == "more_is_sold"
    assert refused["conflicts"] == [
        {"slot_id": first["id"], "starts_at": "2026-03-03T01:00:00+00:00", "sold": 12, "capacity": 10}
    ]
    assert (await scene.available())[2]["left"] == 20, "nothing half-done"

    made = await scene.generate(season, overbook_reason="The east wing is shut")
    assert made["changed"] == 6
    assert [slot["left"] for slot in await scene.available()] == [0, 0, 10, 10, 10, 10]
    await no_drift()


async def test_a_slot_made_smaller_names_how_many_are_sold(scene: Scene) -> None:
    await scene.season()
    slot = (await scene.available())[0]
    await sold(slot["id"], 12)
    refused = await scene.change(slot, expect=409, capacity=11)
    assert (refused["code"], refused["conflicts"][0]["sold"]) == ("more_is_sold", 12)
    await scene.change(slot, capacity=12)
    assert (await scene.available())[0]["left"] == 0
    detail = await scene.change(slot, capacity=8, overbook_reason="A pipe burst")
    assert (detail["capacity"], detail["taken"], detail["is_own"]) == (8, 12, True)
    await no_drift()


async def test_a_slot_moved_after_sales_keeps_them_and_tells(scene: Scene) -> None:
    season = await scene.season()
    slot = (await scene.available())[0]
    await sold(slot["id"], 3)
    later: Body = {"starts_at": "2026-03-04T02:00:00Z", "ends_at": "2026-03-04T03:30:00Z", "entry_until": None}
    moved = await scene.change(slot, **later)
    assert (moved["taken"], moved["starts_at"], moved["entry_until"]) == (
        3,
        "2026-03-04T02:00:00Z",
        "2026-03-04T03:30:00Z",
    )
    (told,) = await facts("slot_moved")
    assert (told["id"], told["was_starts_at"], told["attraction_id"]) == (
        slot["id"],
        "2026-03-03T01:00:00Z",
        str(scene.attraction_id),
    )
    assert (await scene.generate(season)) == {"created": 0, "changed": 0, "closed": 0, "kept": 1, "uncovered": 0}
    await scene.change(slot, capacity=30)
    assert len(await facts("slot_moved")) == 1, "another capacity is no other time"
    await scene.change(slot, entry_until="2026-03-04T02:15:00Z")
    assert len(await facts("slot_moved")) == 2, "who comes when their ticket says would stand before a closed gate"


async def test_a_slot_that_is_called_off_stays_so(scene: Scene, clock: ManualClock) -> None:
    season = await scene.season()
    slot, other, *_ = await scene.available()
    path = f"{scene.of}/ticket-slots/{slot['id']}"
    await sold(slot["id"], 2)
    found = await scene.ask("POST", f"{path}/cancellation", {"reason": "weather"})
    assert (found["state"], found["cancelled_reason"], found["taken"]) == ("cancelled", "weather", 2)
    seen = (await scene.available())[0]
    assert (seen["state"], seen["reason"], seen["left"]) == ("cancelled", "weather", 0)
    (told,) = await facts("slot_cancelled")
    assert (told["id"], told["reason"]) == (slot["id"], "weather")
    again = await scene.ask("POST", f"{path}/cancellation", {"reason": "weather"}, expect=409)
    assert again["code"] == "slot_over"
    assert (await scene.change(slot, expect=409))["code"] == "slot_over"
    assert (await scene.generate(season))["kept"] == 1

    clock.set(TUESDAY + timedelta(hours=2, minutes=30))
    going_on = await scene.ask("POST", f"{scene.of}/ticket-slots/{other['id']}/cancellation", {"reason": "safety"})
    assert going_on["state"] == "cancelled", "also one that has begun"
    clock.set(TUESDAY + timedelta(days=9))
    last = (await scene.available())[-1]
    path = f"{scene.of}/ticket-slots/{last['id']}/cancellation"
    assert (await scene.ask("POST", path, {"reason": "other"}, expect=409))["code"] == "slot_over"


async def test_a_slot_of_its_own_stands_beside_the_season(scene: Scene) -> None:
    adult, other = await scene.product(), await scene.product("night")
    body = {"starts_at": "2026-03-07T12:00:00Z", "ends_at": "2026-03-07T15:00:00Z", "capacity": 5}
    slot = await scene.keep("ticket-slots", body | {"product_ids": [other["id"]]})
    assert (slot["template_id"], slot["is_own"], slot["product_ids"]) == (None, True, [other["id"]])
    assert adult["id"] not in (await scene.available())[0]["product_ids"]
    for wrong, pointer in (
        ({"starts_at": "2026-03-01T12:00:00Z", "ends_at": "2026-03-01T13:00:00Z"}, "/body/starts_at"),
        ({"product_ids": [str(scene.attraction_id)]}, "/body/product_ids/0"),
        ({"ends_at": "2026-03-07T11:00:00Z"}, "/body"),
        ({"capacity": -1}, "/body/capacity"),
    ):
        refused = await scene.keep("ticket-slots", body | wrong, expect=422)
        assert refused["errors"][0]["pointer"] == pointer, refused


async def test_a_template_says_what_is_wrong_with_it(scene: Scene) -> None:
    end = "2026-12-31"
    for wrong, pointer in (
        ({"ends_on": "2026-03-01"}, "/body"),
        ({"ends_on": "2029-03-01"}, "/body"),
        ({"times": []}, "/body/times"),
        ({"times": ["09:00:30"]}, "/body/times"),
        ({"weekdays": [8]}, "/body/weekdays/0"),
        ({"duration": "PT1M"}, "/body/duration"),
        ({"entry_within": "PT2H"}, "/body"),
        ({"product_ids": [str(scene.attraction_id)]}, "/body/product_ids/0"),
        ({"language": "not a language"}, "/body/language"),
        ({"times": [f"{hour:02}:{minute:02}" for hour in range(24) for minute in (0, 5, 9)], "ends_on": end}, "/body"),
    ):
        refused = await scene.keep("slot-templates", TEMPLATE | wrong, expect=422)
        assert refused["errors"][0]["pointer"] == pointer, refused
