"""The audit trail: every read of another person's care data and every change leaves one entry."""

import base64
import secrets
import uuid
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import orjson
import sqlalchemy as sa
import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core import clock, sealing, set_ids
from app.core.access import Actor
from app.core.audit_tables import AuditEntry, PersonKey
from app.core.database import connection_of
from app.core.statements import Insertion
from app.core.tables import table_of

_entries = table_of(AuditEntry)
_person_keys = table_of(PersonKey)
_KEY_CONTEXT = "core_person_key.key"
_NONCE_BYTES = 12

_ENTER = Insertion(_entries, "xid")
_FIND_KEY = sa.select(_person_keys.c.key).where(_person_keys.c.subject_id == sa.bindparam("subject_id"))
_MAKE_KEY = insert(_person_keys).on_conflict_do_nothing()
_DROP_KEY = sa.delete(_person_keys).where(_person_keys.c.subject_id == sa.bindparam("subject"))


async def record(
    executor: AsyncSession | AsyncConnection,
    actor: Actor,
    action: str,
    *,
    resident_id: uuid.UUID | None = None,
    object_id: uuid.UUID | None = None,
    community_id: uuid.UUID | None = None,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Add one entry in the caller's transaction.

    ``action`` reads ``thing:verb``. ``details`` are sealed with the resident's own key; without a resident they are
    sealed with the actor's. ``community_id`` defaults to the actor's. Who looks on as
    somebody else stands there under their own name.
    """
    values = _values(actor, action, resident_id, object_id, community_id)
    if details:
        values["details"] = await _seal(executor, resident_id or values["actor_id"], dict(details), values["id"])
    connection = connection_of(executor) if isinstance(executor, AsyncSession) else executor
    await _ENTER.of(connection, SimpleNamespace(**values))


def traced(statement: sa.Select[Any], action: str) -> sa.Select[Any]:
    """Return a reading statement that adds its own audit entry; built once, at module level.

    Execute it with ``trace_binds(actor, …)`` beside its own parameters.
    """
    binds = {column: sa.bindparam(f"trace_{column}", type_=_entries.c[column].type) for column in _TRACED}
    entry = sa.insert(_entries).values(action=sa.literal(action, sa.Text), **binds).cte("trace")
    return statement.add_cte(entry)


def traced_each(statement: sa.Select[Any], action: str, resident: str = "resident_id") -> sa.Select[Any]:
    """Return a reading statement of a page that adds an entry for each resident on it, but for the reader's own.

    ``statement`` is in order, yields the resident's id in the column ``resident``, and may yield more rows than are
    shown. Built once, at module level; execute it with ``trace_each_binds(actor, …)`` beside its own parameters.
    """
    # The rows come as the subquery has ordered them, and are numbered so.
    rows = statement.subquery("rows")
    page = sa.select(rows, sa.func.row_number().over().label("trace_place")).cte("page")
    # By their names: to ask the page for its columns makes objects of all of them, for each statement of each process.
    place = sa.literal_column("page.trace_place", sa.Integer)
    whose = sa.literal_column(f"page.{resident}", sa.Uuid)
    return sa.select(page).order_by(place).add_cte(_entries_for(page, place, whose, action))


def _entries_for(page: sa.CTE, place: sa.ColumnElement[int], whose: sa.ColumnElement[uuid.UUID], action: str) -> sa.CTE:
    shown = (
        sa.select(whose.label("whose"))
        .select_from(page)
        .distinct()
        .where(
            whose.is_not(None),
            place <= sa.bindparam("trace_shown", type_=sa.Integer),
            whose.is_distinct_from(sa.bindparam("trace_own", type_=sa.Uuid)),
        )
        .subquery("shown")
    )
    common = ("at", "community_id", "actor_kind", "actor_id", "object_id", "request_id", "app_id")
    entry = sa.select(
        set_ids.minted_id(),
        *(sa.bindparam(f"trace_{column}", type_=_entries.c[column].type) for column in common),
        sa.literal(action, sa.Text),
        shown.c.whose,
    )
    return sa.insert(_entries).from_select(["id", *common, "action", "resident_id"], entry).cte("trace")


def trace_each_binds(actor: Actor, *, shown: int, object_id: uuid.UUID | None = None) -> dict[str, Any]:
    """Return the parameters of a ``traced_each`` statement of which ``shown`` rows at most are shown."""
    given = trace_binds(actor, resident_id=None, object_id=object_id)
    del given["trace_id"], given["trace_resident_id"]
    return given | {"trace_shown": shown, "trace_own": actor.resident_id, "minted_at": set_ids.minted_at()}


_TRACED = ("id", "at", "community_id", "actor_kind", "actor_id", "resident_id", "object_id", "request_id", "app_id")


def trace_binds(
    actor: Actor,
    *,
    resident_id: uuid.UUID | None,
    object_id: uuid.UUID | None = None,
    community_id: uuid.UUID | None = None,
) -> dict[str, Any]:
    """Return the parameters of a ``traced`` statement for this read."""
    values = _values(actor, "", resident_id, object_id, community_id)
    return {f"trace_{column}": values[column] for column in _TRACED}


def _values(
    actor: Actor,
    action: str,
    resident_id: uuid.UUID | None,
    object_id: uuid.UUID | None,
    community_id: uuid.UUID | None,
) -> dict[str, Any]:
    return {
        "id": clock.new_id(),
        "at": clock.now(),
        "community_id": community_id or actor.community_id,
        "actor_kind": actor.kind,
        "actor_id": actor.viewed_by or actor.id,
        "action": action,
        "resident_id": resident_id,
        "object_id": object_id,
        "request_id": structlog.contextvars.get_contextvars().get("request_id"),
        "details": None,
        "app_id": actor.app.id if actor.app else None,
    }


async def _seal(
    executor: AsyncSession | AsyncConnection, subject: uuid.UUID, details: dict[str, Any], entry: uuid.UUID
) -> str:
    key = await _person_key(executor, subject)
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return base64.b64encode(nonce + AESGCM(key).encrypt(nonce, orjson.dumps(details), entry.bytes)).decode()


async def _person_key(executor: AsyncSession | AsyncConnection, subject: uuid.UUID) -> bytes:
    stored = (await executor.execute(_FIND_KEY, {"subject_id": subject})).scalar_one_or_none()
    if stored is None:
        fresh = base64.b64encode(secrets.token_bytes(32)).decode()
        await executor.execute(_MAKE_KEY, {"subject_id": subject, "key": sealing.seal(fresh, _KEY_CONTEXT)})
        # Another transaction may have been first: its key is the person's.
        stored = (await executor.execute(_FIND_KEY, {"subject_id": subject})).scalar_one()
    return base64.b64decode(sealing.unseal(stored, _KEY_CONTEXT))


async def details_of(
    executor: AsyncSession | AsyncConnection, subject: uuid.UUID, entry: uuid.UUID, sealed: str
) -> dict[str, Any] | None:
    """Return what an entry says in detail, or ``None`` when the person was erased."""
    stored = (await executor.execute(_FIND_KEY, {"subject_id": subject})).scalar_one_or_none()
    if stored is None:
        return None
    raw = base64.b64decode(sealed)
    key = base64.b64decode(sealing.unseal(stored, _KEY_CONTEXT))
    try:
        content: dict[str, Any] = orjson.loads(AESGCM(key).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], entry.bytes))
    except InvalidTag:
        # Sealed under a key that was destroyed; the person has since come back and has a new one.
        return None
    return content


async def forget(session: AsyncSession, subject: uuid.UUID) -> None:
    """Destroy the person's key: what the trail says about them in detail can never be read again."""
    await session.execute(_DROP_KEY, {"subject": subject})
