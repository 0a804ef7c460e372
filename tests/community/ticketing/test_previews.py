"""What a season would be is said before it is made, days that are left out and all; and nothing is done by asking."""

from datetime import date

import pytest

from app.core.database import unit_of_work
from community.attractions.models import Attraction
from tests.community.ticketing.conftest import TEMPLATE, Body, Scene, sold
from tests.factories import community_attractions as attractions
from tests.factories import identity

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def _asked(scene: Scene, **values: object) -> Body:
    found: Body = await scene.ask("POST", f"{scene.attraction}/slot-template-previews", TEMPLATE | values)
    return found


async def test_days_that_are_left_out_have_no_slots_and_are_named(scene: Scene) -> None:
    await identity.holiday(scene.place, date(2026, 3, 4))
    season = {"starts_on": "2026-03-28", "ends_on": "2026-04-05", "except_on": ["2026-04-03", "2026-03-30"]}
    found = await _asked(scene, **season)
    assert (found["slots"], found["days"], found["created"], found["changed"]) == (14, 7, 14, 0)
    assert (found["first_day"], found["last_day"]) == ("2026-03-28", "2026-04-05")
    assert found["left_out"] == ["2026-03-30", "2026-04-03"]
    assert [(one["month"], one["days"], one["slots"]) for one in found["months"]] == [
        ("2026-03", 3, 6),
        ("2026-04", 4, 8),
    ]
    assert (await _asked(scene, holidays="skip"))["left_out"] == ["2026-03-04"]
    assert await scene.available() == []
    made = await scene.season(**season)
    assert (made["except_on"], made["made"]["created"]) == (["2026-03-30", "2026-04-03"], 14)
    assert {slot["starts_at"][:10] for slot in await scene.available()} & {"2026-03-30", "2026-04-03"} == set()


async def test_what_becomes_of_slots_is_said_and_then_done(scene: Scene) -> None:
    season = await scene.season()
    slots = await scene.available()
    await sold(slots[0]["id"], 9)  # the third, nine o'clock
    await sold(slots[5]["id"], 3)  # the fifth, eleven o'clock: not in it any more
    change = {"times": ["09:00", "10:00"], "capacity": 5, "except_on": ["2026-03-04"]}
    found = await _asked(scene, template_id=season["id"], **change)
    counts = {name: found[name] for name in ("created", "changed", "closed", "kept", "oversold")}
    assert counts == {"created": 2, "changed": 2, "closed": 3, "kept": 1, "oversold": 1}
    assert len(await scene.available()) == 6
    path = f"{scene.of}/slot-templates/{season['id']}"
    await scene.ask("PUT", path, TEMPLATE | change, extra={"If-Match": f'"{season["version"]}"'})
    done = await scene.generate(season, overbook_reason="A smaller room")
    assert {name: done[name] for name in ("created", "changed", "closed", "kept")} == {
        name: counts[name] for name in ("created", "changed", "closed", "kept")
    }
    assert (await _asked(scene, template_id=season["id"], **change))["created"] == 0


async def test_slots_while_it_is_closed_are_counted(scene: Scene) -> None:
    assert (await _asked(scene))["while_closed"] == 0
    async with unit_of_work() as session:
        row = await session.get_one(Attraction, scene.attraction_id)
        row.hours = [attractions.EVERY_DAY | {"starts": 10 * 60, "ends": 17 * 60, "weekdays": [3, 4]}]
    # Tuesday's both, and nine o'clock of Wednesday and Thursday.
    assert (await _asked(scene))["while_closed"] == 4
    assert (await _asked(scene, is_active=False))["slots"] == 0


async def test_another_attractions_template_is_not_found(scene: Scene) -> None:
    season = await scene.season()
    other = await attractions.attraction(scene.museum)
    path = f"{scene.of}/attractions/{other.id}/slot-template-previews"
    await scene.ask("POST", path, TEMPLATE | {"template_id": season["id"]}, expect=404)
    await scene.ask("POST", f"{scene.attraction}/slot-template-previews", TEMPLATE, by=scene.worker, expect=403)
    await scene.ask("POST", f"{scene.attraction}/slot-template-previews", TEMPLATE, by=scene.stranger, expect=404)
