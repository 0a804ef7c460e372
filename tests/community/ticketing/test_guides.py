"""Guided tours: one calendar for whatever a person does, and nobody at two places."""

from datetime import datetime, timedelta

import pytest

from app.core import clock as clocks
from app.core.database import Database, unit_of_work
from app.core.jobs import settle
from app.core.relay import RELAY_JOBS
from app.reservations.api import CalendarTaken, Want, take
from community.workers.service.engaging import calendar_of
from tests.community.ticketing.conftest import TUESDAY, Body, Scene, no_drift
from tests.factories import identity

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def tours(scene: Scene) -> list[Body]:
    """Make a season of tours in Chinese, and return them."""
    await scene.season(language="zh-CN")
    return await scene.available()


async def guide(scene: Scene, slots: list[Body], expect: int = 204, guide_id: object = ...) -> Body:
    """Have somebody guide tours."""
    chosen = scene.guide.id if guide_id is ... else guide_id
    body = {"guide_id": None if chosen is None else str(chosen), "slot_ids": [slot["id"] for slot in slots]}
    found: Body = await scene.ask("PUT", f"{scene.of}/slot-guides", body, expect=expect)
    return found


async def at_home(scene: Scene, since: datetime, until: datetime) -> None:
    """Take the guide's time for a home, as an order or a visit does."""
    async with unit_of_work() as session:
        calendar = await calendar_of(session, scene.place.id, scene.guide.id, timedelta())
        wants = [Want(calendar, since, until, clocks.new_id())]
        await take(session, wants, origin_kind="test", taken_by=scene.guide.id)


async def test_a_guide_is_nowhere_else_meanwhile(scene: Scene, database: Database) -> None:
    slots = await tours(scene)
    assert slots[0]["language"] == "zh-CN"
    await at_home(scene, TUESDAY + timedelta(hours=2), TUESDAY + timedelta(hours=3))
    refused = await guide(scene, slots[:3], expect=409)
    assert refused["code"] == "calendar_taken"
    assert len(refused["conflicts"]) == 1, "the second tour alone"
    seen = await scene.ask("GET", f"{scene.of}/ticket-slots/{slots[0]['id']}")
    assert seen["guide_id"] is None, "all or nothing"

    await guide(scene, [slots[0], slots[2]])
    with pytest.raises(CalendarTaken):
        await at_home(scene, TUESDAY + timedelta(minutes=30), TUESDAY + timedelta(minutes=90))
    await at_home(scene, TUESDAY + timedelta(hours=1), TUESDAY + timedelta(hours=2))
    own = await scene.ask("GET", "/v1/me/guided-tours", by=scene.worker)
    assert [tour["slot_id"] for tour in own["items"]] == [slots[0]["id"], slots[2]["id"]]
    assert own["items"][0]["attraction"]["en"] == "Garden of the Retired Official"
    assert (await scene.ask("GET", "/v1/me/guided-tours", by=scene.visitor))["items"] == []
    await no_drift()


async def test_a_tour_that_moves_takes_its_guide_along(scene: Scene) -> None:
    slots = await tours(scene)
    await guide(scene, slots[:1])
    await at_home(scene, TUESDAY + timedelta(hours=6), TUESDAY + timedelta(hours=7))
    taken: Body = {"starts_at": "2026-03-03T07:30:00Z", "ends_at": "2026-03-03T08:30:00Z", "entry_until": None}
    refused = await scene.change(slots[0], expect=409, **taken)
    assert refused["code"] == "calendar_taken"
    free: Body = {"starts_at": "2026-03-03T05:00:00Z", "ends_at": "2026-03-03T06:00:00Z", "entry_until": None}
    moved = await scene.change(slots[0], **free)
    assert moved["guide_id"] == str(scene.guide.id)
    await at_home(scene, TUESDAY, TUESDAY + timedelta(hours=1))
    with pytest.raises(CalendarTaken):
        await at_home(scene, TUESDAY + timedelta(hours=4), TUESDAY + timedelta(hours=5))
    await scene.ask("POST", f"{scene.of}/ticket-slots/{slots[0]['id']}/cancellation", {"reason": "staffing"})
    await at_home(scene, TUESDAY + timedelta(hours=4), TUESDAY + timedelta(hours=5))
    await no_drift()


async def test_another_guides_in_their_place_or_nobody(scene: Scene) -> None:
    slots = await tours(scene)
    other = await identity.staff(scene.museum, "worker", name="Wang Lin", phone="+8613800000005")
    await guide(scene, slots)
    await guide(scene, slots[:2], guide_id=other.id)
    await guide(scene, slots[:1], guide_id=None)
    listed = await scene.ask("GET", f"{scene.attraction}/ticket-slots")
    whose = [slot["guide_id"] for slot in listed["items"]]
    assert whose == [None, str(other.id), *[str(scene.guide.id)] * 4]
    await at_home(scene, TUESDAY, TUESDAY + timedelta(hours=1))


async def test_what_is_no_tour_any_more_has_no_guide(scene: Scene) -> None:
    season = await scene.season(language="en")
    slots = await scene.available()
    await guide(scene, slots)
    assert (await scene.change(slots[0], language=None))["guide_id"] is None
    template = (await scene.ask("GET", f"{scene.attraction}/slot-templates"))["items"][0]
    body = {name: value for name, value in template.items() if name not in {"id", "attraction_id", "version"}}
    await scene.ask("PUT", f"{scene.of}/slot-templates/{season['id']}", body | {"language": None})
    await scene.generate(season)
    listed = await scene.ask("GET", f"{scene.attraction}/ticket-slots")
    assert {slot["guide_id"] for slot in listed["items"]} == {None}
    await at_home(scene, TUESDAY, TUESDAY + timedelta(hours=1))


async def test_who_guides_works_there_and_what_is_guided_is_a_tour(scene: Scene) -> None:
    slots = await tours(scene)
    stranger = await identity.account(scene.place, name="Ada")
    assert (await guide(scene, slots, expect=409, guide_id=stranger.id))["code"] == "not_a_guide"
    await scene.season(times=["15:00"])
    plain = [slot for slot in await scene.available() if slot["language"] is None]
    assert (await guide(scene, plain, expect=409))["code"] == "not_guided"
    body = {"guide_id": str(scene.guide.id), "slot_ids": [str(scene.guide.id)]}
    await scene.ask("PUT", f"{scene.of}/slot-guides", body, expect=404)
    path = f"/v1/organizations/{scene.stranger_organization}/slot-guides"
    await scene.ask("PUT", path, body | {"slot_ids": [slots[0]["id"]]}, by=scene.stranger, expect=404)
    await scene.ask("POST", f"{scene.of}/ticket-slots/{slots[0]['id']}/cancellation", {"reason": "staffing"})
    assert (await guide(scene, slots[:1], expect=409))["code"] == "slot_over"


async def test_a_longer_tour_needs_its_guides_time(scene: Scene) -> None:
    season = await scene.season(language="en")
    await guide(scene, await scene.available())
    await at_home(scene, TUESDAY + timedelta(hours=1, minutes=15), TUESDAY + timedelta(hours=2))
    template = (await scene.ask("GET", f"{scene.attraction}/slot-templates"))["items"][0]
    body = {name: value for name, value in template.items() if name not in {"id", "attraction_id", "version"}}
    path = f"{scene.of}/slot-templates/{season['id']}"
    await scene.ask("PUT", path, body | {"duration": "PT80M"})
    assert (await scene.generate(season, expect=409))["code"] == "calendar_taken"
    await scene.ask("PUT", path, body | {"duration": "PT75M"})
    assert (await scene.generate(season))["changed"] == 6
    with pytest.raises(CalendarTaken):
        await at_home(scene, TUESDAY + timedelta(hours=3), TUESDAY + timedelta(hours=3, minutes=10))
    await no_drift()


async def test_who_works_there_no_longer_guides_nobody(scene: Scene, subscribed: None) -> None:
    slots = await tours(scene)
    await guide(scene, slots[:2])
    member = f"{scene.of}/members/{scene.guide.id}"
    await scene.ask("DELETE", member, by=scene.operator, expect=204)
    await settle(RELAY_JOBS)
    listed = await scene.ask("GET", f"{scene.attraction}/ticket-slots")
    assert {slot["guide_id"] for slot in listed["items"]} == {None}
    await at_home(scene, TUESDAY, TUESDAY + timedelta(hours=1))
    await no_drift()
