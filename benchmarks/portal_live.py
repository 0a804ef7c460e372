"""Live pages: 2,000 open on one process, and a change that concerns all of them.

Ours: people who are signed in by a cookie, with rights each of their own on one resident; another process writes the
fact. The limit: a bare Starlette application that passes one NOTIFY on to as many streams and asks for nothing.
What is measured is the time from the commit to the moment in which a page hears of it, the memory of the process and
what it computes; the pages are raw sockets in a process of their own.
"""

import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import asyncpg
from sqlalchemy.engine import make_url

from app.core import clock, embedded
from app.core.database import unit_of_work
from app.core.touching import touch
from app.identity.browser_sessions.models import BrowserSession
from app.identity.credentials import digest, new_secret
from app.identity.models import Account, Grant, Resident
from app.identity.sessions.models import AccountSession
from benchmarks import bare_live, place, population, processes
from benchmarks.report import Comparison, Series, out, show

PAGES: Final = 2_000
CHANGES: Final = 20
PAUSE: Final = 1.0  # seconds between two changes: the last one is heard by all
_TICK: Final = os.sysconf("SC_CLK_TCK")
_COOKIE: Final = "hearthline"  # as browsers know it where we are not reached over https


@dataclass
class Outcome:
    """What one contender took: milliseconds from commits to pages, MiB, and seconds of computing per change."""

    memory_before: float = 0
    memory_after: float = 0
    cpu: float = 0
    each: list[float] = field(default_factory=list)
    last: list[float] = field(default_factory=list)


class _Readers:
    """The process that holds the pages."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "benchmarks.live_readers"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def order(self, **order: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()

    def answer(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())

    def end(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(20)


async def _sign_in(count: int) -> tuple[Resident, list[str]]:
    """Let ``count`` people see the first resident, each signed in by a cookie; return the resident and the cookies."""
    now, cookies = clock.now(), []
    async with unit_of_work() as session:
        resident = await session.get_one(Resident, population.identifier(2, 1))
        for number in range(2, count + 2):
            account = await session.get_one(Account, population.identifier(1, number))
            until = now + timedelta(days=1)
            signed_in = AccountSession(
                account_id=account.id,
                community_id=account.community_id,
                method="local",
                last_seen_at=now,
                expires_at=until,
            )
            session.add(signed_in)
            await session.flush()
            secret = new_secret()
            cookies.append(f"{_COOKIE}={secret}")
            session.add(
                BrowserSession(session_id=signed_in.id, digest=digest(secret), last_used_at=now, expires_at=until)
            )
            session.add(
                Grant(
                    community_id=account.community_id,
                    resident_id=resident.id,
                    grantee_account_id=account.id,
                    scopes=["alarms:read", "check_ins:read"],
                    kind="consent",
                    granted_by=resident.account_id,
                    starts_at=now - timedelta(days=1),
                )
            )
    return resident, cookies


def _memory(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def _computed(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


async def _measure(port: int, pid: int, cookies: list[str], change: Callable[[], Awaitable[None]]) -> Outcome:
    outcome, readers = Outcome(), _Readers()
    try:
        readers.order(do="open", port=port, cookies=cookies[:1])
        await asyncio.to_thread(readers.answer)
        outcome.memory_before = _memory(pid)
        readers.order(do="open", port=port, cookies=cookies)
        opened = await asyncio.to_thread(readers.answer)
        if opened != len(cookies):
            raise AssertionError(f"{opened} of {len(cookies)} are open")
        await asyncio.sleep(5)  # the rights of all are read
        before = _computed(pid)
        for _ in range(CHANGES):
            readers.order(do="wait")
            await change()
            committed = time.monotonic()
            instants = await asyncio.to_thread(readers.answer)
            outcome.each += [(instant - committed) * 1000 for instant in instants]
            outcome.last.append((instants[-1] - committed) * 1000)
            await asyncio.sleep(PAUSE)
        outcome.cpu = (_computed(pid) - before) / CHANGES
        outcome.memory_after = _memory(pid)
    finally:
        readers.end()
    return outcome


async def _ours(url: str, pages: int) -> Outcome:
    async with place.hearthline(url):
        resident, cookies = await _sign_in(pages)

        async def change() -> None:
            async with unit_of_work() as session:
                await touch(
                    session, "check_in", clock.new_id(), community_id=resident.community_id, resident_id=resident.id
                )

        with processes.watched_api("app.main:create_app", processes.environment(url), factory=True) as (port, pid):
            return await _measure(port, pid, cookies, change)


async def _bare(url: str, pages: int) -> Outcome:
    dsn = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    connection = await asyncpg.connect(dsn)

    async def change() -> None:
        await connection.execute("SELECT pg_notify($1, '')", bare_live.CHANNEL)

    with processes.watched_api("benchmarks.bare_live:app", os.environ | {"BARE_DSN": dsn}) as (port, pid):
        outcome = await _measure(port, pid, ["none=none"] * pages, change)
    await connection.close()
    return outcome


def run(server: embedded.EmbeddedServer, pages: int = PAGES) -> None:
    """Measure and print."""
    url = place.migrated(server, "portal_live")
    asyncio.run(place.execute(url, *population.PEOPLE, now=datetime.now(UTC), count=pages + 1))
    asyncio.run(place.execute(url, "VACUUM ANALYZE"))
    bare = asyncio.run(_bare(url, pages))
    ours = asyncio.run(_ours(url, pages))
    rows = [
        _row("commit to page, half of them", "ms", statistics.median(ours.each), statistics.median(bare.each)),
        _row("commit to page, 99 %", "ms", _p99(ours.each), _p99(bare.each)),
        _row("commit to the last page, half", "ms", statistics.median(ours.last), statistics.median(bare.last)),
        _row("commit to the last page, worst", "ms", max(ours.last), max(bare.last), 5),
        _row("computing per change, for all", "ms", ours.cpu * 1000, bare.cpu * 1000),
        _row("memory with one page", "MiB", ours.memory_before, bare.memory_before, 10),
        _row(f"memory with {pages:,} pages", "MiB", ours.memory_after, bare.memory_after),
    ]
    show(f"Live pages: {pages:,} open on one process, {CHANGES} changes that concern all", rows)
    grown = (ours.memory_after - ours.memory_before) / pages * 1024
    out.print(f"a page takes {grown:.0f} KiB; limit: {ours.memory_after:.0f} MiB of 300 MiB")
    server.drop_database("portal_live")


def _row(what: str, unit: str, ours: float, bare: float, target: float = 3) -> Comparison:
    return Comparison(what, Series("Hearthline", unit, [ours]), Series("bare Starlette", unit, [bare]), target, True)


def _p99(figures: list[float]) -> float:
    return statistics.quantiles(figures, n=100)[98]
