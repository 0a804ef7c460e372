"""Where somebody was: taken once, refused where it cannot be true, kept for days and only while somebody may see it."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from app.core import relay
from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.core.events import install_subscribers
from app.core.jobs import settle
from app.core.privacy import erase_subject, export_subject
from app.identity.models import Grant
from eldercare.safe_zones import jobs
from eldercare.safe_zones.subscribers import SUBSCRIBERS
from tests.factories import eldercare_zones as zones
from tests.factories import identity
from tests.factories.eldercare_zones import fix
from tests.factories.sign_in import client_headers, device_headers

pytestmark = pytest.mark.usefixtures("clock")


@pytest.fixture
def subscribed() -> Iterator[None]:
    """Let zones, and nobody else, hear of what happens."""
    previous = install_subscribers(SUBSCRIBERS)
    yield
    install_subscribers(previous)


async def path_of(client: httpx.AsyncClient, scene: zones.Scene, query: str = "") -> list[dict[str, Any]]:
    answer = await client.get(f"{scene.path}/positions{query}", headers=await scene.as_daughter())
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


async def test_each_fix_is_taken_or_refused_by_itself(client: httpx.AsyncClient, clock: ManualClock) -> None:
    scene = await zones.scene()
    taken = await zones.report(
        client,
        scene,
        fix(minutes=3),
        fix(minutes=1, battery=50),
        {"observed_at": "yesterday"},
        fix(minutes=-60 * 24 - 1),
        fix(latitude=91),
        fix(minutes=-60 * 24),
        fix(minutes=-2, accuracy=-1),
    )
    assert (taken["stored"], taken["duplicates"]) == (2, 0)
    assert [(one["index"], one["code"]) for one in taken["refused"]] == [
        (0, "in_the_future"),
        (2, "malformed"),
        (3, "too_old"),
        (4, "malformed"),
        (6, "malformed"),
    ]
    assert "latitude" in taken["refused"][3]["detail"]


async def test_the_same_fix_of_a_device_is_stored_once_whoever_sends_it(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await zones.scene()
    batch = [fix(minutes=-2), fix(minutes=-1), fix(minutes=-1)]
    first = await zones.report(client, scene, *batch, device="watch")
    assert (first["stored"], first["duplicates"]) == (2, 1)
    phone = await device_headers(scene.resident)
    again = await client.post("/v1/me/positions", headers=phone, json={"positions": batch, "device": "watch"})
    assert (again.json()["stored"], again.json()["duplicates"]) == (0, 3)
    other = await client.post("/v1/me/positions", headers=phone, json={"positions": batch})
    assert other.json()["stored"] == 2
    assert await zones.count("eldercare_position") == 4


async def test_a_paired_phone_sends_and_reads_nothing_back(client: httpx.AsyncClient, clock: ManualClock) -> None:
    scene = await zones.scene()
    phone = await device_headers(scene.resident)
    sent = await client.post("/v1/me/positions", headers=phone, json={"positions": [fix()]})
    assert sent.status_code == 201
    for url in ("positions", "location", "safe-zones"):
        assert (await client.get(f"/v1/me/{url}", headers=phone)).status_code == 403


async def test_a_tracker_company_sends_under_an_agreement_and_it_is_on_record(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await zones.scene()
    company = await identity.organization(scene.community, "provider")
    machine = await client_headers(company, ["location:write"])
    body = {"positions": [fix()], "device": "tracker-1"}
    refused = await client.post(f"{scene.path}/positions", headers=machine, json=body)
    assert refused.status_code == 404
    await identity.agreement(company, ["location:write"], scene.resident)
    sent = await client.post(f"{scene.path}/positions", headers=machine, json=body)
    assert sent.status_code == 201, sent.text
    assert await audited("positions:record") == 1
    assert (await client.get(f"{scene.path}/positions", headers=machine)).status_code == 403
    (position,) = await path_of(client, scene)
    assert position["device"] == "tracker-1"


async def audited(action: str) -> int:
    async with reading() as connection:
        statement = sa.text("SELECT count(*) FROM core_audit_entry WHERE action = :action")
        return int(await connection.scalar(statement, {"action": action}) or 0)


async def test_a_path_is_read_in_pages_and_by_time_and_reads_by_others_are_on_record(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await zones.scene()
    await zones.report(client, scene, *(fix(number, minutes=-number) for number in range(5)))
    headers = await scene.as_daughter()
    first = (await client.get(f"{scene.path}/positions?limit=3", headers=headers)).json()
    rest = await client.get(f"{scene.path}/positions", headers=headers, params={"limit": 3, "cursor": first["next"]})
    items = first["items"] + rest.json()["items"]
    assert rest.json()["next"] is None
    assert [item["observed_at"] for item in items] == sorted((item["observed_at"] for item in items), reverse=True)
    assert len({item["id"] for item in items}) == 5
    assert items[1]["place"]["latitude"] == pytest.approx(fix(1)["latitude"])
    since, until = (clock.now() - timedelta(minutes=minutes) for minutes in (3, 1))
    bounds = {"from": since.isoformat(), "to": until.isoformat()}
    some = await client.get(f"{scene.path}/positions", headers=headers, params=bounds)
    assert [item["id"] for item in some.json()["items"]] == [item["id"] for item in items[2:4]]
    assert await audited("positions:list") == 3
    own = await client.get("/v1/me/positions", headers=await scene.as_resident())
    assert len(own.json()["items"]) == 5
    assert await audited("positions:list") == 3


async def test_places_cannot_be_read_from_the_table(client: httpx.AsyncClient, clock: ManualClock) -> None:
    scene = await zones.scene()
    await zones.set_zone(client, scene, name="By the lake")
    await zones.report(client, scene, fix())
    async with reading() as connection:
        for table in ("eldercare_position", "eldercare_safe_zone_version", "eldercare_tracking"):
            rows = (await connection.execute(sa.text(f"SELECT * FROM {table}"))).all()
            assert rows
            assert "31.2" not in str(rows)
            assert "lake" not in str(rows)


async def test_positions_are_kept_for_days_whether_the_worker_runs_or_not(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await zones.scene()
    await zones.report(client, scene, fix())
    clock.advance(timedelta(days=3))
    await zones.report(client, scene, fix())
    assert len(await path_of(client, scene)) == 2
    clock.advance(timedelta(days=4, minutes=1))
    assert len(await path_of(client, scene)) == 1
    assert await zones.count("eldercare_position") == 2
    assert await jobs.forget() == 1
    assert await zones.count("eldercare_position") == 1
    clock.advance(timedelta(days=3))
    await jobs.forget()
    assert await zones.count("eldercare_position") == 0
    clock.advance(timedelta(days=1))
    assert await jobs.forget() == 0  # nobody's is left


async def test_on_which_side_somebody_was_is_kept_no_longer_than_where(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await zones.scene()
    await zones.set_zone(client, scene, needed=1, looked_at=1)
    clock.advance(timedelta(minutes=1))
    await zones.report(client, scene, fix())
    assert await zones.count("eldercare_zone_standing") == 1
    clock.advance(timedelta(days=7, minutes=1))
    await jobs.forget()
    assert await zones.count("eldercare_zone_standing") == 0


@pytest.mark.usefixtures("subscribed")
async def test_taking_the_consent_back_deletes_what_was_kept_and_ends_the_watch(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await zones.scene()
    zone = await zones.set_zone(client, scene)
    await zones.report(client, scene, fix())
    revoked = await client.delete(f"/v1/me/grants/{scene.grant.id}", headers=await scene.as_resident())
    assert revoked.status_code == 204, revoked.text
    await settle(relay.RELAY_JOBS)
    assert await zones.count("eldercare_position") == 0
    assert await zones.count("eldercare_zone_standing") == 0
    own = await scene.as_resident()
    location = (await client.get("/v1/me/location", headers=own)).json()
    assert (location["state"], location["battery"], location["position"]) == ("not_shared", None, None)
    refused = await client.post("/v1/me/positions", headers=own, json={"positions": [fix()]})
    assert (refused.status_code, refused.json()["code"]) == (409, "location_not_shared")
    shown = (await client.get(f"/v1/me/safe-zones/{zone['id']}", headers=own)).json()
    assert (shown["state"], shown["watch"], shown["side"]) == ("active", "not_shared", "unknown")
    clock.advance(timedelta(hours=3))
    await zones.watch()
    assert await zones.signals() == []
    own = await scene.as_resident()
    consent = {"account_id": str(scene.daughter.id), "scopes": ["location:read"]}
    given = await client.post("/v1/me/grants", headers=own, json=consent)
    assert given.status_code == 201, given.text
    await settle(relay.RELAY_JOBS)
    await zones.watch()
    clock.advance(timedelta(minutes=29))
    await zones.watch()
    assert await zones.signals() == []
    clock.advance(timedelta(minutes=1))
    await zones.watch()
    assert await zones.kinds() == ["position_unknown"]


@pytest.mark.usefixtures("subscribed")
async def test_a_consent_without_the_location_is_as_good_as_none_until_it_has_it_again(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await zones.scene()
    await zones.set_zone(client, scene)
    await zones.report(client, scene, fix())
    url, own = f"/v1/me/grants/{scene.grant.id}", await scene.as_resident()
    narrowed = await client.patch(url, headers=own, json={"scopes": ["zones:manage", "alarms:read"]})
    assert narrowed.status_code == 200, narrowed.text
    await settle(relay.RELAY_JOBS)
    assert await zones.count("eldercare_position") == 0
    clock.advance(timedelta(hours=2))
    await zones.watch()
    assert await zones.signals() == []
    own = await scene.as_resident()
    widened = await client.patch(url, headers=own, json={"scopes": ["location:read", "zones:manage"]})
    assert widened.status_code == 200, widened.text
    await settle(relay.RELAY_JOBS)
    await zones.watch()
    clock.advance(timedelta(minutes=30))
    await zones.watch()
    assert await zones.kinds() == ["position_unknown"]


@pytest.mark.usefixtures("subscribed")
async def test_a_batch_that_comes_while_the_consent_is_taken_back_leaves_nothing(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await zones.scene()
    await zones.set_zone(client, scene)
    own = await scene.as_resident()

    async def send(device: int) -> None:
        body = {"positions": [fix(minutes=-minute) for minute in range(5)], "device": f"watch-{device}"}
        answer = await client.post("/v1/me/positions", headers=own, json=body)
        assert answer.status_code in (201, 409)

    async def take_back() -> None:
        await client.delete(f"/v1/me/grants/{scene.grant.id}", headers=own)
        await settle(relay.RELAY_JOBS)

    await asyncio.gather(*(send(number) for number in range(4)), take_back(), *(send(number) for number in range(4, 8)))
    assert await zones.count("eldercare_position") == 0


async def test_a_consent_that_expires_is_heeded_at_once_and_what_was_kept_goes(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await zones.scene(expires_at=clock.now() + timedelta(hours=1))
    await zones.zone(scene.resident)
    await zones.report(client, scene, fix())
    clock.advance(timedelta(hours=1))
    own = (await client.get("/v1/me/positions", headers=await scene.as_resident())).json()
    assert own["items"] == []
    await jobs.forget()
    assert await zones.count("eldercare_position") == 0
    await zones.watch()
    clock.advance(timedelta(hours=2))
    await zones.watch()
    assert await zones.signals() == []


async def test_another_consent_keeps_what_one_let_go(client: httpx.AsyncClient, clock: ManualClock) -> None:
    scene = await zones.scene()
    son = await identity.account(scene.community, name="Son")
    await identity.grant(scene.resident, son, ["location:read"])
    await zones.report(client, scene, fix())
    async with unit_of_work() as session:
        (await session.get_one(Grant, scene.grant.id)).revoked_at = clock.now()
    clock.advance(timedelta(minutes=15))
    await jobs.forget()
    assert await zones.count("eldercare_position") == 1


async def test_nothing_is_kept_of_whom_nobody_may_see(client: httpx.AsyncClient, clock: ManualClock) -> None:
    scene = await zones.scene(scopes=("zones:manage", "alarms:read"))
    own = await scene.as_resident()
    sent = await client.post("/v1/me/positions", headers=own, json={"positions": [fix()]})
    assert sent.json()["code"] == "location_not_shared"
    zone = await client.post(f"{scene.path}/safe-zones", headers=await scene.as_daughter(), json=zones.agreed())
    assert zone.json()["code"] == "location_not_shared"  # it would only look as if somebody watched
    assert await zones.count("eldercare_position") == 0


async def test_it_is_handed_out_and_erased(client: httpx.AsyncClient, clock: ManualClock) -> None:
    scene = await zones.scene()
    await zones.set_zone(client, scene)
    await zones.report(client, scene, fix(900, minutes=1), fix(900))
    subjects = [scene.resident.id, scene.resident.account_id]
    async with reading() as connection:
        found = await export_subject(connection, subjects)
    assert len(found["eldercare_position"]) == 2
    assert '"latitude":31.2' in str(found["eldercare_position"])
    assert found["eldercare_safe_zone_version"][0]["name"] == "Home"
    async with unit_of_work() as session:
        await erase_subject(session, subjects)
    for table in ("position", "safe_zone", "safe_zone_version", "zone_standing", "tracking"):
        assert await zones.count(f"eldercare_{table}") == 0
