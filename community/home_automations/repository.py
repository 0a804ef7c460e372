"""The SQL that writes and locks what automations remember, do and wait for."""

import uuid
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.core import clock
from app.core.database import connection_of
from app.core.statements import HotStatement
from community.home_automations.models import (
    AUTOMATIONS,
    EFFECTS,
    MEMORIES,
    RUNS,
    STEPS,
    WATCHES,
    HomeAutomation,
    HomeAutomationRun,
    HomeAutomationStep,
    HomeScene,
)
from community.home_automations.rules.definitions import Definition
from community.home_automations.rules.memory import Memory, dump, load
from community.home_automations.rules.sun import Place
from community.home_states.models import STATES
from community.homes.models import HOMES

_INSTANT = sa.DateTime(timezone=True)
_IDS = sa.bindparam("ids", type_=ARRAY(sa.Uuid))
_ENTITY_IDS = sa.bindparam("entity_ids", type_=ARRAY(sa.Uuid))
_AUTOMATION_ID = sa.bindparam("of_automation", type_=sa.Uuid)
_CONCERNED: Final = HotStatement(
    sa.select(WATCHES.c.automation_id).where(WATCHES.c.entity_id == sa.any_(_ENTITY_IDS)).distinct()
)
_WAITING_FOR_CARE: Final = HotStatement(
    sa.select(MEMORIES.c.id).where(
        MEMORIES.c.resident_id == sa.bindparam("resident_id", type_=sa.Uuid), MEMORIES.c.hears_of_care
    )
)
_ALIVE: Final = HotStatement(
    sa.select(
        MEMORIES.c.id,
        MEMORIES.c.memory,
        MEMORIES.c.not_met,
        *(AUTOMATIONS.c[name] for name in ("home_id", "resident_id", "community_id", "name", "definition", "agreed")),
        AUTOMATIONS.c.version,
        HOMES.c.time_zone,
        HOMES.c.state.label("home_state"),
    )
    .join(AUTOMATIONS, AUTOMATIONS.c.id == MEMORIES.c.id)
    .join(HOMES, HOMES.c.id == AUTOMATIONS.c.home_id)
    .where(MEMORIES.c.id == sa.any_(_IDS))
    .order_by(MEMORIES.c.id)
    .with_for_update(of=MEMORIES, key_share=True)
)
_REMEMBER: Final = HotStatement(
    sa.text(
        """
        UPDATE community_home_automation_memory m
        SET memory = CAST(n.memory AS jsonb), next_run_at = n.next_run_at, not_met = CAST(n.not_met AS jsonb)
        FROM unnest(:ids, :memories, :next_runs, :not_mets) AS n (id, memory, next_run_at, not_met)
        WHERE m.id = n.id"""
    ).bindparams(
        _IDS,
        sa.bindparam("memories", type_=ARRAY(sa.Text)),
        sa.bindparam("next_runs", type_=ARRAY(_INSTANT)),
        sa.bindparam("not_mets", type_=ARRAY(sa.Text)),
    )
)
_STANDING: Final = HotStatement(
    sa.select(
        *(STATES.c[name] for name in ("entity_id", "state", "number", "attributes", "is_available", "changed_at"))
    ).where(STATES.c.entity_id == sa.any_(_ENTITY_IDS))
)
_EXPECTED: Final = HotStatement(
    sa.select(EFFECTS.c.entity_id, EFFECTS.c.expected, EFFECTS.c.depth).where(
        EFFECTS.c.entity_id == sa.any_(_ENTITY_IDS), EFFECTS.c.until > sa.bindparam("at", type_=_INSTANT)
    )
)
_RUNS_SINCE: Final = sa.select(sa.func.count()).where(
    RUNS.c.automation_id == _AUTOMATION_ID,
    RUNS.c.id >= sa.bindparam("floor", type_=sa.Uuid),
    RUNS.c.state.in_(("running", "done", "stopped")),
)
_AGAIN: Final = (
    sa.update(RUNS)
    .where(RUNS.c.id == sa.bindparam("run_id", type_=sa.Uuid))
    .values(
        times=RUNS.c.times + 1,
        last_at=sa.bindparam("at", type_=_INSTANT),
        updated_at=sa.bindparam("now", type_=_INSTANT),
        version=RUNS.c.version + 1,
    )
)
_ACTIVE: Final = sa.select(HOMES.c.id).where(
    HOMES.c.id == sa.any_(_IDS), HOMES.c.state == sa.literal("active", sa.Text)
)
_STOP_STEPS: Final = (
    sa.update(STEPS)
    .where(STEPS.c.automation_id == _AUTOMATION_ID, STEPS.c.state == "waiting")
    .values(
        state=sa.literal("stopped", sa.Text),
        due_at=None,
        updated_at=sa.bindparam("now", type_=_INSTANT),
        version=STEPS.c.version + 1,
    )
    .returning(STEPS.c.run_id)
)
_STOP_RUNS: Final = (
    sa.update(RUNS)
    .where(RUNS.c.id == sa.any_(_IDS))
    .values(
        state=sa.literal("stopped", sa.Text),
        updated_at=sa.bindparam("now", type_=_INSTANT),
        version=RUNS.c.version + 1,
    )
)
_FORGET: Final = (
    sa.delete(WATCHES).where(WATCHES.c.automation_id == _AUTOMATION_ID),
    sa.delete(MEMORIES).where(MEMORIES.c.id == _AUTOMATION_ID),
)
_LOCK_MEMORY: Final = sa.select(MEMORIES.c.id).where(MEMORIES.c.id == _AUTOMATION_ID).with_for_update()


@dataclass(frozen=True, slots=True)
class Owner:
    """An automation as far as what it does depends on it: whose it is, and what the resident agreed to."""

    id: uuid.UUID
    home_id: uuid.UUID
    resident_id: uuid.UUID
    community_id: uuid.UUID
    name: str
    agreed: frozenset[str]
    version: int


@dataclass(slots=True)
class Alive:
    """An automation that is on, locked: what it says, what it remembers, and where it is."""

    owner: Owner
    definition: Definition
    memory: Memory
    place: Place
    is_home_active: bool
    not_met: dict[str, Any] = field(default_factory=dict)
    is_on: bool = True


@dataclass(frozen=True, slots=True)
class Standing:
    """How an entity stands now."""

    state: str | None
    number: float | None
    attributes: dict[str, Any]
    is_available: bool
    changed_at: datetime


async def concerned(session: AsyncSession, entity_ids: Collection[uuid.UUID]) -> list[uuid.UUID]:
    """Return the automations that are on and look at one of the entities."""
    rows = await _CONCERNED.rows(connection_of(session), {"entity_ids": list(entity_ids)})
    return [row.automation_id for row in rows]


async def waiting_for_care(session: AsyncSession, resident_id: uuid.UUID) -> list[uuid.UUID]:
    """Return the automations that are on and wait for something to happen in the resident's care."""
    rows = await _WAITING_FOR_CARE.rows(connection_of(session), {"resident_id": resident_id})
    return [row.id for row in rows]


async def alive(session: AsyncSession, ids: Sequence[uuid.UUID]) -> list[Alive]:
    """Return automations that are on, locked in the order of their ids; where the sun stands is not known yet."""
    rows = await _ALIVE.rows(connection_of(session), {"ids": list(ids)})
    return [
        Alive(
            owner=Owner(
                id=row.id,
                home_id=row.home_id,
                resident_id=row.resident_id,
                community_id=row.community_id,
                name=row.name,
                agreed=frozenset(row.agreed),
                version=row.version,
            ),
            definition=Definition.model_validate(row.definition),
            memory=load(row.memory),
            place=Place(row.time_zone),
            is_home_active=row.home_state == "active",
            not_met=row.not_met,
        )
        for row in rows
    ]


async def remember(session: AsyncSession, rows: Iterable[Alive]) -> None:
    """Write down what automations remember from now on."""
    kept = list(rows)
    if kept:
        binds = {
            "ids": [one.owner.id for one in kept],
            "memories": [orjson.dumps(dump(one.memory)).decode() for one in kept],
            "next_runs": [one.memory.next_at for one in kept],
            "not_mets": [orjson.dumps(one.not_met).decode() for one in kept],
        }
        await _REMEMBER.rows(connection_of(session), binds)


async def standing(session: AsyncSession, entity_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Standing]:
    """Return how entities stand now; left out where nothing was ever heard of one."""
    rows = await _STANDING.rows(connection_of(session), {"entity_ids": list(entity_ids)})
    return {
        row.entity_id: Standing(row.state, row.number, row.attributes, row.is_available, row.changed_at) for row in rows
    }


async def expected(session: AsyncSession, entity_ids: Collection[uuid.UUID], at: datetime) -> list[Any]:
    """Return what automations have told entities: ``entity_id``, ``expected``, ``depth``."""
    return await _EXPECTED.rows(connection_of(session), {"entity_ids": list(entity_ids), "at": at})


async def runs_since(session: AsyncSession, automation_id: uuid.UUID, since: datetime) -> int:
    """Return how often an automation did something since an instant."""
    binds = {"of_automation": automation_id, "floor": clock.id_floor(since)}
    return int(await session.scalar(_RUNS_SINCE, binds) or 0)


async def count_again(session: AsyncSession, run_id: uuid.UUID, at: datetime) -> None:
    """Count in the log that the same did not happen once more."""
    await session.execute(_AGAIN, {"run_id": run_id, "at": at, "now": clock.now()})


async def stop_waiting(session: AsyncSession, automation_id: uuid.UUID) -> None:
    """Let go of what an automation still had to do after a delay."""
    now = clock.now()
    stopped = list(await session.scalars(_STOP_STEPS, {"of_automation": automation_id, "now": now}))
    if stopped:
        await session.execute(_STOP_RUNS, {"ids": stopped, "now": now})


async def forget(session: AsyncSession, automation_id: uuid.UUID) -> None:
    """Let an automation look at nothing any more, and remember nothing."""
    for statement in _FORGET:
        await session.execute(statement, {"of_automation": automation_id})


async def automation(session: AsyncSession, automation_id: uuid.UUID) -> HomeAutomation:
    """Return an automation to be changed, its memory locked before it: in the order everybody takes them."""
    await session.execute(_LOCK_MEMORY, {"of_automation": automation_id})
    statement = sa.select(HomeAutomation).where(col(HomeAutomation.id) == automation_id).with_for_update()
    return (await session.scalars(statement)).one()


async def automations_of(session: AsyncSession, home_id: uuid.UUID) -> list[HomeAutomation]:
    """Return a home's automations that are on, to be changed."""
    memories = sa.select(MEMORIES.c.id).where(MEMORIES.c.home_id == home_id).order_by(MEMORIES.c.id).with_for_update()
    await session.execute(memories)
    statement = (
        sa.select(HomeAutomation)
        .where(col(HomeAutomation.home_id) == home_id, col(HomeAutomation.is_enabled))
        .order_by(col(HomeAutomation.id))
        .with_for_update()
    )
    return list(await session.scalars(statement))


async def scene(session: AsyncSession, scene_id: uuid.UUID, home_id: uuid.UUID) -> HomeScene | None:
    """Return a scene if it is one of that home."""
    row = await session.get(HomeScene, scene_id)
    return row if row is not None and row.home_id == home_id else None


async def steps(session: AsyncSession, ids: Sequence[uuid.UUID]) -> list[tuple[HomeAutomationStep, HomeAutomationRun]]:
    """Return steps that are due, with their runs, the longest due first."""
    statement = (
        sa.select(HomeAutomationStep, HomeAutomationRun)
        .join(HomeAutomationRun, col(HomeAutomationRun.id) == col(HomeAutomationStep.run_id))
        .where(col(HomeAutomationStep.id) == sa.any_(_IDS))
        .order_by(col(HomeAutomationStep.due_at), col(HomeAutomationStep.id))
    )
    return [(step, run) for step, run in await session.execute(statement, {"ids": list(ids)})]


async def active_homes(session: AsyncSession, ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Return those of the homes in which something may be done."""
    return set(await session.scalars(_ACTIVE, {"ids": list(ids)}))


async def owners(session: AsyncSession, ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Owner]:
    """Return automations as far as what they do depends on them."""
    rows = await session.scalars(
        sa.select(HomeAutomation).where(col(HomeAutomation.id) == sa.any_(_IDS)), {"ids": list(ids)}
    )
    return {
        row.id: Owner(
            id=row.id,
            home_id=row.home_id,
            resident_id=row.resident_id,
            community_id=row.community_id,
            name=row.name,
            agreed=frozenset(row.agreed),
            version=row.version,
        )
        for row in rows
    }
