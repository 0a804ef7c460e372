"""Open pages over a real server: who is nudged of what, who is not, and that nothing is missed."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core import clock as clocks
from app.core import live
from app.core.clock import ManualClock
from app.core.database import Database, unit_of_work
from app.core.touching import Part, touch
from app.identity.api import add_grant, revoke_grant
from app.identity.browser_sessions.service import end_browser_session
from app.identity.models import Account, Community, Grant, Resident
from app.identity.scopes import GRANTABLE
from app.portal.live import following
from app.portal.live import hub as hubs
from app.portal.live.hub import hub
from app.portal.live.topics import EVERYTHING, Change
from notifications.api import Value, seal_text, send
from tests.factories import eldercare_alarms as alarms
from tests.factories import identity
from tests.notifications.notices import NEWS
from tests.portal.ground import cookie_of
from tests.streams import PATIENCE, Stream, served

STREAM = "/portal/live"


@pytest.fixture(autouse=True)
def brisk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look again soon, and at rights never merely because time has passed."""
    monkeypatch.setattr(hubs, "GAP_SECONDS", 0.01)
    monkeypatch.setattr(hubs, "RIGHTS_SECONDS", 3_600.0)


@pytest_asyncio.fixture(loop_scope="session")
async def url(app: FastAPI, database: Database, clock: ManualClock) -> AsyncIterator[str]:
    """Serve the application."""
    async with served(app) as address:
        yield address
    assert not hub.listeners


@pytest_asyncio.fixture(loop_scope="session")
async def community(url: str) -> Community:
    """Return a community."""
    return await identity.community()


class Pages:
    """Opens pages."""

    def __init__(self, url: str, stack: AsyncExitStack) -> None:
        self._url, self._stack = url, stack

    async def of(self, account: Account, *, cookies: dict[str, str] | None = None) -> Stream:
        """Open a page of somebody who is signed in, and return its stream once nothing is missed any more."""
        jar = cookies or await cookie_of(account)
        client = await self._stack.enter_async_context(httpx.AsyncClient(timeout=PATIENCE, cookies=jar))
        response = await self._stack.enter_async_context(client.stream("GET", self._url + STREAM))
        assert response.status_code == 200, response.status_code
        assert response.headers["content-type"].startswith("text/event-stream")
        stream = Stream(response)
        told = await stream.next()
        assert told is not None
        assert told.event == "ready"
        return stream


@pytest_asyncio.fixture(loop_scope="session")
async def pages(url: str) -> AsyncIterator[Pages]:
    """Open pages, and close them."""
    async with AsyncExitStack() as stack:
        yield Pages(url, stack)


async def caregiver(resident: Resident, scopes: Iterable[str] = GRANTABLE) -> tuple[Account, Grant]:
    person = await identity.account(await _home_of(resident), name="Carer")
    return person, await identity.grant(resident, person, scopes)


async def _home_of(resident: Resident) -> Community:
    async with unit_of_work() as session:
        return await session.get_one(Community, resident.community_id)


async def touched(session: AsyncSession, resident: Resident, part: Part = "vitals") -> None:
    await touch(session, part, clocks.new_id(), community_id=resident.community_id, resident_id=resident.id)


async def change(resident: Resident, part: Part = "vitals") -> None:
    async with unit_of_work() as session:
        await touched(session, resident, part)


def of(resident: Resident) -> str:
    return f"resident:{resident.id}"


async def heard(stream: Stream, topic: str) -> set[str]:
    """Return all topics up to the nudge that names ``topic``; fails if the stream ends before."""
    topics: set[str] = set()
    while topic not in topics:
        told = await stream.next()
        assert told is not None, "the stream ended"
        assert told.event == "changed"
        topics.update(told.data["topics"])
    return topics


async def settled(stream: Stream, resident: Resident) -> set[str]:
    """Return what is heard until a change of this moment is: by then the rights of whoever listens are known."""
    topics: set[str] = set()
    while of(resident) not in topics:
        await change(resident)
        told = await stream.next()
        assert told is not None
        topics.update(told.data["topics"])
    return topics


async def test_all_who_see_a_resident_are_nudged_at_once(community: Community, pages: Pages) -> None:
    resident = await identity.resident(community)
    streams = [await pages.of((await caregiver(resident))[0]) for _ in range(3)]
    for stream in streams:
        await settled(stream, resident)
    await change(resident, "messages")
    for stream in streams:
        assert "today" in await heard(stream, f"messages:{resident.id}")


async def test_what_a_look_passed_that_failed_halfway_is_told(
    community: Community, pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    resident = await identity.resident(community)
    stream = await pages.of((await caregiver(resident))[0])
    await settled(stream, resident)
    reads = following._settled

    async def fails_once(connection: AsyncConnection, facts: Sequence[Any]) -> list[Change]:
        if facts:
            monkeypatch.setattr(following, "_settled", reads)
            raise TimeoutError
        return await reads(connection, facts)

    monkeypatch.setattr(following, "_settled", fails_once)
    await change(resident, "messages")
    await heard(stream, "*")


async def test_who_cannot_be_told_anything_is_not_let_believe_that_nothing_happens(
    community: Community, pages: Pages, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    resident = await identity.resident(community)
    carer, _ = await caregiver(resident)
    stream = await pages.of(carer)
    await settled(stream, resident)

    async def fail(*_: object) -> None:
        raise OSError("nobody answers")

    with monkeypatch.context() as broken:
        broken.setattr(hubs, "BLIND_SECONDS", 0.2)
        broken.setattr(hubs, "BEGIN_SECONDS", 0.2)
        broken.setattr(following.Tracks, "look", fail)
        async with asyncio.timeout(PATIENCE):
            while await stream.next() is not None:
                pass
        async with httpx.AsyncClient(timeout=PATIENCE, cookies=await cookie_of(carer)) as client:
            assert (await client.get(url + STREAM)).status_code == 503
    await settled(await pages.of(carer), resident)


async def test_nobody_is_nudged_of_whom_they_may_not_see(community: Community, pages: Pages) -> None:
    mine, other = await identity.resident(community), await identity.resident(community)
    person, _ = await caregiver(mine)
    stream = await pages.of(person)
    await settled(stream, mine)
    await change(other)
    await change(mine, "rota")
    assert of(other) not in await heard(stream, f"rota:{mine.id}")


async def test_what_a_right_does_not_cover_is_not_heard_of(community: Community, pages: Pages) -> None:
    resident = await identity.resident(community)
    person, _ = await caregiver(resident, ["vitals:read"])
    stream = await pages.of(person)
    await settled(stream, resident)
    await change(resident, "messages")
    await alarms.raised(resident)
    topics = await settled(stream, resident)
    assert topics <= {"today", of(resident), "*"}


async def test_a_right_that_is_taken_back_is_heard_no_more(community: Community, pages: Pages) -> None:
    lost, kept = await identity.resident(community), await identity.resident(community)
    person, grant = await caregiver(lost)
    await identity.grant(kept, person, GRANTABLE)
    stream = await pages.of(person)
    await settled(stream, lost)
    await settled(stream, kept)
    # In the same transaction: not even what happens in the instant in which the right ends is told.
    async with unit_of_work() as session:
        owner = alarms.actor_of(await session.get_one(Account, lost.account_id), lost)
        await revoke_grant(session, owner, resident_id=lost.id, grant_id=grant.id)
        await touched(session, lost, "rota")
    await heard(stream, "*")
    await change(lost, "messages")
    await change(kept, "messages")
    topics = await heard(stream, f"messages:{kept.id}")
    assert not {of(lost), f"messages:{lost.id}", f"rota:{lost.id}"} & topics


async def test_a_right_that_ends_by_itself_is_heard_no_more(
    community: Community, pages: Pages, clock: ManualClock
) -> None:
    lost, kept = await identity.resident(community), await identity.resident(community)
    person = await identity.account(community)
    await identity.grant(lost, person, GRANTABLE, expires_in=timedelta(minutes=5))
    await identity.grant(kept, person, GRANTABLE)
    stream = await pages.of(person)
    await settled(stream, lost)
    clock.advance(timedelta(minutes=6))
    await change(lost, "messages")
    await change(kept, "messages")
    assert f"messages:{lost.id}" not in await heard(stream, f"messages:{kept.id}")


async def test_a_new_right_has_the_page_fetch_everything(community: Community, pages: Pages) -> None:
    mine, new = await identity.resident(community), await identity.resident(community)
    person, _ = await caregiver(mine)
    stream = await pages.of(person)
    await settled(stream, mine)
    async with unit_of_work() as session:
        owner = alarms.actor_of(await session.get_one(Account, new.account_id), new)
        await add_grant(
            session, owner, resident_id=new.id, grantee_account_id=person.id, scopes=["vitals:read", "alarms:read"]
        )
    await heard(stream, "*")
    await settled(stream, new)


async def test_where_the_rights_of_many_are_others_they_fetch_one_after_the_other(
    community: Community, pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hubs, "_MANY", 1)
    resident = await identity.resident(community)
    person, grant = await caregiver(resident)
    streams = [await pages.of(person) for _ in range(3)]
    for stream in streams:
        await settled(stream, resident)
    async with unit_of_work() as session:
        owner = alarms.actor_of(await session.get_one(Account, resident.account_id), resident)
        await revoke_grant(session, owner, resident_id=resident.id, grant_id=grant.id)
    over = [await _spread(stream) for stream in streams]
    assert max(over) == 6  # two milliseconds for each of those who wait


async def _spread(stream: Stream) -> int:
    """Return over how long all are to fetch everything."""
    while True:
        told = await stream.next()
        assert told is not None
        if EVERYTHING in told.data["topics"]:
            return int(told.data.get("spread", 0))


async def test_what_commits_late_is_not_missed(community: Community, pages: Pages, clock: ManualClock) -> None:
    late, other = await identity.resident(community), await identity.resident(community)
    person, _ = await caregiver(late)
    await identity.grant(other, person, GRANTABLE)
    stream = await pages.of(person)
    await settled(stream, other)
    async with unit_of_work() as session:
        await touched(session, late)
        for _ in range(3):  # the hub goes on, and by its clock the row is long past
            clock.advance(timedelta(minutes=5))
            assert of(late) not in await settled(stream, other)
    assert of(late) in await heard(stream, of(late))


async def test_an_alarm_is_heard_of_by_the_desk_and_by_the_family(pages: Pages, url: str) -> None:
    scene = await alarms.scene(circle=0)
    family, _ = await caregiver(scene.resident)
    desk, home = await pages.of(scene.desk), await pages.of(family)
    await settled(home, scene.resident)
    alarm = await alarms.raised(scene.resident)
    at_desk: set[str] = set()
    while at_desk.isdisjoint({f"alarm:{alarm.id}", EVERYTHING}):
        told = await desk.next()
        assert told is not None
        at_desk.update(told.data["topics"])
    at_home = await heard(home, f"alarm:{alarm.id}")
    # Whose rights are in doubt at that moment is told that anything may have changed, and not what.
    assert {f"alarm:{alarm.id}", "desk"} <= at_desk or EVERYTHING in at_desk
    assert "desk" not in at_home
    assert {"today", of(scene.resident)} <= at_home
    await alarms.climb()
    assert f"alarm:{alarm.id}" in await heard(desk, "desk")


async def test_a_notice_in_the_inbox_is_heard_of(community: Community, pages: Pages) -> None:
    person = await identity.account(community)
    stream = await pages.of(person)
    async with unit_of_work() as session:
        values: dict[str, Value] = {"headline": seal_text("News"), "count": 1}
        await send(session, NEWS, [person.id], community_id=community.id, dedupe_key="one", variables=values)
    assert await heard(stream, "inbox") == {"inbox"}


async def test_whoever_is_signed_out_is_told_so(community: Community, pages: Pages) -> None:
    person = await identity.account(community)
    cookies = await cookie_of(person)
    stream = await pages.of(person, cookies=cookies)
    async with unit_of_work() as session:
        await end_browser_session(session, next(iter(cookies.values())))
    told = await stream.next()
    assert told is not None
    assert told.event == "over"
    assert await stream.next() is None


async def test_a_process_that_stops_ends_its_streams_in_order(community: Community, pages: Pages) -> None:
    streams = [await pages.of(await identity.account(community)) for _ in range(3)]
    live.end()
    for stream in streams:
        assert await stream.next() is None
    live.begin()


async def test_nobody_follows_who_is_not_signed_in(url: str) -> None:
    async with httpx.AsyncClient(base_url=url) as client:
        assert (await client.get(STREAM)).status_code == 401


async def test_one_person_has_so_many_pages(
    community: Community, pages: Pages, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = await identity.account(community)
    cookies = await cookie_of(person)
    opened = await pages.of(person, cookies=cookies)
    monkeypatch.setattr(live, "MOST_NUDGED_OF_ONE", 1)
    async with httpx.AsyncClient(base_url=url, cookies=cookies) as client:
        assert (await client.get(STREAM)).status_code == 429
    assert not opened.response.is_closed


async def test_a_page_that_is_closed_is_forgotten(community: Community, url: str) -> None:
    async with AsyncExitStack() as stack:
        opened = await Pages(url, stack).of(await identity.account(community))
        assert len(hub.listeners) == 1
        assert not opened.response.is_closed
    async with asyncio.timeout(PATIENCE):
        while hub.listeners:  # noqa: ASYNC110 - the server notices by itself that somebody has gone
            await asyncio.sleep(0.01)


async def test_a_page_that_stays_open_keeps_nobody_signed_in(
    community: Community, pages: Pages, url: str, clock: ManualClock
) -> None:
    person = await identity.operator(community)
    cookies = await cookie_of(person)
    clock.advance(timedelta(hours=11))
    await pages.of(person, cookies=cookies)
    async with httpx.AsyncClient(base_url=url, cookies=cookies, headers={"X-Live": "1"}) as client:
        assert (await client.get("/portal/circles/part")).status_code == 200
        clock.advance(timedelta(hours=2))
        assert (await client.get(STREAM)).status_code == 401
