"""Automations as they are shown, and the log of what they decided."""

import uuid
from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.access import Actor
from app.core.paging import Page, PageRequest, after, decode_cursor, next_cursor
from app.identity.api import trace_read
from community.home_automations.access import HomeSubject
from community.home_automations.models import AUTOMATIONS, MEMORIES, RUNS
from community.home_automations.rules.definitions import Definition
from community.home_automations.schemas import HomeAutomationPublic, HomeAutomationRunPublic
from community.home_automations.views.risks import riskier_of

_KIND: Final = "community.home_automations"
_RUN_KIND: Final = "community.home_automation_runs"
_a = AUTOMATIONS.c
_AUTOMATION: Final = sa.select(
    *(_a[name] for name in ("id", "home_id", "name", "definition", "is_enabled", "off_because", "off_since")),
    *(_a[name] for name in ("template", "agreed", "version")),
    MEMORIES.c.next_run_at,
).outerjoin(MEMORIES, MEMORIES.c.id == _a.id)
_ONE: Final = _AUTOMATION.where(_a.id == sa.bindparam("automation_id", type_=sa.Uuid))
_LIST: Final = (
    _AUTOMATION.where(
        _a.home_id == sa.bindparam("home_id", type_=sa.Uuid), after((_a.id,), ("after_id",), descending=True)
    )
    .order_by(_a.id.desc())
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
_RUNS: Final = (
    sa.select(*(RUNS.c[name] for name in HomeAutomationRunPublic.model_fields))
    .where(
        RUNS.c.automation_id == sa.bindparam("automation_id", type_=sa.Uuid),
        after((RUNS.c.id,), ("after_id",), descending=True),
    )
    .order_by(RUNS.c.id.desc())
    .limit(sa.bindparam("limit", type_=sa.Integer))
)


async def automation(
    connection: AsyncConnection, actor: Actor, home: HomeSubject, automation_id: uuid.UUID
) -> HomeAutomationPublic:
    """Return an automation of a home the actor may see."""
    await trace_read(connection, actor, home.subject, "home_automation:read", automation_id)
    return await after_change(connection, home, automation_id)


async def after_change(
    connection: AsyncConnection, home: HomeSubject, automation_id: uuid.UUID
) -> HomeAutomationPublic:
    """Return an automation to whoever has just changed it."""
    rows = (await connection.execute(_ONE, {"automation_id": automation_id})).all()
    return (await _shown(connection, home.id, rows))[0]


async def automations(
    connection: AsyncConnection, actor: Actor, home: HomeSubject, page: PageRequest
) -> Page[HomeAutomationPublic]:
    """Return a page of a home's automations, the latest first."""
    await trace_read(connection, actor, home.subject, "home_automations:list", home.id)
    binds = {"home_id": home.id, "limit": page.limit + 1, "after_id": _position(_KIND, page)}
    rows = (await connection.execute(_LIST, binds)).all()
    items = await _shown(connection, home.id, rows[: page.limit])
    return Page(items=items, next=next_cursor(_KIND, rows, page.limit, ["id"]))


async def runs(
    connection: AsyncConnection, actor: Actor, home: HomeSubject, automation_id: uuid.UUID, page: PageRequest
) -> Page[HomeAutomationRunPublic]:
    """Return a page of what an automation decided and why, the latest first."""
    await trace_read(connection, actor, home.subject, "home_automation_runs:list", automation_id)
    binds = {"automation_id": automation_id, "limit": page.limit + 1, "after_id": _position(_RUN_KIND, page)}
    rows = (await connection.execute(_RUNS, binds)).all()
    items = [HomeAutomationRunPublic.model_validate(row, from_attributes=True) for row in rows[: page.limit]]
    return Page(items=items, next=next_cursor(_RUN_KIND, rows, page.limit, ["id"]))


def _position(kind: str, page: PageRequest) -> uuid.UUID | None:
    (last_id,) = decode_cursor(kind, page.cursor) if page.cursor else (None,)
    return uuid.UUID(last_id) if last_id else None


async def _shown(connection: AsyncConnection, home_id: uuid.UUID, rows: Sequence[Any]) -> list[HomeAutomationPublic]:
    definitions = [Definition.model_validate(row.definition) for row in rows]
    asked = [(one.actions, row.agreed) for one, row in zip(definitions, rows, strict=True)]
    risks = await riskier_of(connection, home_id, asked) if rows else []
    return [
        HomeAutomationPublic(
            id=row.id,
            home_id=row.home_id,
            name=row.name,
            definition=definition,
            is_enabled=row.is_enabled,
            off_because=row.off_because,
            off_since=row.off_since,
            template=row.template,
            next_run_at=row.next_run_at,
            riskier=found,
            version=row.version,
        )
        for row, definition, found in zip(rows, definitions, risks, strict=True)
    ]
