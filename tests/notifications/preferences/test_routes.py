"""Preferences over HTTP: what can be chosen, what cannot, and two phones that choose at the same time."""

from typing import Any

import httpx
import pytest
import pytest_asyncio

from app.core import clock as clocks
from app.core.database import reading, unit_of_work
from app.identity.models import Account, Community
from notifications.preferences.problems import CannotBeMuted
from notifications.preferences.service import mute
from notifications.preferences.views import preferences
from tests.factories import identity
from tests.factories.sign_in import client_headers, sign_in

Headers = dict[str, str]
PATH = "/v1/me/notification-preferences"
QUIET = {"begins": "22:00:00", "ends": "07:00:00", "weekend": {"begins": "23:00:00", "ends": "09:00:00"}}


@pytest_asyncio.fixture(loop_scope="session")
async def ada(client: httpx.AsyncClient, clock: clocks.ManualClock) -> Account:
    """Return somebody who reads Chinese and lives in Berlin."""
    community = await identity.community()
    return await identity.account(community, language="zh-CN", time_zone="Europe/Berlin")


@pytest_asyncio.fixture(loop_scope="session")
async def headers(ada: Account) -> Headers:
    """Return how she signs in."""
    return await sign_in(ada)


def category(body: dict[str, Any], key: str) -> dict[str, Any]:
    found: dict[str, Any] = {item["category"]: item for item in body["categories"]}
    return dict(found.get(key, {}))


async def test_who_chose_nothing_sees_what_can_be_chosen(client: httpx.AsyncClient, headers: Headers) -> None:
    answer = await client.get(PATH, headers=headers)
    body = answer.json()
    assert (answer.status_code, answer.headers["ETag"], body["version"]) == (200, '"0"', 0)
    assert (body["time_zone"], body["quiet_hours"]) == ("Europe/Berlin", None)
    assert category(body, "alarms") == {
        "category": "alarms",
        "name": "警报",
        "can_be_muted": False,
        "can_be_digested": False,
        "breaks_quiet_hours": True,
        "cap": None,
        "muted": [],
        "digest": {"every": "immediate", "at": None},
    }
    circle = category(body, "care_circle")
    assert (circle["can_be_muted"], circle["can_be_digested"], circle["cap"]) == (
        True,
        True,
        {"most": 10, "period": "PT1H"},
    )
    assert category(body, "digests") == {}


async def test_what_is_chosen_is_kept_and_what_is_not_named_is_not(client: httpx.AsyncClient, headers: Headers) -> None:
    chosen = {
        "quiet_hours": QUIET,
        "categories": [
            {"category": "care_circle", "muted": ["mail", "push"]},
            {"category": "access", "digest": {"every": "daily", "at": "08:30:00"}},
            {"category": "check_in_news", "digest": {"every": "hourly"}},
        ],
    }
    answer = await client.put(PATH, headers=headers, json=chosen)
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"1"')
    assert (await client.get(PATH, headers=headers)).json() == answer.json()
    body = answer.json()
    assert body["quiet_hours"] == QUIET
    assert category(body, "care_circle")["muted"] == ["mail", "push"]
    assert category(body, "access")["digest"] == {"every": "daily", "at": "08:30:00"}
    assert category(body, "check_in_news")["digest"] == {"every": "hourly", "at": None}
    body = (await client.put(PATH, headers=headers, json={})).json()
    assert body["quiet_hours"] is None
    assert category(body, "care_circle")["muted"] == []
    assert category(body, "access")["digest"] == {"every": "immediate", "at": None}


async def test_of_two_phones_that_choose_the_later_is_told(client: httpx.AsyncClient, headers: Headers) -> None:
    seen = {**headers, "If-Match": '"0"'}
    assert (await client.put(PATH, headers=seen, json={"quiet_hours": QUIET})).status_code == 200
    assert (await client.put(PATH, headers=seen, json={})).status_code == 412
    assert (await client.get(PATH, headers=headers)).json()["quiet_hours"] == QUIET


@pytest.mark.parametrize(
    ("choice", "pointer"),
    [
        ({"category": "alarms", "muted": ["push"]}, "/body/categories/0/muted"),
        ({"category": "account", "digest": {"every": "hourly"}}, "/body/categories/0/digest"),
        ({"category": "digests", "muted": ["push"]}, "/body/categories/0/category"),
        ({"category": "weather"}, "/body/categories/0/category"),
        ({"category": "access", "muted": ["mail"]}, "/body/categories/0/muted"),
        ({"category": "care_circle", "muted": ["inbox"]}, "/body/categories/0/muted/0"),
        ({"category": "care_circle", "digest": {"every": "daily"}}, "/body/categories/0/digest"),
        ({"category": "care_circle", "digest": {"every": "hourly", "at": "08:00"}}, "/body/categories/0/digest"),
        (
            {"category": "care_circle", "digest": {"every": "daily", "at": "08:00+08:00"}},
            "/body/categories/0/digest/at",
        ),
    ],
)
async def test_what_cannot_be_chosen_is_refused_by_its_place(
    client: httpx.AsyncClient, headers: Headers, choice: dict[str, Any], pointer: str
) -> None:
    answer = await client.put(PATH, headers=headers, json={"categories": [choice]})
    assert answer.status_code == 422, answer.text
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


async def test_a_category_is_named_once(client: httpx.AsyncClient, headers: Headers) -> None:
    choice = {"category": "care_circle"}
    answer = await client.put(PATH, headers=headers, json={"categories": [choice, choice]})
    assert answer.status_code == 422


async def test_machines_choose_nothing(client: httpx.AsyncClient, ada: Account) -> None:
    async with unit_of_work() as session:
        community = await session.get_one(Community, ada.community_id)
    agency = await identity.organization(community, "care_agency")
    answer = await client.get(PATH, headers=await client_headers(agency, ["profile:read"]))
    assert answer.status_code == 403


async def test_one_click_silences_a_category_on_a_channel_and_leaves_the_rest(
    client: httpx.AsyncClient, headers: Headers, ada: Account
) -> None:
    await client.put(PATH, headers=headers, json={"quiet_hours": QUIET})
    for _ in range(2):
        async with unit_of_work() as session:
            await mute(session, ada.id, "care_circle", "mail")
    async with reading() as connection:
        found = await preferences(connection, ada.id)
    assert found.quiet_hours is not None
    assert {item.category: item.muted for item in found.categories if item.muted} == {"care_circle": ["mail"]}
    assert found.version == 2


@pytest.mark.parametrize("key", ["alarms", "account", "weather"])
async def test_one_click_does_not_silence_what_cannot_be(ada: Account, key: str) -> None:
    with pytest.raises(CannotBeMuted):
        async with unit_of_work() as session:
            await mute(session, ada.id, key, "mail")
