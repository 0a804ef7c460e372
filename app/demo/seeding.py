"""Seeding: founds the demo community three weeks ago and lives those weeks; called again, it lives what is missing."""

import gc
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime, timedelta
from typing import Final, Protocol

import sqlalchemy as sa
import structlog
from fastapi import FastAPI
from sqlalchemy.engine.interfaces import DBAPIConnection

from app import assembly
from app.core import access, audit, clock
from app.core.audit_tables import AuditEntry
from app.core.clock import ManualClock, SystemClock
from app.core.database import database, reading, unit_of_work
from app.core.tables import table_of
from app.demo import behaviour, community
from app.demo.attractions import arrange_attractions
from app.demo.carers import arrange_carers
from app.demo.circles import arrange_rota
from app.demo.client import DemoAuthenticator, Phones
from app.demo.clinic import arrange_clinic
from app.demo.clockwork import clockwork
from app.demo.community import Village
from app.demo.desk import arrange_desk
from app.demo.history import Replay
from app.demo.holidays import arrange_holidays
from app.demo.home_days import SPEAKING_JOBS
from app.demo.home_services import arrange_home_services
from app.demo.ladders import arrange_ladders
from app.demo.people import neighbours
from app.demo.proxies import arrange_proxy
from app.demo.visits import arrange_visits
from app.demo.vitals import arrange_limits
from app.demo.zones import arrange_zones
from app.identity import api as identity

RESIDENTS: Final = 200
PAST: Final = timedelta(days=21)
FRESH: Final = timedelta(minutes=5)
"""A history that ended this recently is not taken up again."""


real_time = SystemClock().now


class Report(Protocol):
    """Where progress is shown."""

    def begin(self, what: str, total: float) -> None:
        """A piece of work begins, of so many units."""

    def advance(self, by: float) -> None:
        """Some of them are done."""


@contextmanager
def phones(app: FastAPI) -> Iterator[Phones]:
    """Hand out phones of ``app``, which serves only this process; the database has to be open."""
    # What was imported stays: the collector need not look at it again and again.
    gc.collect()
    gc.freeze()
    access.install_authenticator(DemoAuthenticator())
    try:
        yield Phones(app)
    finally:
        access.install_authenticator(identity.IdentityAuthenticator())


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the logs of a replayed past off the terminal, except for what is wrong."""
    before = structlog.get_config()["wrapper_class"]
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    try:
        yield
    finally:
        structlog.configure(wrapper_class=before)


async def seed(
    app: FastAPI,
    report: Report,
    *,
    residents: int = RESIDENTS,
    past: timedelta = PAST,
    until: Callable[[], datetime] = real_time,
) -> bool:
    """Bring the demo community up to ``until()``; return whether there was anything to do.

    The past is never written, only lived: a clock that is set runs through it, and people and jobs do what they do.
    """
    reached = await _reached()
    if reached is not None and reached > until() - FRESH:
        return False
    beginning = until() - past
    machine = ManualClock(max(reached, beginning) if reached else beginning)
    previous = clock.install(machine)
    try:
        async with _hurried():
            with phones(app) as lent, quiet():
                village = await _found(lent, residents, report)
                await _live(lent, village, machine, until, report)
    finally:
        clock.install(previous)
    return True


async def found_again(lent: Phones, residents: int = RESIDENTS) -> Village:
    """Return the community that was seeded."""
    return await community.found(lent, neighbours(behaviour.SEED, residents)[0], lambda _: None)


@asynccontextmanager
async def _hurried() -> AsyncIterator[None]:
    """Have this process's commits not wait for the disk: what a crash of the machine takes is lived again."""
    writing = database().writing
    await writing.dispose()  # who is connected would go on waiting
    sa.event.listen(writing.engine.sync_engine, "connect", _do_not_wait)
    try:
        yield
    finally:
        sa.event.remove(writing.engine.sync_engine, "connect", _do_not_wait)
        await writing.dispose()


def _do_not_wait(connection: DBAPIConnection, _: object) -> None:
    cursor = connection.cursor()
    cursor.execute("SET synchronous_commit = off")
    cursor.close()


async def _found(lent: Phones, residents: int, report: Report) -> Village:
    people = neighbours(behaviour.SEED, residents)[0]
    report.begin("the community moves in", residents)
    village = await community.found(lent, people, report.advance)
    await arrange_holidays(lent, village)
    await arrange_ladders(lent, village)
    await arrange_limits(lent, village)
    await arrange_carers(lent, village)
    await arrange_visits(lent, village)
    await arrange_desk(lent, village)
    await arrange_zones(lent, village)
    await arrange_rota(lent, village)
    await arrange_proxy(lent, village)
    await arrange_clinic(lent, village)
    await arrange_home_services(lent, village)
    await arrange_attractions(lent, village)
    return village


async def _live(
    lent: Phones, village: Village, machine: ManualClock, until: Callable[[], datetime], report: Report
) -> None:
    begun = clock.now()
    lived = timedelta()
    report.begin("its past is lived", (until() - begun) / timedelta(days=1))

    def progress(now: datetime) -> None:
        nonlocal lived
        report.advance((now - begun - lived) / timedelta(days=1))
        lived = now - begun

    speaking = [job for job in assembly.GATEWAY_JOBS if job.name in SPEAKING_JOBS]
    with clockwork((*assembly.JOBS, *speaking)) as works:
        try:
            await Replay(lent, village, machine, works, until()).run(until, progress)
        finally:
            await lent.hang_up()  # whoever is in a video visit now
    async with unit_of_work() as session:  # or it would be lived again from when somebody last did something
        await audit.record(session, access.system_actor(village.community_id), "community:live")


async def _reached() -> datetime | None:
    """Return until when the demo community has lived, ``None`` before it was founded."""
    async with unit_of_work() as session:
        there = await identity.find_community(session, community.NAME)
    if there is None:
        return None
    entries = table_of(AuditEntry)
    async with reading() as connection:
        last: datetime | None = await connection.scalar(
            sa.select(sa.func.max(entries.c.at)).where(entries.c.community_id == there.id)
        )
    return last or there.created_at
