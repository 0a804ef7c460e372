"""What the family, who manages the home, and everybody else are shown of care in a home."""

from datetime import date
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.identity.models import Account
from community.home_care import jobs
from community.home_care.models import CARES
from community.home_care.rules.mornings import learn
from community.homes.models import HomeResident
from tests.community.home_care.conftest import DAY, HOUR, MINUTE, NOON, Scene
from tests.factories import community_home_care as care
from tests.factories import identity
from tests.factories.sign_in import sign_in, sign_in_resident

pytestmark = pytest.mark.usefixtures("database")

Headers = dict[str, str]


async def granted(scene: Scene, *scopes: str) -> tuple[Account, Headers]:
    """Return somebody whom the resident lets have scopes, and how they are signed in."""
    person = await identity.account(scene.place, name="Daughter")
    await identity.grant(scene.resident, person, list(scopes))
    return person, await sign_in(person)


async def moved(scene: Scene) -> None:
    """Let the resident move at seven in the kitchen, and in the night in the bathroom."""
    kitchen = await care.entity(scene.home, "motion", room=scene.kitchen)
    bathroom = await care.entity(scene.home, "motion", room=scene.bathroom)
    midnight = NOON.replace(hour=0)
    await care.readings(bathroom, [(midnight + 2 * HOUR, "on"), (midnight + 2 * HOUR + MINUTE, "off")])
    up = midnight + 7 * HOUR
    said = [(up + number * MINUTE, "on" if number % 2 == 0 else "off") for number in range(10)]
    await care.readings(kitchen, said)


async def picture(client: httpx.AsyncClient, scene: Scene, headers: Headers, **params: str) -> Any:
    path = f"/v1/residents/{scene.resident.id}/home-activity"
    answer = await client.get(path, headers=headers, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


async def test_a_day_is_shown_by_rooms_and_quarters_and_no_single_event(
    client: httpx.AsyncClient, scene: Scene
) -> None:
    await moved(scene)
    _, headers = await granted(scene, "home:activity")
    (shown,) = await picture(client, scene, headers)
    rooms = {room["kind"]: room for room in shown["rooms"]}
    assert rooms["kitchen"]["quarters"][28] == 2
    assert sum(rooms["kitchen"]["quarters"]) == 2
    assert rooms["kitchen"]["usual"] is None
    assert (shown["first_movement"], shown["last_movement"]) == ("07:00", "07:08")
    assert shown["night_bathroom_visits"] == 1
    assert shown["is_over"] is False
    assert set(rooms["kitchen"]) == {"room_id", "kind", "quarters", "usual"}


async def test_a_day_that_is_over_is_shown_from_its_summary_beside_what_is_usual(
    client: httpx.AsyncClient, scene: Scene, clock: ManualClock
) -> None:
    kitchen = await care.entity(scene.home, "motion", room=scene.kitchen)
    for number in range(8):
        up = NOON.replace(hour=7) + number * DAY
        await care.readings(kitchen, [(up, "on"), (up + MINUTE, "off")])
        clock.set(NOON.replace(hour=5) + (number + 1) * DAY)
        await jobs.learn()
    async with unit_of_work() as session:
        await session.execute(sa.text("DELETE FROM community_home_reading"))
    _, headers = await granted(scene, "home:activity")
    (shown,) = await picture(client, scene, headers, day=(NOON + 7 * DAY).date().isoformat())
    assert shown["is_over"] is True
    assert shown["rooms"][0]["quarters"][28] == 1
    assert shown["rooms"][0]["usual"][28] == 1
    assert shown["usual_night_bathroom_visits"] == 0


@pytest.mark.parametrize("day", ["0001-01-01", "0001-01-20", "9999-12-31"])
async def test_a_day_no_home_ever_had_is_refused(client: httpx.AsyncClient, scene: Scene, day: str) -> None:
    _, headers = await granted(scene, "home:activity")
    path = f"/v1/residents/{scene.resident.id}/home-activity"
    assert (await client.get(path, headers=headers, params={"day": day})).status_code == 422


async def test_the_picture_of_a_day_needs_consent_and_leaves_a_trace(client: httpx.AsyncClient, scene: Scene) -> None:
    path = f"/v1/residents/{scene.resident.id}/home-activity"
    assert (await client.get(path)).status_code == 401
    stranger = await identity.account(scene.place, name="Neighbour")
    assert (await client.get(path, headers=await sign_in(stranger))).status_code == 404
    _, other = await granted(scene, "home:control")
    assert (await client.get(path, headers=other)).status_code == 403
    _, headers = await granted(scene, "home:activity")
    await picture(client, scene, headers)
    async with reading() as connection:
        actions = await connection.scalars(sa.text("SELECT action FROM core_audit_entry"))
        assert "home_activity:read" in list(actions)


async def test_where_two_live_nobody_sees_a_day_that_one_of_them_has_not_agreed_to_show(
    client: httpx.AsyncClient, scene: Scene
) -> None:
    spouse = await identity.resident(scene.place, phone="+8613800000002")
    async with unit_of_work() as session:
        values: dict[str, Any] = {"asked_at": NOON, "agreed_at": NOON, "agreed_by": spouse.account_id}
        session.add(HomeResident(home_id=scene.home.id, resident_id=spouse.id, **values))
    daughter, headers = await granted(scene, "home:activity")
    assert await picture(client, scene, headers) == []
    assert len(await picture(client, scene, await sign_in_resident(scene.resident))) == 1
    await identity.grant(spouse, daughter, ["home:activity"])
    assert len(await picture(client, scene, headers)) == 1


async def test_incidents_are_listed_the_latest_first_page_by_page(client: httpx.AsyncClient, scene: Scene) -> None:
    for role in ("smoke", "water", "gas"):
        await care.report(care.change(await care.entity(scene.home, role), "on"))
    _, headers = await granted(scene, "home:read")
    path = f"/v1/homes/{scene.home.id}/incidents"
    first = (await client.get(path, headers=headers, params={"limit": 2})).json()
    rest = (await client.get(path, headers=headers, params={"limit": 2, "cursor": first["next"]})).json()
    assert [one["kind"] for one in first["items"] + rest["items"]] == ["gas", "water", "smoke"]
    assert rest["next"] is None
    assert first["items"][0]["severity"] == "critical"
    assert (await client.get(path, headers=headers, params={"state": "over"})).json()["items"] == []


async def test_rules_are_changed_by_who_manages_the_home_over_the_version_they_saw(
    client: httpx.AsyncClient, scene: Scene
) -> None:
    _, headers = await granted(scene, "home:manage")
    path = f"/v1/homes/{scene.home.id}/care-rules"
    seen = await client.get(path, headers=headers)
    assert seen.json()["bathroom_minutes"] == 45
    rules = {
        "off": ["cold"],
        "night_from": "21:30",
        "bed_exit_minutes": 30,
        "no_motion_by": "10:00",
        "away": [{"since": "2026-05-01T00:00:00Z", "until": "2026-05-08T00:00:00Z"}],
    }
    changed = await client.put(path, headers=headers | {"If-Match": seen.headers["ETag"]}, json=rules)
    assert changed.status_code == 200, changed.text
    late = await client.put(path, headers=headers | {"If-Match": seen.headers["ETag"]}, json={})
    assert late.status_code == 412
    again = (await client.get(path, headers=headers)).json()
    assert (again["off"], again["night_from"], again["no_motion_by"]) == (["cold"], "21:30:00", "10:00:00")
    assert again["away"][0]["since"].startswith("2026-05-01")
    assert again["version"] == 2


@pytest.mark.parametrize(
    "rules",
    [
        {"off": ["smoke"]},
        {"bathroom_minutes": 5},
        {"heat_from": 60},
        {"night_from": "22:00", "night_until": "22:00"},
        {"no_motion_by": "03:00"},
        {"away": [{"since": "2026-05-02T00:00:00Z", "until": "2026-05-01T00:00:00Z"}]},
        {"night_from": "22:00+01:00"},
        {"camera": True},
    ],
)
async def test_rules_that_would_watch_nobody_are_refused(
    client: httpx.AsyncClient, scene: Scene, rules: dict[str, Any]
) -> None:
    headers = await sign_in_resident(scene.resident)
    answer = await client.put(f"/v1/homes/{scene.home.id}/care-rules", headers=headers, json=rules)
    assert answer.status_code == 422


async def test_who_may_see_a_day_may_not_change_the_rules(client: httpx.AsyncClient, scene: Scene) -> None:
    _, headers = await granted(scene, "home:activity")
    path = f"/v1/homes/{scene.home.id}/care-rules"
    assert (await client.get(path, headers=headers)).status_code == 403
    assert (await client.put(path, headers=headers, json={})).status_code == 403
    stranger = await sign_in(await identity.account(scene.place, name="Neighbour"))
    assert (await client.get(path, headers=stranger)).status_code == 404


async def test_what_is_usual_is_shown_in_the_time_of_the_clock_on_the_wall(
    client: httpx.AsyncClient, scene: Scene
) -> None:
    known = learn([(date(2026, 4, 1 + number), 460.0) for number in range(14)])
    async with unit_of_work() as session:
        await session.execute(sa.update(CARES).values(usual={"mornings": known.stored(), "stay": 6.5}))
    headers = await sign_in_resident(scene.resident)
    shown = (await client.get(f"/v1/homes/{scene.home.id}/care-rules", headers=headers)).json()
    assert shown["mornings"]["any"] == {
        "usually_by": "07:40",
        "latest": "07:40",
        "looked_at_from": "08:25",
        "days": 14,
    }
    assert shown["usual_bathroom_minutes"] == 6.5
