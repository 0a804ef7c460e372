"""The community: what apps ask at their start, the operator's settings, the calendar."""

from datetime import date

import httpx
from pydantic import SecretStr

from app.core import vapid
from app.core.database import reading
from app.core.settings import Settings, install_settings
from app.identity.api import local_calendar
from tests.factories import identity as make
from tests.identity.conftest import Scene


async def test_an_app_asks_for_its_configuration_before_anybody_signs_in(
    client: httpx.AsyncClient, scene: Scene
) -> None:
    answer = await client.get("/v1/app-config")
    assert answer.status_code == 200, answer.text
    assert answer.json()["community_id"] == str(scene.community.id)
    assert answer.json()["emergency_numbers"]["medical"] == "120"
    again = await client.get("/v1/app-config", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    changed = await client.patch(
        "/v1/community", json={"minimum_app_version": "2.0.0"}, headers=scene.staff_headers | {"If-Match": '"1"'}
    )
    assert changed.status_code == 200, changed.text
    fresh = await client.get("/v1/app-config", headers={"If-None-Match": answer.headers["etag"]})
    assert fresh.json()["minimum_version"] == "2.0.0"


async def test_the_key_of_web_push_is_told_and_a_new_one_is_news(
    client: httpx.AsyncClient, scene: Scene, test_settings: Settings
) -> None:
    without = await client.get("/v1/app-config")
    assert without.json()["web_push_key"] is None
    private, public = vapid.make_pair()
    offered = test_settings.webpush.model_copy(update={"private_key": SecretStr(private)})
    install_settings(test_settings.model_copy(update={"webpush": offered}))
    try:
        told = await client.get("/v1/app-config", headers={"If-None-Match": without.headers["etag"]})
    finally:
        install_settings(test_settings)
    assert (told.status_code, told.json()["web_push_key"]) == (200, public)
    assert len(vapid.decoded(public)) == 65


async def test_another_community_is_named_and_an_unknown_one_is_not_found(
    client: httpx.AsyncClient, scene: Scene
) -> None:
    hillside = await make.community(name="Hillside", time_zone="Europe/Berlin", country="DE")
    named = await client.get("/v1/app-config", params={"community_id": str(hillside.id)})
    assert named.json()["time_zone"] == "Europe/Berlin"
    unknown = await client.get("/v1/app-config", params={"community_id": str(scene.resident.id)})
    assert unknown.status_code == 404


async def test_settings_are_the_operators(client: httpx.AsyncClient, scene: Scene) -> None:
    assert (await client.get("/v1/community", headers=scene.daughter_headers)).status_code == 200
    change = {"desk_phone": "021 5555 0000", "languages": ["zh-CN"]}
    assert (await client.patch("/v1/community", json=change, headers=scene.daughter_headers)).status_code == 403
    changed = await client.patch("/v1/community", json=change, headers=scene.staff_headers)
    assert changed.json()["desk_phone"] == "+862155550000"
    wrongs: list[dict[str, object]] = [
        {"languages": []},
        {"time_zone": "Moon"},
        {"emergency_numbers": {"medical": "call me"}},
    ]
    for wrong in wrongs:
        assert (await client.patch("/v1/community", json=wrong, headers=scene.staff_headers)).status_code == 422
    stale = await client.patch("/v1/community", json=change, headers=scene.staff_headers | {"If-Match": '"1"'})
    assert stale.status_code == 412


async def test_a_published_year_replaces_the_year(client: httpx.AsyncClient, scene: Scene) -> None:
    await make.holiday(scene.community, date(2026, 12, 31), name="Old")
    await make.holiday(scene.community, date(2027, 1, 1), name="Next year")
    days = [
        {"day": "2026-10-01", "name": "National Day"},
        {"day": "2026-10-10", "name": "Make-up workday", "is_workday": True},
    ]
    answer = await client.put("/v1/holidays/2026", json={"days": days}, headers=scene.staff_headers)
    assert answer.status_code == 200, answer.text
    listed = await client.get(
        "/v1/holidays", params={"from": "2026-01-01", "to": "2027-12-31"}, headers=scene.daughter_headers
    )
    assert [item["day"] for item in listed.json()["items"]] == ["2026-10-01", "2026-10-10", "2027-01-01"]
    async with reading() as connection:
        [workday] = await local_calendar(connection, scene.community.id, date(2026, 10, 10), date(2026, 10, 10))
    assert workday.is_workday
    again = await client.put("/v1/holidays/2026", json={"days": days}, headers=scene.staff_headers)
    assert again.status_code == 200


async def test_a_wrong_calendar_changes_nothing(client: httpx.AsyncClient, scene: Scene) -> None:
    await make.holiday(scene.community, date(2026, 5, 1))
    twice = [{"day": "2026-10-01", "name": "A"}, {"day": "2026-10-01", "name": "B"}]
    other_year = [{"day": "2025-10-01", "name": "A"}]
    for days in (twice, other_year):
        answer = await client.put("/v1/holidays/2026", json={"days": days}, headers=scene.staff_headers)
        assert answer.status_code == 422
    refused = await client.put("/v1/holidays/2026", json={"days": []}, headers=scene.daughter_headers)
    assert refused.status_code == 403
    period = {"from": "2026-01-01", "to": "2026-12-31"}
    listed = await client.get("/v1/holidays", params=period, headers=scene.staff_headers)
    assert len(listed.json()["items"]) == 1
    backwards = await client.get(
        "/v1/holidays", params={"from": "2026-12-31", "to": "2026-01-01"}, headers=scene.staff_headers
    )
    assert backwards.status_code == 422
