"""Fan-out: 50,000 pushes from rows in the database to a local FCM over TLS.

Ours: the bulk lane of one worker, from queued deliveries to sent ones: claimed, looked up, rendered, posted, settled.
The peer: ``send_each_async`` of the Firebase SDK, in its bursts of 500. The limit: a bare ``aiohttp`` loop that posts
the very same bodies and knows of no database. Peer and limit have their messages in memory when the clock starts.
"""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from app.core import embedded
from app.core.database import reading, unit_of_work
from benchmarks import place, population, processes
from benchmarks.push_sink import Sink, push_sink
from benchmarks.report import Comparison, Series, out, show
from benchmarks.senders import Order, Outcome, send
from eldercare.care_circle.notices import ANSWER
from notifications.api import send_many
from notifications.delivery.models import DELIVERIES

ROUNDS = 3
MESSAGES = 50_000
FEW = 10_000
SDK_MESSAGES = 2_000  # it keeps its pace whatever their number, and takes its time
BATCH = 5_000


_accounts = sa.table("identity_account", sa.column("id", sa.Uuid), sa.column("community_id", sa.Uuid))
_RECIPIENTS = sa.select(
    _accounts.c.id.label("account_id"),
    _accounts.c.community_id,
    sa.literal("answer-").concat(sa.cast(_accounts.c.id, sa.Text)).label("dedupe_key"),
    sa.cast(sa.func.jsonb_build_object("member", _accounts.c.id, "answer", "accepted"), JSONB).label("variables"),
).where(_accounts.c.id.between(sa.bindparam("first", type_=sa.Uuid), sa.bindparam("last", type_=sa.Uuid)))


async def queue(count: int) -> None:
    """Write a notice for each of the first ``count`` residents, as whoever tells them would."""
    for first in range(1, count + 1, BATCH):
        async with unit_of_work() as session:
            last = min(first + BATCH - 1, count)
            binds = {"first": population.identifier(1, first), "last": population.identifier(1, last)}
            await send_many(session, ANSWER, _RECIPIENTS, binds=binds)


async def prepare(url: str, count: int) -> None:
    """Write the notices of a benchmark into its database."""
    async with place.hearthline(url):
        await queue(count)
    await place.execute(url, "VACUUM ANALYZE")


async def _unsent(url: str) -> int:
    left = sa.select(sa.func.count()).select_from(DELIVERIES).where(DELIVERIES.c.state != sa.literal("sent"))
    async with place.hearthline(url), reading() as connection:
        return await connection.scalar(left) or 0


def _ours(server: embedded.EmbeddedServer, template: str, sink: Sink, count: int) -> Outcome:
    """Send everything that is due in a copy of ``template``; raises ``AssertionError`` if one is lost or doubled."""
    url = place.cloned(server, "fanout", template)
    sink.counted(anew=True)
    outcome = send(Order("ours", sink.url, count, database=url), _environment(url, sink))
    counted = sink.counted(anew=True)
    found = (outcome.sent, counted.taken, counted.distinct, asyncio.run(_unsent(url)))
    if found != (count, count, count, 0):
        raise AssertionError(f"of {count}: (handled, arrived, different ones, not settled) {found}")
    return outcome


def _environment(url: str, sink: Sink) -> Mapping[str, str]:
    return processes.environment(url, **sink.environment())


def _theirs(order: Order, sink: Sink) -> Outcome:
    outcome = send(order, _environment("", sink))
    arrived = sink.counted(anew=True).taken
    if outcome.sent != order.count or arrived != order.count:
        out.print(f"{order.sender}: {order.count - outcome.sent:,} failed of {order.count:,}; {arrived:,} arrived")
    return outcome


def run(server: embedded.EmbeddedServer) -> None:
    """Measure and print."""
    template, small = "fanout_template", "fanout_small"
    bodies = place.DIRECTORY / "bodies.ndjson"
    url = place.migrated(server, template)
    asyncio.run(place.execute(url, *population.PEOPLE, now=datetime.now(UTC), count=MESSAGES))
    asyncio.run(prepare(place.cloned(server, small, template), FEW))
    asyncio.run(prepare(url, MESSAGES))
    names = {"ours": "Hearthline", "sdk": "send_each_async", "bare": "bare aiohttp"}
    rates = {sender: Series(name, "/s") for sender, name in names.items()}
    cpu = {sender: Series(name, "µs") for sender, name in names.items()}
    memory = {count: Series(f"with {count:,}", "MiB") for count in (FEW, MESSAGES)}
    with push_sink(keep=bodies) as sink:
        _ours(server, template, sink, MESSAGES)  # also warms what is to be read
    with push_sink() as sink:
        for _ in range(ROUNDS):
            outcomes = {
                "ours": _ours(server, template, sink, MESSAGES),
                "bare": _theirs(Order("bare", sink.url, MESSAGES, bodies=str(bodies)), sink),
                "sdk": _theirs(
                    Order("sdk", sink.url, SDK_MESSAGES, bodies=str(bodies), credentials=str(sink.credentials)), sink
                ),
            }
            for sender, outcome in outcomes.items():
                rates[sender].add(outcome.sent / outcome.seconds)
                cpu[sender].add(outcome.cpu / outcome.sent * 1e6)
            memory[MESSAGES].add(outcomes["ours"].memory)
            memory[FEW].add(_ours(server, small, sink, FEW).memory)
    _show(rates, cpu, memory)
    Path(bodies).unlink()
    for name in ("fanout", small, template):
        server.drop_database(name)


def _show(rates: Mapping[str, Series], cpu: Mapping[str, Series], memory: Mapping[int, Series]) -> None:
    show(
        f"Fan-out: {MESSAGES:,} pushes from rows to an FCM on loopback, over TLS; none lost, none doubled",
        [
            Comparison("pushes", rates["ours"], rates["sdk"], 5),
            Comparison("pushes", rates["ours"], rates["bare"], 0.7),
            Comparison("the sender's CPU per push", cpu["ours"], cpu["sdk"], 1 / 5, at_most=True),
            Comparison("the sender's CPU per push", cpu["ours"], cpu["bare"], 1.43, at_most=True),
            Comparison("its memory at the peak", memory[MESSAGES], memory[FEW], 1.1, at_most=True),
        ],
    )
