"""The demo community: its past is consistent, and seeding it again changes nothing."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from sqlmodel import SQLModel

from app.core.clock import ManualClock
from app.core.database import Database, reading
from app.demo import behaviour, people, seeding, tour
from app.identity import api as identity
from app.portal.ground.demo import FACES, GUIDE
from tests.factories.progress import Silence

END = datetime(2026, 4, 21, 8, 0, tzinfo=UTC)
"""Somebody presses SOS in the days before."""
RESIDENTS = 8
DAYS = 3


async def _seed(app: FastAPI, end: datetime = END, report: Silence | None = None) -> bool:
    return await seeding.seed(
        app, report or Silence(), residents=RESIDENTS, past=timedelta(days=DAYS), until=lambda: end
    )


async def _rows(statement: str) -> list[Mapping[str, Any]]:
    async with reading() as connection:
        return [row._asdict() for row in await connection.execute(sa.text(statement))]


async def _counts() -> dict[str, int]:
    async with reading() as connection:
        return {
            table.name: await connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0
            for table in SQLModel.metadata.sorted_tables
        }


async def test_the_past_is_consistent_though_interrupted_and_seeding_again_changes_nothing(
    app: FastAPI, database: Database, clock: ManualClock
) -> None:
    first, second = Silence(), Silence()
    assert await _seed(app, END - timedelta(days=1), first)
    assert await _seed(app, report=second)
    assert first.pieces == ["the community moves in", "its past is lived"]
    assert first.done == pytest.approx(DAYS)
    assert second.done == pytest.approx(1)
    await _require_nothing_twice()
    await _require_consistency()
    before = await _counts()
    assert before["identity_resident"] == RESIDENTS
    await _require_families_heard()
    await _require_circles_and_desk_lived()
    await _require_messages_read_and_answered()
    assert not await _seed(app)
    assert await _counts() == before
    await _require_somebody_asked_within_the_minute(app, clock)


async def _require_consistency() -> None:
    check_ins = await _rows("SELECT state, due_at, resident_id, plan_id FROM eldercare_check_in")
    past = [row for row in check_ins if row["due_at"] < END - timedelta(hours=3)]
    assert len(past) >= RESIDENTS
    # Whoever was asked long ago has an outcome, and was asked once for each moment.
    assert {row["state"] for row in past} <= {"answered", "missed", "excused", "unasked"}
    assert len({(row["resident_id"], row["plan_id"], row["due_at"]) for row in past}) == len(past)
    assert {row["state"] for row in check_ins if row["due_at"] > END} <= {"scheduled"}
    assert await _rows("SELECT id FROM eldercare_check_in WHERE asked_at < due_at OR answered_at < asked_at") == []
    not_asked_once = await _rows("""
        SELECT c.id FROM eldercare_check_in c
        WHERE c.channel IN ('app', 'sms', 'voice') AND c.state IN ('answered', 'missed')
          AND c.how IS DISTINCT FROM 'home'  -- whose home answered, is not asked
          AND 1 <> (
            SELECT count(*) FROM notifications_delivery d
            WHERE d.origin_id = c.id AND d.notice_key LIKE 'eldercare.check_in_prompt%' AND d.state = 'sent')""")
    assert not_asked_once == []
    alarms = await _rows(f"SELECT state FROM eldercare_alarm WHERE raised_at < '{END - timedelta(hours=3)}'")
    assert alarms
    # Whoever wears a tracker was somewhere on each day, and is somebody a relative may see.
    trackers = await _rows("""
        SELECT resident_id, count(DISTINCT (date_trunc('day', received_at))) AS days
        FROM eldercare_position GROUP BY resident_id""")
    assert [row["days"] >= DAYS for row in trackers] == [True]
    assert {row["state"] for row in alarms} <= {"resolved", "cancelled"}
    visits = await _rows(f"SELECT state FROM eldercare_visit WHERE ends_at < '{END - timedelta(hours=3)}'")
    assert len(visits) >= DAYS  # those who are visited are visited every morning
    assert {row["state"] for row in visits} <= {"completed", "missed"}
    assert "completed" in {row["state"] for row in visits}


async def _require_families_heard() -> None:
    """Each member of a circle is told of the week on its Sunday evening, of what they were let see, and rightly."""
    told = await _rows("""
        SELECT i.account_id, i.about, i.variables, i.sent_at, w.send_at AS next_at
        FROM notifications_inbox_item i
        JOIN eldercare_weekly_summary w ON w.account_id = i.account_id AND w.resident_id = i.about
        WHERE i.notice_key = 'eldercare.weekly_summary'""")
    members = await _rows("SELECT account_id, resident_id FROM eldercare_circle_member WHERE state = 'accepted'")
    gone = {row["resident_id"] for row in await _rows("SELECT resident_id FROM eldercare_absence")}
    heard = {(row["account_id"], row["about"]) for row in told}
    assert heard <= {tuple(row.values()) for row in members}
    # Of somebody who was in hospital all the while there is nothing to tell.
    assert {tuple(row.values()) for row in members if row["resident_id"] not in gone} <= heard
    assert {row["sent_at"].date().isoformat() for row in told} <= {"2026-04-19", "2026-04-20"}
    assert all(row["next_at"] - row["sent_at"] == timedelta(days=7) for row in told)
    for row in told:
        sent_at, about = row["sent_at"].isoformat(), row["about"]
        for name, table, column, which in (
            ("answered", "eldercare_check_in", "answered_at", "how IS DISTINCT FROM 'home'"),
            ("by_home", "eldercare_check_in", "answered_at", "how = 'home'"),
            ("visits", "eldercare_visit", "completed_at", "true"),
            ("taken", "eldercare_dose", "taken_at", "true"),
        ):
            (counted,) = await _rows(f"""
                SELECT count(*) AS n FROM {table} WHERE resident_id = '{about}' AND {which}
                AND {column} >= timestamptz '{sent_at}' - interval '7 days' AND {column} < '{sent_at}'""")
            assert row["variables"][name] == counted["n"], name
    assert any(row["variables"]["visits"] for row in told)
    assert any(row["variables"]["by_home"] for row in told)  # one of them lives in a home that answers


async def _require_circles_and_desk_lived() -> None:
    swaps = await _rows("SELECT resident_id, state FROM eldercare_rota_swap")
    assert {row["state"] for row in swaps} == {"accepted"}
    assert len(await _rows("SELECT id FROM eldercare_rota_absence")) == len(swaps)
    (drill,) = await _rows("""
        SELECT d.finished_at, a.is_test, a.state FROM eldercare_drill d JOIN eldercare_alarm a ON a.id = d.alarm_id""")
    assert (drill["finished_at"] is not None, drill["is_test"], drill["state"]) == (True, True, "resolved")
    forgetful = [
        one for one in people.neighbours(behaviour.SEED, RESIDENTS)[0] if "memory" in one.create["accessibility_needs"]
    ]
    proxies = await _rows("SELECT p.state, g.kind FROM eldercare_proxy p JOIN identity_grant g ON g.id = p.grant_id")
    assert [(row["state"], row["kind"]) for row in proxies] == [("in_force", "proxy")] * bool(forgetful)


async def _require_messages_read_and_answered() -> None:
    messages = await _rows("""
        SELECT m.id, m.author_id = r.account_id AS is_answer FROM eldercare_circle_message m
        JOIN identity_resident r ON r.id = m.resident_id ORDER BY m.id""")
    assert messages
    assert not messages[0]["is_answer"]
    assert await _rows("SELECT id FROM eldercare_circle_read_mark")


async def _require_nothing_twice() -> None:
    residents = await _rows("SELECT reference FROM identity_resident")
    assert len({row["reference"] for row in residents}) == len(residents) == RESIDENTS
    absences = await _rows("SELECT member_id FROM eldercare_rota_absence")
    assert len({row["member_id"] for row in absences}) == len(absences)
    days = await _rows("SELECT DISTINCT local_date FROM eldercare_check_in WHERE state = 'answered'")
    assert len(days) >= DAYS


async def _require_somebody_asked_within_the_minute(app: FastAPI, clock: ManualClock) -> None:
    """Visitors find somebody who is asked soon, each time they come, and everybody they may sign in as."""
    villages = []
    for start in (END + timedelta(seconds=20), END + timedelta(minutes=3)):
        clock.set(start)
        with seeding.phones(app) as lent:
            village = await seeding.found_again(lent, RESIDENTS)
            await tour.prepare(lent, village)
            villages.append(village)
            planned = await lent.ask(village.guide.actor, "GET", "/v1/me/check-ins?state=scheduled")
        due = [datetime.fromisoformat(row["due_at"]) for row in planned["items"]]
        soon = [at for at in due if start < at <= start + timedelta(seconds=65)]
        assert len(soon) == 1
    village = villages[-1]
    offered = {sign_in.phone for sign_in in tour.sign_ins(people.neighbours(behaviour.SEED, RESIDENTS)[0])}
    assert {GUIDE, *(number for _, number in FACES)} <= offered
    async with reading() as connection:
        for sign_in in tour.sign_ins(people.neighbours(behaviour.SEED, RESIDENTS)[0]):
            assert await identity.find_accounts_by_phone(connection, village.community_id, sign_in.phone), sign_in


def test_the_same_people_live_there_each_time() -> None:
    assert people.neighbours(1, 20)[0] == people.neighbours(1, 20)[0]
    assert people.neighbours(1, 20)[0] != people.neighbours(2, 20)[0]


def test_nobody_shares_a_number_and_all_numbers_are_fictional() -> None:
    residents, _ = people.neighbours(behaviour.SEED, people.MOST_RESIDENTS)
    numbers = [resident.create["contact_points"][0]["value"] for resident in residents]
    numbers += [helper.phone for resident in residents for helper in resident.circle]
    assert len(set(numbers)) == len(numbers)
    assert all(number[5:10] == "55501" for number in numbers)


def test_who_cannot_hear_is_never_called() -> None:
    residents, _ = people.neighbours(behaviour.SEED, 100)
    deaf = [resident for resident in residents if "hearing" in resident.create["accessibility_needs"]]
    assert deaf
    assert {resident.plan["channel"] for resident in deaf} == {"sms"}
    assert all("voice" not in resident.create["contact_points"][0]["capabilities"] for resident in deaf)
