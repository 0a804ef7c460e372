"""HTTP: listing 20 check-ins and answering one, against a bare Starlette application over asyncpg on the same SQL.

Ours includes sign-in, consent, paging, validation, problems, metrics and the audit; the bare one has none of them. Each
resident's app has asked for its list before it answers, as apps do: a token is used for a quarter of an hour.
"""

import asyncio
import uuid
from datetime import UTC, datetime

from sqlalchemy.engine import make_url

from app.core import embedded
from app.core.database import unit_of_work
from app.identity.sessions import tokens
from app.identity.sessions.models import AccountSession
from benchmarks import load, place, population, processes
from benchmarks.report import Comparison, Series, show

ROUNDS = 5
RESIDENTS = 20_000
READERS = 200
SECONDS = 4.0
CONNECTIONS = 32
ANSWERS = 3_000

_OPEN = """
UPDATE eldercare_check_in SET state = 'prompted', next_prompt_at = NULL, prompted_at = :now, asked_at = :now,
    answer_by = :now + interval '1 hour' WHERE next_prompt_at IS NOT NULL"""


async def sessions(url: str, count: int) -> list[str]:
    """Sign the first ``count`` residents in and return their access tokens."""
    async with place.hearthline(url), unit_of_work() as session:
        issued = []
        for number in range(1, count + 1):
            account = population.identifier(1, number)
            row = AccountSession(
                account_id=account,
                community_id=population.COMMUNITY,
                method="local",
                device_label="bench",
                last_seen_at=datetime.now(UTC),
                expires_at=datetime(2100, 1, 1, tzinfo=UTC),
            )
            session.add(row)
            issued.append(tokens.issue(account, row.id, population.COMMUNITY)[0])
        return issued


def _resident(number: int) -> uuid.UUID:
    return population.identifier(2, number)


def _check_in(number: int) -> uuid.UUID:
    return population.identifier(5, number)


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def _measure(port: int, requests: list[bytes], *, once: bool) -> load.Outcome:
    outcome = asyncio.run(
        load.fire(port, requests, connections=CONNECTIONS, seconds=60 if once else SECONDS, once=once)
    )
    if outcome.failed:
        raise AssertionError(f"{outcome.failed} requests failed")
    return outcome


def run(server: embedded.EmbeddedServer) -> None:
    """Measure and print."""
    template = "http_template"
    url = place.migrated(server, template)
    now = datetime.now(UTC)
    asyncio.run(
        place.execute(
            url,
            *population.DUE,
            population.HISTORY,
            _OPEN,
            "VACUUM ANALYZE",
            now=now,
            count=RESIDENTS,
            residents=READERS,
            days=60,
        )
    )
    issued = asyncio.run(sessions(url, ROUNDS * ANSWERS))
    ours_url, bare_url = place.cloned(server, "http_ours", template), place.cloned(server, "http_bare", template)
    dsn = make_url(bare_url).set(drivername="postgresql").render_as_string(hide_password=False)
    bare_list = [load.request("GET", f"/residents/{_resident(n + 1)}/check-ins") for n in range(READERS)]
    our_list = [load.request("GET", "/v1/me/check-ins", bearer(issued[n])) for n in range(READERS)]
    series = {name: Series(name, "req/s") for name in ("ours list", "bare list", "ours answer", "bare answer")}
    slow = {name: Series(name, "ms p99") for name in series}
    with (
        processes.api("app.main:create_app", processes.environment(ours_url), factory=True) as ours,
        processes.api("benchmarks.bare:app", processes.environment(bare_url, BARE_DSN=dsn)) as bare,
    ):
        for port, requests in ((ours, our_list), (bare, bare_list)):
            _measure(port, requests, once=False)  # statements prepared, caches warm
        for number in range(ROUNDS):
            batch = range(number * ANSWERS + 1, (number + 1) * ANSWERS + 1)
            body = {"status": "ok"}
            our_answers = [
                load.request("POST", f"/v1/me/check-ins/{_check_in(n)}/answer", bearer(issued[n - 1]), body)
                for n in batch
            ]
            bare_answers = [
                load.request("POST", f"/residents/{_resident(n)}/check-ins/{_check_in(n)}/answer", body=body)
                for n in batch
            ]
            opening = [load.request("GET", "/v1/me/check-ins?limit=1", bearer(issued[n - 1])) for n in batch]
            _measure(ours, opening, once=True)
            for name, port, requests, once in (
                ("ours list", ours, our_list, False),
                ("bare list", bare, bare_list, False),
                ("ours answer", ours, our_answers, True),
                ("bare answer", bare, bare_answers, True),
            ):
                outcome = _measure(port, requests, once=once)
                series[name].add(outcome.per_second)
                slow[name].add(outcome.p99)
    show(
        f"HTTP: {CONNECTIONS} connections, one process each",
        [
            Comparison("list 20 check-ins", series["ours list"], series["bare list"], 0.5),
            Comparison("answer a check-in", series["ours answer"], series["bare answer"], 0.6),
            Comparison("list, slowest 1 %", slow["ours list"], slow["bare list"], 4, at_most=True),
            Comparison("answer, slowest 1 %", slow["ours answer"], slow["bare answer"], 4, at_most=True),
        ],
    )
    for name in ("http_ours", "http_bare", template):
        server.drop_database(name)
