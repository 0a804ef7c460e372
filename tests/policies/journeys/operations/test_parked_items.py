"""What stands still of a community: seen by its operator, tried again by them, of no other community."""

import uuid
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any

import httpx
import pytest_asyncio
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock as clocks
from app.core import failures
from app.core.clock import ManualClock
from app.core.database import Database, reading, unit_of_work
from app.core.due import drain
from app.core.parked_rows import retry_set_aside
from app.identity.models import Community
from tests.core.chores import CHORES, DUE, VITAL, add_chores, create_chores
from tests.factories import identity
from tests.factories.sign_in import sign_in

PATH = "/v1/parked-items"
Headers = dict[str, str]


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def _tables(database: Database, clock: ManualClock) -> AsyncIterator[None]:
    await create_chores(database)
    yield


async def operator_of(of: Community) -> Headers:
    """Sign the community's operator in, for the next quarter of an hour."""
    return await sign_in(await identity.operator(of))


async def refuse(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """Fail on every row."""
    await session.execute(sa.update(CHORES).where(CHORES.c.id.in_(ids)).values(done=1))
    raise LookupError


async def given_up(clock: ManualClock, *, times: int = failures.MAX_ATTEMPTS, vital: bool = False) -> None:
    """Let the chores fail until they are given up."""
    for _ in range(times):
        await drain(VITAL if vital else DUE, refuse)
        clock.advance(failures.LONGEST_DELAY)
        await retry_set_aside()


async def park_fact(of: Community, subscriber: str = "tests.listener") -> uuid.UUID:
    """Insert a fact that its subscriber gave up on, and one that waits behind it."""
    aggregate = clocks.new_id()
    async with unit_of_work() as session:
        for number in range(2):
            event = clocks.new_id()
            values = {
                "id": event,
                "aggregate": aggregate,
                "community": of.id,
                "at": clocks.now(),
                "subscriber": subscriber,
            }
            await session.execute(
                sa.text(
                    "INSERT INTO core_event (id, name, aggregate_id, community_id, payload, critical, occurred_at)"
                    " VALUES (:id, 'tests.happened.v1', :aggregate, :community, '{}', false, :at)"
                ),
                {name: value for name, value in values.items() if name != "subscriber"},
            )
            await session.execute(
                sa.text(
                    "INSERT INTO core_event_consumption (event_id, subscriber, sequence, aggregate_id, critical,"
                    " due_at, attempts, parked_at, last_error)"
                    " SELECT id, :subscriber, sequence, aggregate_id, false, :at,"
                    " :attempts, CAST(:parked AS timestamptz), CAST(:error AS text) FROM core_event WHERE id = :id"
                ),
                {
                    "id": event,
                    "subscriber": subscriber,
                    "at": clocks.now(),
                    "attempts": 0 if number else failures.MAX_ATTEMPTS,
                    "parked": None if number else clocks.now(),
                    "error": None if number else "BoomError",
                },
            )
    return aggregate


async def items(client: httpx.AsyncClient, headers: Headers, kind: str) -> list[dict[str, Any]]:
    """Return what stands still of one kind."""
    answer = await client.get(PATH, headers=headers, params={"kind": kind})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def test_a_deadline_that_was_given_up_is_seen_and_tried_again(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    here, there = await identity.community(), await identity.community()
    [chore] = await add_chores(1, community_id=here.id)
    await given_up(clock)
    operator, stranger = await operator_of(here), await operator_of(there)

    [item] = await items(client, operator, "deadline")
    assert (item["name"], item["about"], item["reason"]) == ("tests.chores", str(chore), "LookupError")
    assert (item["retry_at"], item["attempts"]) == (None, failures.MAX_ATTEMPTS)
    assert await items(client, stranger, "deadline") == []
    assert (await client.post(f"{PATH}/{item['id']}/replay", headers=stranger)).status_code == 404

    answer = await client.post(f"{PATH}/{item['id']}/replay", headers=operator)
    assert answer.json() == {"event": 0, "deadline": 1, "delivery": 0}
    assert await items(client, operator, "deadline") == []
    assert (await client.post(f"{PATH}/{item['id']}/replay", headers=operator)).status_code == 404
    assert await retry_set_aside() == 1


async def test_somebody_who_may_need_help_is_never_parked_and_yet_seen(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    here = await identity.community()
    await add_chores(1, community_id=here.id)
    await given_up(clock, times=failures.STUCK_AFTER - 1, vital=True)
    operator = await operator_of(here)
    assert await items(client, operator, "deadline") == []
    await drain(VITAL, refuse)
    [item] = await items(client, operator, "deadline")
    assert (item["parked_at"], item["name"]) == (None, "tests.vital_chores")
    assert item["retry_at"] is not None


async def test_an_event_that_was_given_up_is_seen_and_tried_again(client: httpx.AsyncClient) -> None:
    here, there = await identity.community(), await identity.community()
    operator, stranger = await operator_of(here), await operator_of(there)
    aggregate, other = await park_fact(here), await park_fact(there)

    [item] = await items(client, operator, "event")
    assert (item["about"], item["what"], item["waiting"]) == (str(aggregate), "tests.happened.v1", 1)
    assert (await client.post(f"{PATH}/event:tests.listener:{other}/replay", headers=operator)).status_code == 404
    assert (await client.post(f"{PATH}/replays", headers=operator, json={"kinds": ["event"]})).json()["event"] == 1
    assert await items(client, operator, "event") == []
    assert [found["about"] for found in await items(client, stranger, "event")] == [str(other)]
    async with reading() as connection:
        entries = await connection.scalars(
            sa.text("SELECT action FROM core_audit_entry WHERE community_id = :id"), {"id": here.id}
        )
    assert "parked_item:replay" in set(entries)


async def test_pages_of_what_stands_still_follow_each_other(client: httpx.AsyncClient, clock: ManualClock) -> None:
    here = await identity.community()
    chores = await add_chores(5, community_id=here.id)
    facts = [await park_fact(here, f"tests.listener{number}") for number in range(3)]
    await given_up(clock)
    operator = await operator_of(here)
    for kind, expected in (("deadline", chores), ("event", facts)):
        seen: list[str] = []
        cursor: dict[str, str] = {}
        while True:
            page = (await client.get(PATH, headers=operator, params={"kind": kind, "limit": 2, **cursor})).json()
            seen += [item["about"] for item in page["items"]]
            if page["next"] is None:
                break
            cursor = {"cursor": page["next"]}
        assert sorted(seen) == sorted(str(one) for one in expected)


async def test_only_the_operator_sees_the_machinery(client: httpx.AsyncClient) -> None:
    here = await identity.community()
    operator = await operator_of(here)
    agency = await identity.organization(here, "care_agency")
    coordinator = await sign_in(await identity.staff(agency, "coordinator"))
    dispatcher = await sign_in(await identity.operator(here, "dispatcher"))
    for headers in (coordinator, dispatcher):
        for path in (f"{PATH}?kind=event", "/v1/installation"):
            assert (await client.get(path, headers=headers)).status_code == 403
        assert (await client.post(f"{PATH}/replays", headers=headers, json={})).status_code == 403
        assert (await client.post(f"{PATH}/deadline:x:{here.id}/replay", headers=headers)).status_code == 403
    for nonsense in ("x", "event:", f"event:{here.id}", f"delivery:push:{here.id}", "deadline:a:b", "deadline::::"):
        assert (await client.post(f"{PATH}/{nonsense}/replay", headers=operator)).status_code == 404


async def test_the_installation_says_what_it_is_and_nothing_secret(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    here = await identity.community()
    operator = await operator_of(here)
    await add_chores(2, community_id=here.id, due_at=clock.now() - timedelta(minutes=3))
    answer = await client.get("/v1/installation", headers=operator)
    assert answer.status_code == 200, answer.text
    shown = answer.json()
    assert shown["schema_found"] == shown["schema_expected"] or shown["schema_found"] is None
    late = {queue["name"]: queue for queue in shown["queues"]}
    assert (late["tests.chores"]["late"], late["tests.chores"]["lag_seconds"]) == (2, 180.0)
    assert late["tests.vital_chores"]["is_vital"] is True
    push = next(one for one in shown["providers"] if one["what"] == "push")
    assert isinstance(push["reaches_people"], bool)
    for secret in ("postgres", 'key"', "password", "127.0.0.1"):
        assert secret not in answer.text
