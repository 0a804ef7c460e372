"""Facts: written with the change they tell of, delivered to each subscriber afterwards, in order per aggregate."""

import re
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

import asyncpg
import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock, set_ids, wakeups
from app.core.database import connection_of, flushed
from app.core.event_tables import EventConsumption, EventRecord
from app.core.statements import HotStatement
from app.core.tables import table_of

CHANNEL = "core.events"
CRITICAL_CHANNEL = "core.events.critical"
QUIET_CHANNEL = "core.events.quiet"
"""Woken by facts that no subscriber consumes: only open pages follow these."""

_NAME = re.compile(r"[a-z_]+\.[a-z_]+\.v[1-9]\d*")
_ENVELOPE = {"id", "occurred_at", "aggregate_id", "community_id"}


class Event(BaseModel):
    """A fact in the past tense: subclasses set ``name`` and add ids and enumerations, never personal data.

    The facts of one aggregate reach a subscriber in the order their transactions committed, provided that each of those
    transactions wrote or locked the aggregate's row before emitting.
    """

    model_config = ConfigDict(frozen=True)

    name: ClassVar[str]
    critical: ClassVar[bool] = False  # critical facts never wait behind others

    id: uuid.UUID = Field(default_factory=clock.new_id)
    occurred_at: datetime = Field(default_factory=clock.now)
    aggregate_id: uuid.UUID
    community_id: uuid.UUID

    def payload(self) -> dict[str, Any]:
        """Return the fields of the event's own as JSON has them."""
        return self.model_dump(mode="json", exclude=_ENVELOPE)

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        name = cls.__dict__.get("name", "")
        if not _NAME.fullmatch(name):
            raise TypeError(f"{cls.__name__}.name must read package.what_happened.v1, not {name!r}")


@dataclass(frozen=True, slots=True)
class Subscriber:
    """Who reacts to facts: ``handle`` gets a batch in a unit of work, and its effect commits with the consumption.

    A batch holds at most one fact per aggregate, in no promised order among aggregates. ``handle`` may be called again
    with what an earlier call failed on; of what it did in that call nothing is left.
    """

    name: str
    events: tuple[type[Event], ...]
    handle: Callable[[AsyncSession, Sequence[Any]], Awaitable[None]]


_subscribers: dict[str, Subscriber] = {}
_names_by_event: dict[str, list[str]] = {}


def install_subscribers(subscribers: Sequence[Subscriber]) -> list[Subscriber]:
    """Make ``subscribers`` the ones facts go to and return those before; raises ``ValueError`` on equal names."""
    by_name = {subscriber.name: subscriber for subscriber in subscribers}
    if len(by_name) < len(subscribers):
        raise ValueError("two subscribers have the same name")
    previous = list(_subscribers.values())
    _subscribers.clear()
    _subscribers.update(by_name)
    _names_by_event.clear()
    for subscriber in subscribers:
        for event in subscriber.events:
            _names_by_event.setdefault(event.name, []).append(subscriber.name)
    return previous


def subscribers() -> Mapping[str, Subscriber]:
    """Return the installed subscribers by name."""
    return _subscribers


async def emit(session: AsyncSession, event: Event) -> None:
    """Write ``event`` and a consumption for each subscriber into the session's transaction.

    Flushes first, so that the aggregate's row is locked before the sequence is taken.
    """
    await flushed(session)
    names = _names_by_event.get(event.name, [])
    binds = {
        "fact_id": event.id,
        "fact_name": event.name,
        "fact_aggregate_id": event.aggregate_id,
        "fact_community_id": event.community_id,
        "fact_payload": event.payload(),
        "fact_critical": event.critical,
        "fact_occurred_at": event.occurred_at,
        "fact_subscribers": names,
    }
    await (_EMIT_CRITICAL if event.critical else _EMIT).row(connection_of(session), binds)
    _request_wakeup(session, names, critical=event.critical)


async def told_since(session: AsyncSession, event: type[Event], since: datetime) -> set[uuid.UUID]:
    """Return of which aggregates ``event`` has told since an instant. Reads every fact since: for what is rare."""
    found = await session.scalars(_TOLD, {"fact_name": event.name, "first": clock.id_floor(since)})
    return set(found)


async def emit_many(
    session: AsyncSession,
    event: type[Event],
    facts: sa.Select[Any] | sa.UpdateBase,
    binds: Mapping[str, object] | None = None,
    *,
    critical: bool | None = None,
) -> int:
    """Write one ``event`` for each row of ``facts`` in one statement; return how many.

    ``facts`` is a SELECT, or an UPDATE or INSERT with RETURNING, that yields ``aggregate_id``, ``community_id`` and, if
    the event has fields of its own, ``payload`` (jsonb); ``binds`` are the values of its named parameters. The
    aggregates' rows must be locked by this transaction. Facts get their sequence in the order of the rows.
    ``critical`` takes the place of the event's own.
    """
    await session.flush()
    is_critical = event.critical if critical is None else critical
    own = _many_binds(event, critical=is_critical)
    result = await session.execute(_emit_many_statement(facts, critical=is_critical), {**(binds or {}), **own})
    count = result.scalar_one()
    if count:
        _request_wakeup(session, own["fact_subscribers"], critical=is_critical)
    return count


def _many_binds(event: type[Event], *, critical: bool) -> dict[str, Any]:
    return {
        "fact_name": event.name,
        "fact_critical": critical,
        "fact_occurred_at": clock.now(),
        "fact_subscribers": _names_by_event.get(event.name, []),
        "minted_at": set_ids.minted_at(),
    }


def _request_wakeup(session: AsyncSession, names: Sequence[str], *, critical: bool) -> None:
    if names:
        wakeups.request(session, CRITICAL_CHANNEL if critical else CHANNEL)
    else:
        wakeups.request(session, QUIET_CHANNEL)


_RECORD = table_of(EventRecord)
_CONSUMPTION = table_of(EventConsumption)
_INSTANT = sa.DateTime(timezone=True)
_COLUMNS = ["id", "name", "aggregate_id", "community_id", "payload", "critical", "occurred_at"]
_RETURNED = [_RECORD.c[name] for name in ("id", "sequence", "aggregate_id", "critical", "occurred_at")]


def _delivered(fact: sa.CTE, *, critical: bool) -> sa.Select[int]:
    """Return the statement that counts ``fact`` and beside it writes a consumption per fact and subscriber."""
    return sa.select(sa.func.count()).select_from(fact).add_cte(*_deliveries(fact, critical=critical))


def _deliveries(fact: sa.CTE, *, critical: bool) -> list[sa.CTE]:
    names = sa.bindparam("fact_subscribers", type_=ARRAY(sa.Text))
    subscriber = sa.func.unnest(names).table_valued("name").render_derived("subscriber")
    delivery = (
        sa.insert(_CONSUMPTION)
        .from_select(
            ["subscriber", "sequence", "event_id", "aggregate_id", "critical", "due_at", "attempts"],
            sa.select(
                subscriber.c.name,
                fact.c.sequence,
                fact.c.id,
                fact.c.aggregate_id,
                fact.c.critical,
                fact.c.occurred_at,
                sa.literal_column("0"),
            ).select_from(fact.join(subscriber, sa.true())),
        )
        .cte("delivery")
    )
    return [delivery, _promotion(fact, names)] if critical else [delivery]


def _promotion(fact: sa.CTE, names: sa.BindParameter[Any]) -> sa.CTE:
    """Lift what waits before a critical fact of its aggregate into the critical lane, or it would wait behind others.

    Rows a relay is at work on are skipped: waiting for its handler could deadlock, and they are on their way.
    Arrays, not joins: the table is empty again and again, and by statistics from such a moment the planner would join
    all of a storm's facts with all that wait.
    """
    earlier = _CONSUMPTION.alias("earlier")
    subscriber = sa.func.unnest(names).table_valued("name").render_derived("reader")
    of_one = (
        sa.select(_place("earlier"))
        .select_from(earlier)
        .where(
            sa.func.md5(earlier.c.subscriber) == sa.func.md5(subscriber.c.name),
            earlier.c.aggregate_id == fact.c.aggregate_id,
            sa.not_(earlier.c.critical),
        )
        .with_for_update(of=earlier, skip_locked=True)
        .correlate(fact, subscriber)
    )
    waiting = sa.select(sa.func.unnest(_array(of_one))).select_from(fact.join(subscriber, sa.true()))
    lifted = _place(_CONSUMPTION.name) == sa.any_(_array(waiting))
    return sa.update(_CONSUMPTION).where(lifted).values(critical=True).cte("promotion")


def _place(table: str) -> sa.ColumnElement[Any]:
    return sa.literal_column(f"{table}.ctid")


def _array(rows: sa.Select[Any]) -> sa.ColumnElement[Any]:
    return sa.func.array(rows.scalar_subquery())


def _emit_statement(*, critical: bool) -> HotStatement:
    # SQLAlchemy takes a bind that is called like a column for a value to SET: none of ours may be.
    values: dict[str, Any] = {name: sa.bindparam(f"fact_{name}") for name in _COLUMNS}
    fact = sa.insert(_RECORD).values(values).returning(*_RETURNED).cte("fact")
    return HotStatement(_delivered(fact, critical=critical))


def _emit_many_statement(facts: sa.Select[Any] | sa.UpdateBase, *, critical: bool) -> sa.Select[int]:
    return _delivered(_facts_of(facts.cte("source")), critical=critical)


def _facts_of(source: sa.CTE) -> sa.CTE:
    rows = sa.select(
        source.c.fact_id if "fact_id" in source.c else set_ids.minted_id(),
        sa.bindparam("fact_name", type_=sa.Text),
        source.c.aggregate_id,
        source.c.community_id,
        source.c.payload if "payload" in source.c else sa.literal_column("CAST('{}' AS jsonb)"),
        sa.bindparam("fact_critical", type_=sa.Boolean),
        sa.bindparam("fact_occurred_at", type_=_INSTANT),
    )
    return sa.insert(_RECORD).from_select(_COLUMNS, rows).returning(*_RETURNED).cte("fact")


TOLD = (
    sa.bindparam("told_id", type_=sa.Uuid).label("fact_id"),
    sa.bindparam("told_payload", type_=JSONB).label("payload"),
)
"""What the change of an ``EmittingStatement`` yields whose fact is made beforehand: execute it with ``told_binds``."""


def told_binds(event: Event) -> dict[str, Any]:
    """Return the parameters of ``TOLD`` for ``event``."""
    return {"told_id": event.id, "told_payload": event.payload()}


class EmittingStatement:
    """A change of one row, the fact of it and what the caller is shown of it, in one statement of a hot path.

    ``change`` is an UPDATE or INSERT with RETURNING that yields what ``emit_many`` asks for and, where facts of one
    instant are to be in order by their ids, too, ``fact_id``; ``shown`` makes the SELECT over those rows that is
    returned.
    """

    def __init__(
        self,
        event: type[Event],
        change: sa.UpdateBase | sa.TextualSelect,
        shown: Callable[[sa.CTE], sa.Select[*tuple[Any, ...]]],
    ) -> None:
        self._event = event
        changed = change.cte("changed")
        deliveries = _deliveries(_facts_of(changed), critical=event.critical)
        self._statement = HotStatement(shown(changed).add_cte(*deliveries))

    async def row(self, session: AsyncSession, binds: Mapping[str, object]) -> asyncpg.Record | None:
        """Change, emit and return what is shown; ``None`` if no row was changed, and then there is no fact either."""
        own = await self._begin(session)
        row = await self._statement.row(connection_of(session), {**binds, **own})
        self._end(session, own, emitted=row is not None)
        return row

    async def rows(self, session: AsyncSession, binds: Mapping[str, object]) -> list[Any]:
        """Change, emit and return all that is shown, as ``HotStatement.rows`` does."""
        own = await self._begin(session)
        rows = await self._statement.rows(connection_of(session), {**binds, **own})
        self._end(session, own, emitted=bool(rows))
        return rows

    async def _begin(self, session: AsyncSession) -> dict[str, Any]:
        await flushed(session)
        return _many_binds(self._event, critical=self._event.critical)

    def _end(self, session: AsyncSession, own: Mapping[str, Any], *, emitted: bool) -> None:
        if emitted:
            _request_wakeup(session, own["fact_subscribers"], critical=self._event.critical)


_EMIT = _emit_statement(critical=False)
_EMIT_CRITICAL = _emit_statement(critical=True)
_TOLD = sa.select(_RECORD.c.aggregate_id).where(
    _RECORD.c.id >= sa.bindparam("first", type_=sa.Uuid), _RECORD.c.name == sa.bindparam("fact_name", type_=sa.Text)
)
