"""An attraction is described, published with all that is relied on, and withdrawn; others only read."""

from typing import Any

import pytest

from tests.community.attractions.conftest import WEEK, Scene
from tests.factories import community_attractions as attractions
from tests.factories import identity, media, sign_in
from tests.media.samples import photo


async def test_what_is_described_is_seen_once_it_is_published(scene: Scene) -> None:
    draft = await scene.described(step_free=True, seating_distance=80, time_zone=None)
    unseen = await scene.client.get(f"/v1/attractions/{draft['id']}")
    refused = await scene.client.post(f"{scene.path}/{draft['id']}/publication", headers=scene.keeper)
    await scene.done("PUT", f"{draft['id']}/hours", json={"hours": [WEEK]})
    published = await scene.done("POST", f"{draft['id']}/publication")
    again = await scene.done("POST", f"{draft['id']}/publication")

    seen = await scene.shown(draft["id"])
    assert (draft["state"], draft["time_zone"], unseen.status_code) == ("draft", "Asia/Shanghai", 404)
    assert [(one["pointer"], one["code"]) for one in refused.json()["errors"]] == [("/hours", "hours_missing")]
    assert published["state"] == "published"
    assert again["version"] == published["version"]
    assert (seen["step_free"], seen["seating_distance"], seen["accessible_toilet"]) == (True, 80, None)
    assert seen["hours"][0] == WEEK | {"rrule": None, "valid_from": None, "valid_until": None, "holidays": "ignore"}


async def test_what_is_withdrawn_is_seen_by_those_who_run_it(scene: Scene) -> None:
    attraction_id = await scene.published()

    await scene.done("DELETE", f"{attraction_id}/publication")

    assert (await scene.client.get(f"/v1/attractions/{attraction_id}")).status_code == 404
    assert await scene.found() == []
    kept = await scene.client.get(scene.path, headers=scene.worker)
    assert [(one["id"], one["state"]) for one in kept.json()["items"]] == [(attraction_id, "withdrawn")]


async def test_what_is_published_keeps_both_names_and_its_hours(scene: Scene) -> None:
    attraction_id = await scene.published()
    one_name = attractions.GARDEN | {"name": {"en": "Garden"}}

    unnamed = await scene.client.put(f"{scene.path}/{attraction_id}", json=one_name, headers=scene.keeper)
    no_hours = await scene.client.put(f"{scene.path}/{attraction_id}/hours", json={"hours": []}, headers=scene.keeper)

    assert [one["pointer"] for one in unnamed.json()["errors"]] == ["/body/name/zh-CN"]
    assert no_hours.json()["code"] == "not_publishable"
    assert (await scene.shown(attraction_id))["name"]["zh-CN"] == "归田园居"


async def test_a_stale_change_is_told_so(scene: Scene) -> None:
    draft = await scene.described()
    await scene.done("PUT", draft["id"], json=attractions.GARDEN | {"kind": "park"})

    for path, body in ((draft["id"], attractions.GARDEN), (f"{draft['id']}/hours", {"hours": [WEEK]})):
        stale = await scene.client.put(
            f"{scene.path}/{path}", json=body, headers=scene.keeper | {"If-Match": f'"{draft["version"]}"'}
        )
        assert stale.json()["code"] == "stale_version"


async def test_photos_have_addresses_that_stay(scene: Scene) -> None:
    first, second = [await media.sent(scene.client, scene.keeper, photo()) for _ in range(2)]
    attraction_id = await scene.published(photo_ids=[second, first])

    addresses = (await scene.shown(attraction_id))["photos"]
    picture = await scene.client.get(addresses[0][addresses[0].index("/v1/") :])
    await scene.done("PUT", attraction_id, json=attractions.GARDEN | {"photo_ids": [first]})
    gone = await scene.client.get(addresses[0][addresses[0].index("/v1/") :])

    assert [one.rpartition("/")[2] for one in addresses] == [second, first]
    assert (picture.status_code, picture.headers["content-type"]) == (200, "image/jpeg")
    assert picture.headers["cache-control"] == "public, max-age=2592000, immutable"
    assert gone.status_code == 404


async def test_who_does_not_run_it_changes_nothing(scene: Scene) -> None:
    attraction_id = await scene.published()
    others = await attractions.organization(scene.place, name="Others")
    rival = await sign_in.sign_in(await identity.staff(others, "coordinator"), second_factor=True)
    theirs = f"/v1/organizations/{others.id}/attractions/{attraction_id}"

    answers = {
        "resident": await scene.client.put(
            f"{scene.path}/{attraction_id}", json=attractions.GARDEN, headers=scene.resident
        ),
        "worker": await scene.client.put(
            f"{scene.path}/{attraction_id}", json=attractions.GARDEN, headers=scene.worker
        ),
        "rival": await scene.client.put(f"{scene.path}/{attraction_id}", json=attractions.GARDEN, headers=rival),
        "rival by their own": await scene.client.put(theirs, json=attractions.GARDEN, headers=rival),
    }

    assert {who: answer.status_code for who, answer in answers.items()} == {
        "resident": 404,
        "worker": 403,
        "rival": 404,
        "rival by their own": 404,
    }


async def test_only_who_runs_attractions_has_some(scene: Scene) -> None:
    operators = await identity.organization(scene.place, "operator")
    operator = await sign_in.sign_in(await identity.staff(operators, "operator"), second_factor=True)

    overseen = await scene.client.post(scene.path, json=attractions.GARDEN, headers=operator)
    refused = await scene.client.post(
        f"/v1/organizations/{operators.id}/attractions", json=attractions.GARDEN, headers=operator
    )

    assert overseen.status_code == 201
    assert refused.json()["code"] == "not_an_attraction"


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"name": {}}, "/body/name"),
        ({"name": {"fr": "Jardin"}}, "/body/name/fr/[key]"),
        ({"latitude": 91}, "/body/latitude"),
        ({"time_zone": "Mars/Olympus"}, "/body/time_zone"),
        ({"kind": "pub"}, "/body/kind"),
        ({"capacity": 0}, "/body/capacity"),
        ({"tags": ["unesco", "UNESCO"]}, "/body/tags"),
        ({"step_free": "maybe"}, "/body/step_free"),
    ],
)
async def test_what_no_attraction_is(scene: Scene, changes: dict[str, Any], pointer: str) -> None:
    answer = await scene.client.post(scene.path, json=attractions.GARDEN | changes, headers=scene.keeper)

    assert answer.status_code == 422
    assert [one["pointer"] for one in answer.json()["errors"]] == [pointer]


@pytest.mark.parametrize(
    "rule",
    [
        {"starts": "09:00", "ends": "17:00"},
        {"weekdays": [1], "rrule": "FREQ=DAILY", "valid_from": "2026-01-01", "starts": "09:00", "ends": "17:00"},
        {"rrule": "FREQ=DAILY", "starts": "09:00", "ends": "17:00"},
        {"rrule": "FREQ=DAILY", "valid_from": "1900-01-01", "starts": "09:00", "ends": "17:00"},
        {"rrule": "FREQ=HOURLY", "valid_from": "2026-01-01", "starts": "09:00", "ends": "17:00"},
        {"weekdays": [0], "starts": "09:00", "ends": "17:00"},
        {"weekdays": [1], "starts": "17:00", "ends": "09:00"},
        {"weekdays": [1], "starts": "24:00", "ends": "26:00"},
        {"weekdays": [1], "starts": "9", "ends": "17:00"},
        {"weekdays": [1], "starts": "09:00", "ends": "17:00", "valid_from": "2026-02-01", "valid_until": "2026-01-01"},
    ],
)
async def test_what_no_rule_says(scene: Scene, rule: dict[str, Any]) -> None:
    draft = await scene.described()

    answer = await scene.client.put(f"{scene.path}/{draft['id']}/hours", json={"hours": [rule]}, headers=scene.keeper)

    assert answer.status_code == 422
    assert all(one["pointer"].startswith("/body/hours/0") for one in answer.json()["errors"])
