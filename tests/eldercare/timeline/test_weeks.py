"""The week in numbers: who hears of it, when, and what of it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from app.core import clock as clocks
from app.core import events
from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.core.jobs import settle
from app.core.relay import RELAY_JOBS
from app.identity.models import Account
from eldercare.timeline.jobs import tell_weeks
from eldercare.timeline.rules.weeks import WEEK, next_summary
from eldercare.timeline.subscribers import SUBSCRIBERS
from tests.factories import eldercare_alarms as alarms
from tests.factories import identity
from tests.factories.lived import Lived, force
from tests.factories.sign_in import sign_in, sign_in_resident

ALL = ["check_ins:read", "alarms:read", "medication:read", "visits:read"]


@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)),  # noqa: DTZ001 - given its zone below
    st.sampled_from(["UTC", "Asia/Shanghai", "America/New_York", "Australia/Lord_Howe", "Pacific/Kiritimati"]),
)
def test_the_next_summary_is_on_a_sunday_evening_within_a_week(naive: datetime, time_zone: str) -> None:
    after = naive.replace(tzinfo=UTC)
    found = next_summary(after, time_zone)
    local = found.astimezone(ZoneInfo(time_zone))
    assert (local.isoweekday(), local.hour, local.minute) == (7, 18, 0)
    # A week of the wall may have an hour more.
    assert timedelta() < found - after <= WEEK + timedelta(hours=1)


@pytest.fixture
def subscribed() -> Iterator[None]:
    """Let the weeks, and nobody else, hear of what happens."""
    previous = events.install_subscribers(SUBSCRIBERS)
    yield
    events.install_subscribers(previous)


async def rows(sql: str, **binds: object) -> list[tuple[Any, ...]]:
    async with reading() as connection:
        return [tuple(row) for row in await connection.execute(sa.text(sql), binds)]


async def inbox(client: httpx.AsyncClient, person: Account) -> list[dict[str, Any]]:
    answer = await client.get("/v1/me/inbox", headers=await sign_in(person))
    items: list[dict[str, Any]] = answer.json()["items"]
    return [item for item in items if item["notice"] == "eldercare.weekly_summary"]


async def joined(lived: Lived, scopes: list[str], name: str = "Son") -> Account:
    """Insert somebody who is in the circle with these scopes, and hears of the week at its end."""
    person = await identity.account(lived.place, name=name)
    member = await alarms.circle_member(lived.resident, person, answered_at=lived.start, scopes=scopes)
    if scopes:
        await identity.grant(lived.resident, person, scopes)
    await force(
        "INSERT INTO eldercare_weekly_summary (id, created_at, updated_at, version, community_id, resident_id,"
        " account_id, member_id, send_at) VALUES (:id, :at, :at, 1, :place, :resident, :person, :member, :at)",
        id=clocks.new_id(),
        at=next_summary(lived.start, "UTC"),
        place=lived.place.id,
        resident=lived.resident.id,
        person=person.id,
        member=member.id,
    )
    return person


async def test_the_family_hears_of_the_week_in_numbers(
    client: httpx.AsyncClient, lived: Lived, clock: ManualClock
) -> None:
    son = await joined(lived, ALL)
    assert await tell_weeks() == 0
    sunday = next_summary(lived.start, "UTC")
    clock.set(sunday)
    assert await tell_weeks() == 1
    assert await tell_weeks() == 0
    (told,) = await inbox(client, son)
    assert told["title"] == "The week of Grace"
    assert told["body"] == (
        "The week until Sunday evening: check-ins answered: 1, not answered: 1. Alarms: 1."
        " Doses recorded as taken: 1, not taken or not recorded: 2. Visits made: 1, missed: 1."
    )
    assert await rows("SELECT send_at FROM eldercare_weekly_summary") == [(sunday + WEEK,)]


async def test_what_a_home_answered_is_counted_as_that(
    client: httpx.AsyncClient, lived: Lived, clock: ManualClock
) -> None:
    son = await joined(lived, ["check_ins:read"])
    await force("UPDATE eldercare_check_in SET how = 'home', answered_by = NULL WHERE state = 'answered'")
    clock.set(next_summary(lived.start, "UTC"))
    await tell_weeks()
    (told,) = await inbox(client, son)
    assert told["body"] == (
        "The week until Sunday evening: check-ins answered: 0, not answered: 1."
        " Check-ins not asked, as the home was as active as usual: 1."
    )


async def test_it_counts_only_what_one_may_see(client: httpx.AsyncClient, lived: Lived, clock: ManualClock) -> None:
    visits_only = await joined(lived, ["visits:read"])
    nothing = await joined(lived, [], name="Neighbour")
    clock.set(next_summary(lived.start, "UTC"))
    assert await tell_weeks() == 2
    (told,) = await inbox(client, visits_only)
    assert told["body"] == "The week until Sunday evening: Visits made: 1, missed: 1."
    assert await inbox(client, nothing) == []


async def test_a_week_in_which_nothing_was_is_not_told(
    client: httpx.AsyncClient, lived: Lived, clock: ManualClock
) -> None:
    son = await joined(lived, ALL)
    clock.set(next_summary(lived.start, "UTC") + timedelta(days=30))
    assert await tell_weeks() == 1
    assert await inbox(client, son) == []
    # Whoever was not told while nothing ran hears of the next week, not of each that passed.
    assert await tell_weeks() == 0


async def test_who_left_hears_nothing(client: httpx.AsyncClient, lived: Lived, clock: ManualClock) -> None:
    son = await joined(lived, ALL)
    await force("UPDATE eldercare_circle_member SET state = 'removed', ended_at = :at", at=lived.start)
    clock.set(next_summary(lived.start, "UTC"))
    await tell_weeks()
    assert await inbox(client, son) == []


async def test_a_locked_screen_shows_no_number(lived: Lived, clock: ManualClock, client: httpx.AsyncClient) -> None:
    operator = await identity.operator(lived.place)
    headers = await sign_in(operator, second_factor=True)
    for language in ("en", "zh-CN"):
        answer = await client.get(
            "/v1/notice-templates/eldercare.weekly_summary/preview",
            params={"channel": "push", "language": language},
            headers=headers,
        )
        assert answer.status_code == 200, answer.text
        assert not any(character.isdigit() for character in answer.json()["body"])


@pytest.mark.usefixtures("subscribed")
async def test_who_joins_hears_until_they_leave_or_the_resident_is_closed(
    client: httpx.AsyncClient, lived: Lived, clock: ManualClock
) -> None:
    as_resident = await sign_in_resident(lived.resident)
    invited = await client.post(
        "/v1/me/circle",
        headers=as_resident,
        json={"name": "Son", "phone": "+8613800000333", "relationship": "son", "scopes": ALL},
    )
    assert invited.status_code == 201, invited.text
    member = invited.json()
    async with reading() as connection:
        account_id = await connection.scalar(
            sa.text("SELECT account_id FROM eldercare_circle_member WHERE id = :id"), {"id": member["id"]}
        )
    async with unit_of_work() as session:
        son = await session.get_one(Account, account_id)
    headers = await sign_in(son)
    await settle(RELAY_JOBS)
    assert await rows("SELECT 1 FROM eldercare_weekly_summary") == []
    answered = await client.post(f"/v1/me/circles/{member['id']}/acceptance", headers=headers)
    assert answered.status_code < 300, answered.text
    await settle(RELAY_JOBS)
    assert await rows("SELECT account_id, send_at FROM eldercare_weekly_summary") == [
        (account_id, next_summary(clock.now(), son.time_zone))
    ]
    left = await client.delete(f"/v1/me/circles/{member['id']}", headers=headers)
    assert left.status_code < 300, left.text
    await settle(RELAY_JOBS)
    assert await rows("SELECT 1 FROM eldercare_weekly_summary") == []


@pytest.mark.usefixtures("subscribed")
async def test_nobody_hears_of_a_resident_who_is_closed(lived: Lived, client: httpx.AsyncClient) -> None:
    await joined(lived, ALL)
    operator = await identity.operator(lived.place)
    headers = await sign_in(operator, second_factor=True)
    await force("UPDATE eldercare_alarm SET state = 'resolved', next_step_at = NULL, closed_at = raised_at")
    closed = await client.post(
        f"/v1/residents/{lived.resident.id}/closure",
        headers=headers,
        json={"reason": "moved_out", "date": lived.start.date().isoformat()},
    )
    assert closed.status_code < 300, closed.text
    await settle(RELAY_JOBS)
    assert await rows("SELECT 1 FROM eldercare_weekly_summary") == []


async def test_what_happened_in_one_week_is_counted_once_however_late_it_is_told(
    client: httpx.AsyncClient, lived: Lived, clock: ManualClock
) -> None:
    son = await joined(lived, ["alarms:read"])
    sunday = next_summary(lived.start, "UTC")
    await force("UPDATE eldercare_alarm SET raised_at = :at", at=sunday + timedelta(minutes=3))
    clock.set(sunday + timedelta(minutes=5))
    await tell_weeks()
    assert await inbox(client, son) == []
    clock.set(sunday + WEEK + timedelta(minutes=10))
    await tell_weeks()
    (told,) = await inbox(client, son)
    assert "Alarms: 1." in told["body"]
    clock.set(sunday + 2 * WEEK)
    await tell_weeks()
    assert len(await inbox(client, son)) == 1
