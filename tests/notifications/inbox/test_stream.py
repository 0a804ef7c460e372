"""The inbox live, over a real server: each thing once, whatever commits late, and only while one may see it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta

import httpx
import pytest
import pytest_asyncio
import sqlalchemy as sa
from fastapi import FastAPI
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import changes, live
from app.core.clock import ManualClock
from app.core.database import Database, reading, unit_of_work
from app.identity.models import Account
from app.identity.sessions.models import AccountSession
from notifications.api import send, send_many
from notifications.inbox import service
from notifications.inbox.rules import Place
from notifications.templates.variables import seal_text
from tests.factories import identity
from tests.factories.sign_in import access_headers, session_of, sign_in
from tests.notifications.notices import NEWS
from tests.streams import Stream, Told, following, served

Headers = dict[str, str]

STREAM = "/v1/me/inbox/stream"


@pytest.fixture(autouse=True)
def brisk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look again soon, and never merely because time has passed."""
    monkeypatch.setattr(service, "HEARTBEAT_SECONDS", 3_600.0)
    monkeypatch.setattr(service, "GAP_SECONDS", 0.01)


@pytest_asyncio.fixture(loop_scope="session")
async def url(app: FastAPI, database: Database, clock: ManualClock) -> AsyncIterator[str]:
    """Serve the application."""
    async with served(app) as address:
        yield address


@pytest_asyncio.fixture(loop_scope="session")
async def ada(url: str) -> Account:
    """Return somebody with an inbox."""
    return await identity.account(await identity.community(), name="Ada")


async def write(session: AsyncSession, account: Account, name: str) -> None:
    """Write a notice into the inbox, in a transaction that is still open."""
    await send(
        session,
        NEWS,
        [account.id],
        community_id=account.community_id,
        dedupe_key=name,
        variables={"headline": name, "count": 1},
    )


async def tell(account: Account, *names: str) -> None:
    async with unit_of_work() as session:
        for name in names:
            await write(session, account, name)


def items(events: Sequence[Told]) -> list[str]:
    return [told.data["body"] for told in events if told.event == "item"]


async def pass_by() -> None:
    """Return once nothing written so far is told again to who begins now: until all that ran beside it has ended.

    Transactions are counted for the whole server, so those of other databases hold a reader's beginning back.
    """
    async with reading() as connection:
        newest = (await changes.horizon(connection)).newest
        while (await changes.horizon(connection)).settled < newest:  # noqa: ASYNC110 - PostgreSQL tells nobody of it
            await asyncio.sleep(0.01)


async def test_what_is_new_what_was_read_and_how_much_is_unread_are_told(
    url: str, ada: Account, clock: ManualClock
) -> None:
    headers = await sign_in(ada)
    await tell(ada, "before")
    await pass_by()
    clock.advance(timedelta(seconds=1))
    async with (
        following(url + STREAM, headers) as stream,
        httpx.AsyncClient(base_url=url, timeout=60, headers=headers) as client,
    ):
        assert stream.response.headers["content-type"].startswith("text/event-stream")
        assert [(told.event, told.data) for told in await stream.until("unread")] == [("unread", {"unread": 1})]
        await tell(ada, "now")
        item, unread = await stream.until("unread")
        (listed, *_) = (await client.get("/v1/me/inbox")).json()["items"]
        assert (item.event, item.data) == ("item", listed)
        assert unread.data == {"unread": 2}
        await client.post(f"/v1/me/inbox/{listed['id']}/reading")
        item, unread = await stream.until("unread")
        assert (item.data["id"], item.data["read_at"] is None, unread.data) == (listed["id"], False, {"unread": 1})
        await client.post("/v1/me/inbox/readings", json={"up_to": listed["id"]})
        events = await stream.until("unread")
        assert (items(events), events[-1].data) == (["before"], {"unread": 0})


async def test_what_is_written_to_many_at_once_is_told_to_each(url: str, ada: Account) -> None:
    eve = await identity.account(await identity.community(name="Hillside"), name="Eve")
    async with (
        following(url + STREAM, await sign_in(ada)) as hers,
        following(url + STREAM, await sign_in(eve)) as anothers,
    ):
        await hers.until("unread")
        await anothers.until("unread")
        variables = sa.literal({"headline": seal_text("all"), "count": 1}, JSONB)
        people = sa.select(
            Account.id.label("account_id"),  # type: ignore[attr-defined]  # a column, seen from the class
            Account.community_id.label("community_id"),  # type: ignore[attr-defined]
            sa.literal("all").label("dedupe_key"),
            variables.label("variables"),
        )
        async with unit_of_work() as session:
            await send_many(session, NEWS, people)
        for stream in (hers, anothers):
            assert items(await stream.until("unread")) == ["all"]
        await tell(eve, "for Eve")
        assert items(await anothers.until("unread")) == ["for Eve"]
        await tell(ada, "for Ada")
        assert items(await hers.until("unread")) == ["for Ada"]


async def cut_after(url: str, headers: Headers, last: str | None, count: int) -> tuple[list[str], str | None]:
    """Follow until ``count`` items were told, then drop the connection; return them and the last event's id."""
    seen: list[str] = []
    async with following(url + STREAM, headers, last) as stream:
        while len(seen) < count and (told := await stream.next()) is not None:
            last = told.id or last
            seen += items([told])
    return seen, last


async def test_a_late_commit_with_a_lower_id_is_told_once_after_a_cut(
    url: str, ada: Account, clock: ManualClock
) -> None:
    headers = await sign_in(ada)
    async with following(url + STREAM, headers) as stream:
        (begun,) = await stream.until("unread")
    async with unit_of_work() as late:
        await write(late, ada, "lower")
        clock.advance(timedelta(seconds=1))
        await tell(ada, "higher")
        async with following(url + STREAM, headers, begun.id) as stream:
            # Committed, and not told yet: telling it would put the reader's place beyond what is still open.
            (told,) = await stream.until("unread")
            assert (told.event, told.data) == ("unread", {"unread": 1})
    seen, last = await cut_after(url, headers, told.id, 2)
    assert seen == ["lower", "higher"]
    await tell(ada, "next")
    seen, last = await cut_after(url, headers, last, 1)
    assert seen == ["next"]


async def test_what_an_older_transaction_held_back_is_told_when_it_ends(url: str, ada: Account) -> None:
    async with AsyncExitStack() as stack:
        async with unit_of_work() as older:
            await older.execute(sa.text("SELECT pg_current_xact_id()"))
            await tell(ada, "held back")
            stream = await stack.enter_async_context(following(url + STREAM, await sign_in(ada)))
            assert [told.event for told in await stream.until("unread")] == ["unread"]
        assert items(await stream.until("unread")) == ["held back"]


async def test_an_item_of_an_earlier_id_that_is_written_later_is_told(
    url: str, ada: Account, clock: ManualClock
) -> None:
    headers = await sign_in(ada)
    async with following(url + STREAM, headers) as stream:
        (begun,) = await stream.until("unread")
    await tell(ada, "first")
    seen, last = await cut_after(url, headers, begun.id, 1)
    assert seen == ["first"]
    clock.set(clock.now() - timedelta(minutes=5))  # of another machine
    await tell(ada, "behind")
    clock.advance(timedelta(minutes=5))
    assert (await cut_after(url, headers, last, 1))[0] == ["behind"]


async def test_a_cut_in_the_middle_of_many_loses_and_doubles_none(url: str, ada: Account) -> None:
    headers = await sign_in(ada)
    async with following(url + STREAM, headers) as stream:
        (told,) = await stream.until("unread")
    names = [f"{number:03}" for number in range(230)]
    await tell(ada, *names)
    seen: list[str] = []
    last = told.id
    for count in (1, 98, 3, 100):
        more, last = await cut_after(url, headers, last, count)
        seen += more
    async with following(url + STREAM, headers, last) as stream:
        events = await stream.until("unread")
    assert sorted(seen + items(events)) == names  # those of one moment come in no order
    assert events[-1].data == {"unread": 230}


@pytest.mark.parametrize("place", ["nonsense", "another's", "restored"])
async def test_a_place_that_is_not_known_begins_anew(url: str, ada: Account, place: str) -> None:
    stranger = await identity.account(await identity.community(name="Hillside"))
    async with following(url + STREAM, await sign_in(stranger)) as stream:
        (anothers,) = await stream.until("unread")
    given = {"nonsense": "nonsense", "another's": str(anothers.id)}.get(place)
    given = given or str(Place(ada.id, "another system", 1))
    await tell(ada, "old")
    await pass_by()
    async with following(url + STREAM, await sign_in(ada), given) as stream:
        assert [told.event for told in await stream.until("unread")] == ["reset", "unread"]
        await tell(ada, "new")
        assert items(await stream.until("unread")) == ["new"]


async def revoke(row: AccountSession) -> None:
    async with unit_of_work() as session:
        revoked = {"revoked_at": row.last_seen_at}
        await session.execute(sa.update(AccountSession).where(sa.column("id") == row.id).values(revoked))


async def test_a_session_that_ends_ends_its_streams_before_anything_more_is_told(url: str, ada: Account) -> None:
    row = await session_of(ada)
    async with (
        following(url + STREAM, access_headers(row)) as stream,
        following(url + STREAM, await sign_in(ada)) as other,
    ):
        await stream.until("unread")
        await other.until("unread")
        await revoke(row)
        await tell(ada, "secret")
        assert await stream.next() is None
        assert items(await other.until("unread")) == ["secret"]


async def test_a_silent_stream_notices_that_its_session_ended(
    url: str, ada: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "HEARTBEAT_SECONDS", 0.05)
    row = await session_of(ada)
    async with following(url + STREAM, access_headers(row)) as stream:
        await stream.until("unread")
        await revoke(row)
        assert await stream.next() is None


async def test_a_token_that_runs_out_ends_the_stream(url: str, ada: Account, clock: ManualClock) -> None:
    async with following(url + STREAM, await sign_in(ada)) as stream:
        (told,) = await stream.until("unread")
        clock.advance(timedelta(minutes=16))
        await tell(ada, "later")
        assert await stream.next() is None
    # A transaction that is open anywhere on the server may make it wait: not for the first count, but for the item.
    seen, _ = await cut_after(url, await sign_in(ada), told.id, 1)
    assert seen == ["later"]


async def test_an_open_stream_holds_no_connection(url: str, ada: Account, database: Database) -> None:
    async with following(url + STREAM, await sign_in(ada)) as stream:
        await stream.until("unread")
        async with asyncio.timeout(20):
            while database.reading.lent + database.writing.lent:  # noqa: ASYNC110 - a pool tells nobody
                await asyncio.sleep(0.01)


async def test_one_person_and_one_process_have_so_many_streams(
    url: str, ada: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "MOST_OF_ONE", 1)
    eve = await sign_in(await identity.account(await identity.community(name="Hillside")))
    headers = await sign_in(ada)

    async def refusal(stream: Stream) -> tuple[int, bool]:
        await stream.response.aread()
        return stream.response.status_code, "retry-after" in stream.response.headers

    async with following(url + STREAM, headers) as stream:
        await stream.until("unread")
        async with following(url + STREAM, headers) as second:
            assert await refusal(second) == (429, True)
        monkeypatch.setattr(live, "MOST", 1)
        async with following(url + STREAM, eve) as third:
            assert await refusal(third) == (503, True)
    async with asyncio.timeout(20):
        while live._STREAMS.of_actor:  # noqa: ASYNC110 - the server notices a cut by itself
            await asyncio.sleep(0.01)
    async with following(url + STREAM, eve) as stream:
        assert len(await stream.until("unread")) == 1


async def test_streams_end_in_order_when_they_are_asked_to(url: str, ada: Account) -> None:
    async with following(url + STREAM, await sign_in(ada)) as stream:
        await stream.until("unread")
        live.end()
        try:
            assert await stream.next() is None
        finally:
            live.begin()
