"""Writing notices: with the fact or not at all, once per recipient and key, one by one and in sets."""

import asyncio
import uuid
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock as clocks
from app.core.database import Database, reading, unit_of_work
from notifications.api import send, send_many
from notifications.delivery.models import DEDUPE, DELIVERIES
from notifications.delivery.repository import writing
from notifications.delivery.service import statement_binds
from notifications.inbox.models import INBOX
from tests.notifications.notices import ALARM, NEWS, PROMPT
from tests.plans import explain, looked_at, nodes

COMMUNITY = uuid.UUID(int=7)
RESIDENT = uuid.UUID(int=8)


async def rows(table: sa.Table) -> list[sa.Row[tuple[object, ...]]]:
    async with reading() as connection:
        return list((await connection.execute(sa.select(table).order_by(*table.primary_key))).all())


async def prompt(session: AsyncSession, accounts: list[uuid.UUID], key: str = "prompt:1") -> list[uuid.UUID]:
    return await send(
        session,
        PROMPT,
        accounts,
        community_id=COMMUNITY,
        dedupe_key=key,
        variables={"resident": RESIDENT, "due_at": clocks.now()},
        about=RESIDENT,
        origin=("tests.check_in", uuid.UUID(int=9)),
        data={"check_in_id": "9"},
    )


async def test_a_notice_is_kept_and_its_first_channel_queued(database: Database, clock: clocks.ManualClock) -> None:
    account = clocks.new_id()
    async with unit_of_work() as session:
        ids = await prompt(session, [account])
    (delivery,) = await rows(DELIVERIES)
    (item,) = await rows(INBOX)
    assert ids == [delivery.id]
    assert (delivery.channel, delivery.state, delivery.lane, delivery.origin_kind) == (
        "push",
        "queued",
        1,
        "tests.check_in",
    )
    assert delivery.send_at == clock.now()
    assert delivery.expires_at == clock.now() + timedelta(hours=24)
    assert delivery.variables == {"resident": str(RESIDENT), "due_at": "2026-03-02T08:00:00+00:00"}
    assert delivery.collapse_key == "prompt:1"
    assert (item.id, item.account_id, item.data) == (delivery.notice_id, account, {"check_in_id": "9"})
    assert clocks.instant_of(delivery.id) == clock.now()


async def test_nothing_is_told_of_what_was_rolled_back(database: Database, clock: clocks.ManualClock) -> None:
    async def fail() -> None:
        async with unit_of_work() as session:
            await prompt(session, [clocks.new_id()])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert not await rows(DELIVERIES)
    assert not await rows(DEDUPE)
    assert not await rows(INBOX)


async def test_a_recipient_gets_a_key_once(database: Database, clock: clocks.ManualClock) -> None:
    first, second = sorted([clocks.new_id(), clocks.new_id()])
    async with unit_of_work() as session:
        assert len(await prompt(session, [first, first])) == 1
    async with unit_of_work() as session:
        assert len(await prompt(session, [second, first])) == 1
    async with unit_of_work() as session:
        assert len(await prompt(session, [first], key="prompt:2")) == 1
    assert len(await rows(DELIVERIES)) == 3


async def test_a_recipient_gets_a_key_once_when_many_send_at_the_same_time(
    database: Database, clock: clocks.ManualClock
) -> None:
    accounts = [clocks.new_id() for _ in range(50)]

    async def attempt(number: int) -> int:
        order = accounts if number % 2 else accounts[::-1]
        async with unit_of_work() as session:
            return len(await prompt(session, order))

    sent = await asyncio.gather(*(attempt(number) for number in range(6)))
    assert sum(sent) == 50
    assert len(await rows(DELIVERIES)) == 50


async def test_mode_all_queues_every_channel_and_keeps_nothing_outside_the_inbox(
    database: Database, clock: clocks.ManualClock
) -> None:
    async with unit_of_work() as session:
        ids = await send(
            session,
            ALARM,
            [clocks.new_id()],
            community_id=COMMUNITY,
            dedupe_key="alarm",
            variables={"resident": RESIDENT},
            collapse_key="alarms",
            expires_at=clock.now() + timedelta(minutes=5),
        )
    deliveries = await rows(DELIVERIES)
    assert len(ids) == 2
    assert {row.channel for row in deliveries} == {"push", "sms"}
    assert {row.lane for row in deliveries} == {0}
    assert {row.collapse_key for row in deliveries} == {"alarms"}
    assert {row.expires_at for row in deliveries} == {clock.now() + timedelta(minutes=5)}
    assert {row.origin_kind for row in deliveries} == {None}
    assert not await rows(INBOX)


async def test_only_the_chosen_channels_are_used_in_the_order_of_the_notice(
    database: Database, clock: clocks.ManualClock
) -> None:
    async with unit_of_work() as session:
        await send(
            session,
            PROMPT,
            [clocks.new_id()],
            community_id=COMMUNITY,
            dedupe_key="prompt",
            variables={"resident": RESIDENT, "due_at": clocks.now()},
            channels=("sms", "push"),
        )
        chosen = crowd(1).add_columns(sa.literal_column("ARRAY['sms', 'inbox', 'push']").label("channels"))
        await send_many(session, PROMPT, chosen, binds={"due": clock.now()})
    by_key = {row.dedupe_key: (row.channel, row.fallbacks) for row in await rows(DELIVERIES)}
    assert by_key == {"prompt": ("push", ["sms"]), "storm:1": ("sms", ["push"])}
    assert len(await rows(INBOX)) == 1


async def test_own_words_are_sealed_in_the_table(database: Database, clock: clocks.ManualClock) -> None:
    async with unit_of_work() as session:
        await send(
            session,
            NEWS,
            [clocks.new_id()],
            community_id=COMMUNITY,
            dedupe_key="news",
            variables={"headline": "The lift is repaired", "count": 2},
        )
    (delivery,) = await rows(DELIVERIES)
    assert "lift" not in str(delivery.variables)
    assert delivery.variables["headline"].startswith("v1.")
    assert delivery.variables["count"] == 2


@pytest.mark.parametrize(
    ("variables", "data"),
    [
        ({"resident": RESIDENT}, {}),
        ({"resident": "not an id", "due_at": clocks.now()}, {}),
        ({"resident": RESIDENT, "due_at": clocks.now(), "mood": 1}, {}),
        ({"resident": RESIDENT, "due_at": clocks.now()}, {"google.sent_time": "1"}),
        ({"resident": RESIDENT, "due_at": clocks.now()}, {"delivery_id": "1"}),
    ],
)
async def test_what_a_notice_does_not_declare_is_refused(
    database: Database, variables: dict[str, uuid.UUID | int], data: dict[str, str]
) -> None:
    async with unit_of_work() as session:
        with pytest.raises((ValueError, TypeError)):
            await send(
                session,
                PROMPT,
                [clocks.new_id()],
                community_id=COMMUNITY,
                dedupe_key="prompt",
                variables=variables,
                data=data,
            )


def crowd(count: int) -> sa.Select[tuple[object, ...]]:
    """Return recipients made by SQL: ids counted from the bind ``base``."""
    number = sa.func.generate_series(1, count).table_valued("n").render_derived("number")
    account = sa.cast(
        sa.literal("00000000-0000-4000-8000-") + sa.func.lpad(sa.cast(number.c.n, sa.Text), 12, "0"), sa.Uuid
    )
    return sa.select(
        account.label("account_id"),
        sa.bindparam("community_id", COMMUNITY, type_=sa.Uuid).label("community_id"),
        (sa.literal("storm:") + sa.cast(number.c.n, sa.Text)).label("dedupe_key"),
        sa.func.jsonb_build_object(
            "resident", account, "due_at", sa.bindparam("due", type_=sa.DateTime(timezone=True))
        ).label("variables"),
        account.label("about"),
        account.label("origin_id"),
    )


async def test_a_set_is_sent_in_one_statement_and_once(database: Database, clock: clocks.ManualClock) -> None:
    binds = {"due": clock.now()}
    async with unit_of_work() as session:
        assert await send_many(session, PROMPT, crowd(300), binds=binds, origin_kind="tests.check_in") == 300
    async with unit_of_work() as session:
        assert await send_many(session, PROMPT, crowd(301), binds=binds, origin_kind="tests.check_in") == 1
    deliveries = await rows(DELIVERIES)
    assert len(deliveries) == len(await rows(INBOX)) == 301
    assert {row.origin_kind for row in deliveries} == {"tests.check_in"}
    assert all(row.origin_id == row.account_id for row in deliveries)
    assert {row.variables["due_at"] for row in deliveries} == {"2026-03-02T08:00:00+00:00"}


async def test_a_set_must_name_its_recipients(database: Database) -> None:
    async with unit_of_work() as session:
        with pytest.raises(ValueError, match="dedupe_key"):
            await send_many(
                session, PROMPT, sa.select(sa.literal(1).label("account_id"), sa.literal(1).label("community_id"))
            )


async def test_what_the_planner_takes_for_one_recipient_is_not_compared_with_each_other(database: Database) -> None:
    # Of what an expression yields the planner knows nothing: it takes three such conditions to believe in one row.
    recipients = sa.text("""
        SELECT gen_random_uuid() AS account_id, gen_random_uuid() AS community_id, 'key' AS dedupe_key
        FROM generate_series(1, 2000) AS number WHERE number % 1 = 0 AND number * 0 = 0 AND number - number = 0""")
    source = recipients.columns(account_id=sa.Uuid, community_id=sa.Uuid, dedupe_key=sa.Text).subquery()
    variables = sa.literal({"headline": "all", "count": 1}, JSONB).label("variables")
    statement = writing(sa.select(source, variables)).count
    async with unit_of_work() as session:
        plan = await explain(session, statement, statement_binds(NEWS))
    assert max(node["Plan Rows"] for node in nodes(plan)) < 1_000
    assert {node["Relation Name"]: node["Tuples Inserted"] for node in nodes(plan) if "Tuples Inserted" in node} == {
        "notifications_dedupe": 2_000
    }
    assert len(await rows(INBOX)) == len(await rows(DELIVERIES)) == 2_000
    assert max(looked_at(node) for node in nodes(plan)) <= 2_000
