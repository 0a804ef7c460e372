"""The inbox: pages, counts and reading, each person's own, in the language they read now."""

from datetime import timedelta
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
import sqlalchemy as sa

from app.core import clock as clocks
from app.core.database import unit_of_work
from app.identity.models import Account, Community
from notifications.api import send
from tests.factories import identity
from tests.factories.sign_in import client_headers, sign_in
from tests.notifications.notices import NEWS


@pytest_asyncio.fixture(loop_scope="session")
async def community(client: httpx.AsyncClient, clock: clocks.ManualClock) -> Community:
    """Return a community in an empty database."""
    return await identity.community()


async def tell(account: Account, count: int, *, first: int = 0) -> None:
    async with unit_of_work() as session:
        for number in range(first, first + count):
            await send(
                session,
                NEWS,
                [account.id],
                community_id=account.community_id,
                dedupe_key=f"news:{number}",
                variables={"headline": f"News {number}", "count": number},
                data={"number": str(number)},
            )


async def test_pages_are_newest_first_and_complete(
    client: httpx.AsyncClient, community: Community, clock: clocks.ManualClock
) -> None:
    ada = await identity.account(community, name="Ada")
    headers = await sign_in(ada)
    for number in range(5):
        await tell(ada, 1, first=number)
        clock.advance(timedelta(seconds=1))
    seen: list[str] = []
    cursor = ""
    while True:
        answer = await client.get(f"/v1/me/inbox?limit=2{cursor}", headers=headers)
        assert answer.status_code == 200
        seen += [item["body"] for item in answer.json()["items"]]
        if answer.json()["next"] is None:
            break
        cursor = f"&cursor={answer.json()['next']}"
    assert seen == ["News 4", "News 3", "News 2", "News 1", "News 0"]
    item = answer.json()["items"][0]
    assert (item["notice"], item["category"], item["title"], item["data"]) == (
        "tests.news",
        "tests",
        "News",
        {"number": "0"},
    )
    assert item["read_at"] is None


async def test_reading_one_and_reading_all(
    client: httpx.AsyncClient, community: Community, clock: clocks.ManualClock
) -> None:
    ada = await identity.account(community, name="Ada")
    headers = await sign_in(ada)
    for number in range(4):
        await tell(ada, 1, first=number)
        clock.advance(timedelta(seconds=1))
    items = (await client.get("/v1/me/inbox", headers=headers)).json()["items"]
    assert (await client.get("/v1/me/inbox/unread-count", headers=headers)).json() == {"unread": 4}
    for _ in range(2):
        answer = await client.post(f"/v1/me/inbox/{items[3]['id']}/reading", headers=headers)
        assert answer.status_code == 204
    answer = await client.post("/v1/me/inbox/readings", headers=headers, json={"up_to": items[1]["id"]})
    assert answer.json() == {"marked": 2}
    assert (await client.get("/v1/me/inbox/unread-count", headers=headers)).json() == {"unread": 1}
    read = [item["read_at"] is not None for item in (await client.get("/v1/me/inbox", headers=headers)).json()["items"]]
    assert read == [False, True, True, True]


async def test_nobody_sees_or_reads_anothers_inbox(
    client: httpx.AsyncClient, community: Community, clock: clocks.ManualClock
) -> None:
    ada = await identity.account(community, name="Ada")
    stranger = await sign_in(await identity.account(community, name="Eve"))
    await tell(ada, 1)
    (item,) = (await client.get("/v1/me/inbox", headers=await sign_in(ada))).json()["items"]
    assert (await client.get("/v1/me/inbox", headers=stranger)).json()["items"] == []
    assert (await client.get("/v1/me/inbox/unread-count", headers=stranger)).json() == {"unread": 0}
    assert (await client.post(f"/v1/me/inbox/{item['id']}/reading", headers=stranger)).status_code == 404
    assert (await client.post("/v1/me/inbox/readings", headers=stranger, json={"up_to": item["id"]})).json() == {
        "marked": 0
    }
    assert (await client.get("/v1/me/inbox/unread-count", headers=await sign_in(ada))).json() == {"unread": 1}


async def test_the_inbox_is_for_people_who_are_signed_in(client: httpx.AsyncClient, community: Community) -> None:
    machine = await client_headers(await identity.organization(community), ["check_ins:read"])
    for method, path in (
        ("GET", "/v1/me/inbox"),
        ("GET", "/v1/me/inbox/unread-count"),
        ("POST", "/v1/me/inbox/readings"),
        ("POST", f"/v1/me/inbox/{UUID(int=1)}/reading"),
    ):
        body = {"up_to": str(UUID(int=1))} if path.endswith("readings") else None
        assert (await client.request(method, path, json=body)).status_code == 401
        assert (await client.request(method, path, json=body, headers=machine)).status_code == 403


@pytest.mark.parametrize("query", ["cursor=nonsense", "limit=0", "limit=101"])
async def test_a_bad_page_is_refused(client: httpx.AsyncClient, community: Community, query: str) -> None:
    headers = await sign_in(await identity.account(community, name="Ada"))
    answer = await client.get(f"/v1/me/inbox?{query}", headers=headers)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


async def test_items_are_told_in_the_language_of_now_and_vanish_when_their_time_is_over(
    client: httpx.AsyncClient, community: Community, clock: clocks.ManualClock
) -> None:
    ada = await identity.account(community, name="Ada")
    await tell(ada, 1)
    async with unit_of_work() as session:
        await session.execute(sa.update(Account).where(sa.column("id") == ada.id).values(language="zh-CN"))
    (item,) = (await client.get("/v1/me/inbox", headers=await sign_in(ada))).json()["items"]
    assert item["title"] == "新闻"
    clock.advance(timedelta(days=92))
    assert (await client.get("/v1/me/inbox", headers=await sign_in(ada))).json()["items"] == []
    assert (await client.get("/v1/me/inbox/unread-count", headers=await sign_in(ada))).json() == {"unread": 0}
