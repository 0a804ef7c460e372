"""Today, for a desk that looks after 5,000: the page through the whole application, against its statement alone.

A day at noon: most have answered or been up and about, some are asked, some missed something, some are away, visits are
under way, doses were missed, alarms are open; a month of answers lies behind. Ours finds out who visits by the cookie,
reads how everybody is with a trace of whom it shows, composes and renders the page; the limit runs the same statement,
trace and all, on a connection of its own and does nothing with it.
"""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
from sqlalchemy.engine import make_url
from starlette.types import ASGIApp, Message

from app.core import clock, embedded
from app.core.database import reading, unit_of_work
from app.core.settings import settings
from app.identity.api import begin_browser_session, browser_cookie, browser_visitor
from app.identity.scopes import ALL
from app.identity.sessions.models import AccountSession
from app.main import create_app
from benchmarks import place, population
from benchmarks.population import COMMUNITY, OPERATOR, identifier
from benchmarks.report import Comparison, Series, out, show
from eldercare.overview.views import pages

ROUNDS = 9
EACH = 10
RESIDENTS = 5_000
HISTORY = 30
NOON = datetime(2026, 4, 20, 12, tzinfo=UTC)
MOST_BYTES = 60_000

_DISPATCHER = identifier(1, 9_000_001)
_STAFF = (
    f"""
INSERT INTO identity_account (id, created_at, updated_at, version, community_id, name, language, time_zone, state)
VALUES ('{_DISPATCHER}', :now, :now, 1, '{COMMUNITY}', 'Desk', 'en', 'UTC', 'active')""",
    f"""
INSERT INTO identity_membership (id, created_at, updated_at, version, account_id, organization_id, role)
VALUES ('{identifier(8, 2)}', :now, :now, 1, '{_DISPATCHER}', '{OPERATOR}', 'coordinator')""",
    f"UPDATE identity_service_agreement SET scopes = '{{{','.join(sorted(ALL))}}}', starts_at = :now",
)
# Nine in ten have answered; one in a hundred is asked, one missed it, the others are asked in the evening.
_TODAY = """
UPDATE eldercare_check_in SET next_prompt_at = NULL, prompted_at = due_at, asked_at = due_at,
    state = CASE n % 100 WHEN 0 THEN 'prompted' WHEN 1 THEN 'missed' ELSE 'answered' END,
    answer_by = CASE n % 100 WHEN 0 THEN CAST(:now AS timestamptz) + interval '20 minutes' END,
    closed_at = CASE n % 100 WHEN 1 THEN due_at + interval '30 minutes' END,
    answer = CASE WHEN n % 100 > 1 THEN 'ok' END,
    answered_at = CASE WHEN n % 100 > 1 THEN due_at + n % 50 * interval '30 seconds' END,
    recorded_at = CASE WHEN n % 100 > 1 THEN due_at + n % 50 * interval '30 seconds' END,
    how = CASE WHEN n % 100 > 1 THEN CASE WHEN n % 3 = 0 THEN 'home' ELSE 'self' END END,
    answered_by = CASE WHEN n % 100 > 1 AND n % 3 > 0 THEN account_id END
FROM generate_series(1, 5000000) n
WHERE n % 10 < 9 AND n <= :count AND id = CAST('00000005-0000-7000-8000-' || lpad(to_hex(n), 12, '0') AS uuid)"""
_EVENING = """
UPDATE eldercare_check_in SET due_at = due_at + interval '10 hours', next_prompt_at = due_at + interval '10 hours'
WHERE state = 'scheduled'"""
_ALARMS = f"""
INSERT INTO eldercare_alarm (id, created_at, updated_at, version, community_id, resident_id, kind, severity, state,
    is_test, stands_alone, raised_at, step, round, next_step_at)
SELECT CAST('0000000a-0000-7000-8000-' || lpad(to_hex(n), 12, '0') AS uuid), :now, :now, 1, '{COMMUNITY}',
    CAST('00000002-0000-7000-8000-' || lpad(to_hex(n * 200), 12, '0') AS uuid), 'fall', 1 + n % 4, 'raised', false,
    false, :now - n * interval '1 minute', 0, 1, :now + interval '1 hour'
FROM generate_series(1, :count / 200) n"""
_AWAY = f"""
INSERT INTO eldercare_absence (id, created_at, updated_at, version, community_id, resident_id, kind, starts_at, ends_at,
    created_by)
SELECT CAST('0000000b-0000-7000-8000-' || lpad(to_hex(n), 12, '0') AS uuid), :now, :now, 1, '{COMMUNITY}',
    CAST('00000002-0000-7000-8000-' || lpad(to_hex(n * 50 + 7), 12, '0') AS uuid), 'away', :now - interval '2 days',
    :now + interval '5 days', '{_DISPATCHER}'
FROM generate_series(1, :count / 50 - 1) n"""
_PLANS = f"""
INSERT INTO eldercare_care_plan (id, created_at, updated_at, version, community_id, resident_id, organization_id, state,
    created_by)
SELECT CAST('0000000c-0000-7000-8000-' || lpad(to_hex(n), 12, '0') AS uuid), :now, :now, 1, '{COMMUNITY}',
    CAST('00000002-0000-7000-8000-' || lpad(to_hex(n * 3), 12, '0') AS uuid), '{OPERATOR}', 'active', '{_DISPATCHER}'
FROM generate_series(1, :count / 3) n"""
# A visit each day of the month to every third; today's are over, under way, late, missed or still to come.
_VISITS = f"""
INSERT INTO eldercare_visit (id, created_at, updated_at, version, community_id, resident_id, account_id,
    organization_id, care_plan_id, revision, local_date, time_zone, starts_at, ends_at, flexibility, carers,
    is_critical, skills, preferred, state, staffed_before, late_after, missed_after, check_out_after, late_severity,
    missed_severity, check_out_severity, overdue_step, miss_at, overdue_at, started_at, completed_at, closed_at)
SELECT CAST('0000000d-' || lpad(to_hex(d), 4, '0') || '-7000-8000-' || lpad(to_hex(n), 12, '0') AS uuid), :now, :now, 1,
    '{COMMUNITY}', resident_id, resident_id, '{OPERATOR}', id, 1, CAST(at AS date), 'UTC', at, at + interval '1 hour',
    interval '0', 1, false, '{{}}', '{{}}', s, interval '1 hour', interval '15 minutes', interval '1 hour',
    interval '30 minutes', 2, 3, 2, 0,
    CASE WHEN s = 'assigned' THEN at + interval '1 hour' END,
    CASE WHEN s = 'in_progress' THEN at + interval '2 hours' END,
    CASE WHEN s IN ('in_progress', 'completed') THEN at END,
    CASE WHEN s = 'completed' THEN at + interval '50 minutes' END,
    CASE WHEN s = 'missed' THEN at + interval '1 hour' END
FROM (SELECT id, resident_id, row_number() OVER (ORDER BY id) AS n FROM eldercare_care_plan) plans,
    generate_series(0, 30) d,
    LATERAL (SELECT :now - d * interval '1 day' + (n % 12 - 6) * interval '1 hour' - interval '20 minutes' AS at) a,
    LATERAL (SELECT CASE WHEN d > 0 THEN 'completed' WHEN n % 97 = 0 AND at < :now - interval '1 hour' THEN 'missed'
        WHEN at > :now THEN 'assigned' WHEN at > :now - interval '1 hour' AND n % 5 > 0 THEN 'in_progress'
        WHEN at > :now - interval '1 hour' THEN 'assigned' ELSE 'completed' END AS s) b"""
_REGIMENS = f"""
INSERT INTO eldercare_regimen (id, created_at, updated_at, version, community_id, resident_id, account_id, state,
    version_id, drug_index)
SELECT CAST('0000000e-0000-7000-8000-' || lpad(to_hex(n), 12, '0') AS uuid), :now, :now, 1, '{COMMUNITY}',
    CAST('00000002-0000-7000-8000-' || lpad(to_hex(n), 12, '0') AS uuid),
    CAST('00000001-0000-7000-8000-' || lpad(to_hex(n), 12, '0') AS uuid), 'active',
    CAST('0000000e-0001-7000-8000-' || lpad(to_hex(n), 12, '0') AS uuid), ''
FROM generate_series(1, :count) n"""
_DOSES = f"""
INSERT INTO eldercare_dose (id, created_at, updated_at, version, community_id, resident_id, account_id, regimen_id,
    version_id, kind, due_at, local_date, state, critical, reminds, quantity, unit, window_ends_at, reminders_sent,
    reprieves, taken_at, recorded_at, closed_at, how, late, confirmed)
SELECT CAST('0000000f-' || lpad(to_hex(d), 4, '0') || '-7000-8000-' || lpad(to_hex(n), 12, '0') AS uuid), :now, :now, 1,
    '{COMMUNITY}', CAST('00000002-0000-7000-8000-' || lpad(to_hex(n), 12, '0') AS uuid),
    CAST('00000001-0000-7000-8000-' || lpad(to_hex(n), 12, '0') AS uuid),
    CAST('0000000e-0000-7000-8000-' || lpad(to_hex(n), 12, '0') AS uuid),
    CAST('0000000e-0001-7000-8000-' || lpad(to_hex(n), 12, '0') AS uuid), 'planned', at, CAST(at AS date),
    CASE WHEN is_missed THEN 'missed' ELSE 'taken' END, false, true, 1, '1', at + interval '1 hour', 0, 0,
    CASE WHEN NOT is_missed THEN at END, CASE WHEN NOT is_missed THEN at END,
    CASE WHEN is_missed THEN at + interval '1 hour' END, CASE WHEN NOT is_missed THEN 'self' END, false, false
FROM generate_series(1, :count) n, generate_series(0, 9) d,
    LATERAL (SELECT :now - d * interval '1 day' - interval '4 hours' AS at, (n + d) % 60 = 0 AS is_missed) a"""
_DAY = (_ALARMS, _AWAY, _PLANS, _VISITS, _REGIMENS, _DOSES)


async def _seed(url: str, residents: int) -> None:
    morning = NOON - timedelta(hours=4)
    await place.execute(
        url, *population.PEOPLE, population.CHECK_INS, now=morning, count=residents, residents=residents, days=HISTORY
    )
    await place.execute(url, population.HISTORY, now=morning, residents=residents, days=HISTORY)
    await place.execute(url, *population.STAFF, *_STAFF, now=morning - timedelta(days=60))
    await place.execute(url, _TODAY, now=NOON, count=residents)
    await place.execute(url, _EVENING)
    await place.execute(url, *_DAY, "VACUUM ANALYZE", now=NOON, count=residents)


async def _sign_in() -> str:
    row = AccountSession(
        account_id=_DISPATCHER,
        community_id=COMMUNITY,
        method="local",
        device_label="Desk",
        last_seen_at=NOON,
        expires_at=NOON + timedelta(days=30),
        second_factor_at=NOON,
    )
    async with unit_of_work() as session:
        session.add(row)
    async with unit_of_work() as session:
        return await begin_browser_session(session, row.id)


async def _get(app: ASGIApp, path: str, cookie: str) -> bytes:
    """Ask the whole application, as its server does, for a page; return its body."""
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"127.0.0.1:8000"), (b"cookie", f"{browser_cookie()}={cookie}".encode())],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8000),
    }
    said: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        said.append(message)

    await app(scope, receive, send)
    if said[0]["status"] != 200:
        raise AssertionError(f"{path} answers {said[0]['status']}")
    return b"".join(message.get("body", b"") for message in said[1:])


async def _measure(url: str, residents: int) -> list[Comparison]:
    await _seed(url, residents)
    page, part = Series("Hearthline", "ms"), Series("Hearthline", "ms")
    statement, visitor, overview = Series("its statement", "ms"), Series("who visits", "ms"), Series("overview", "ms")
    dsn = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    bare = await asyncpg.connect(dsn, server_settings={"jit": "off", "timezone": "UTC"})
    previous = clock.install(clock.ManualClock(NOON))
    try:
        async with place.hearthline(url, plans="auto"):
            app, cookie = create_app(settings()), await _sign_in()
            async with reading() as connection:
                who = await browser_visitor(connection, cookie, NOON)
            if who is None:
                raise AssertionError("nobody is signed in")
            body = await _get(app, "/portal/today", cookie)
            for number in range(ROUNDS + 1):
                figures = (
                    await _timed(lambda: _get(app, "/portal/today", cookie)),
                    await _timed(lambda: _get(app, "/portal/today/part", cookie)),
                    await _timed(lambda: _bare(bare, who.actor)),
                    await _timed(lambda: _who(cookie)),
                    await _timed(lambda: _overview(who.actor)),
                )
                if number:  # the first warms everything up
                    for series, figure in zip((page, part, statement, visitor, overview), figures, strict=True):
                        series.add(figure)
    finally:
        clock.install(previous)
        await bare.close()
    out.print(
        f"{len(body):,} bytes of at most {MOST_BYTES:,}; of the page's {page.text()}: who visits {visitor.text()},"
        f" how everybody is {overview.text()}, the rest composes, renders and carries"
    )
    if len(body) > MOST_BYTES:
        raise AssertionError("the page is too long for a phone at night")
    return [
        Comparison(f"Today of {residents:,}, the whole page", page, statement, 3, at_most=True),
        Comparison("the part that follows", part, statement, 3, at_most=True),
    ]


async def _timed(act: Any) -> float:
    started = time.perf_counter()
    for _ in range(EACH):
        await act()
    return (time.perf_counter() - started) / EACH * 1000


async def _bare(connection: asyncpg.Connection, actor: Any) -> None:
    statement, binds = pages.overview_statement(actor)
    await connection.fetch(statement.sql, *statement.values(binds))


async def _who(cookie: str) -> None:
    async with reading() as connection:
        await browser_visitor(connection, cookie, clock.now())


async def _overview(actor: Any) -> None:
    async with reading() as connection:
        await pages.overview(connection, actor)


def run(server: embedded.EmbeddedServer, size: int = RESIDENTS) -> None:
    """Measure and print."""
    url = place.migrated(server, "portal_today")
    show("Today", asyncio.run(_measure(url, size)))
