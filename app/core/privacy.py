"""What we hold about a person, handed out or erased as each table's ``privacy`` declares."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlmodel import SQLModel

from app.core import clock, sealing
from app.core.tables import SEALED, Privacy

Row = dict[str, object]
Position = tuple[object, ...]


class PrivacyUndeclared(TypeError):  # noqa: N818 - says what is missing
    """A table does not declare its privacy, or declares columns it does not have."""


@dataclass(frozen=True, slots=True)
class PersonalTable:
    """A table that holds somebody's data, with its declaration."""

    table: sa.Table
    privacy: Privacy

    def is_about(self, subjects: Sequence[uuid.UUID]) -> sa.ColumnElement[bool]:
        """Return the condition that a row is about one of ``subjects``."""
        return sa.or_(*(self.table.c[name].in_(subjects) for name in (str(self.privacy.subject), *self.privacy.also)))


def declarations() -> Mapping[sa.Table, Privacy]:
    """Return what every table declares; raises ``PrivacyUndeclared`` naming the first table that does not."""
    declared: dict[sa.Table, Privacy] = {}
    for mapper in sorted(_mappers(), key=lambda mapper: mapper.class_.__name__):
        table = mapper.local_table
        privacy = getattr(mapper.class_, "privacy", None)
        if not isinstance(table, sa.Table) or not isinstance(privacy, Privacy):
            raise PrivacyUndeclared(f"{mapper.class_.__name__} declares no privacy")
        named = {*privacy.redacted, *privacy.withheld, *privacy.also, privacy.subject, privacy.stands_since} - {None}
        if missing := {str(name) for name in named} - set(table.columns.keys()):
            raise PrivacyUndeclared(f"{table.name} has no column {', '.join(sorted(missing))}")
        declared[table] = privacy
    return declared


def personal_tables() -> list[PersonalTable]:
    """Return the tables with personal data, those that are referred to before those that refer to them."""
    declared = declarations()
    return [
        PersonalTable(table, declared[table])
        for table in SQLModel.metadata.sorted_tables
        if table in declared and declared[table].subject
    ]


async def export_subject(
    executor: AsyncSession | AsyncConnection, subjects: Sequence[uuid.UUID], only: Collection[str] | None = None
) -> dict[str, list[Row]]:
    """Return what is held about a person, by table; ``subjects`` are their account's and their resident's id.

    ``only`` names the tables that are wanted (default: all).

    Sealed values are opened; hashes, look-up keys and what a table withholds (keys, secrets) are left out, and so are
    drafts. Tables that hold nothing about the person are absent.
    """
    found: dict[str, list[Row]] = {}
    for personal in personal_tables():
        if only is None or personal.table.name in only:
            rows, _ = await export_chunk(executor, personal, subjects)
            if rows:
                found[str(personal.table.name)] = rows
    return found


async def export_chunk(
    executor: AsyncSession | AsyncConnection,
    personal: PersonalTable,
    subjects: Sequence[uuid.UUID],
    after: Position | None = None,
    limit: int | None = None,
) -> tuple[list[Row], Position | None]:
    """Return what one table holds about a person, as ``export_subject`` does: ``limit`` rows ``after`` a position.

    With them comes the position of the last one, ``None`` when there are no more.
    """
    columns = [column for column in personal.table.columns if _is_handed_out(column, personal.privacy)]
    keys = list(personal.table.primary_key.columns)
    statement = sa.select(*columns, *(key.label(f"key_{key.name}") for key in keys)).where(personal.is_about(subjects))
    if personal.privacy.stands_since is not None:
        statement = statement.where(personal.table.c[personal.privacy.stands_since].is_not(None))
    if after is not None:
        told = (sa.literal(value, key.type) for key, value in zip(keys, after, strict=True))
        statement = statement.where(sa.tuple_(*keys) > sa.tuple_(*told))
    found = (await executor.execute(statement.order_by(*keys).limit(limit))).all()
    rows = [
        {str(column.name): _opened(column, value) for column, value in zip(columns, row[: len(columns)], strict=True)}
        for row in found
    ]
    return rows, tuple(found[-1][len(columns) :]) if limit is not None and len(found) == limit else None


async def erase_subject(session: AsyncSession, subjects: Sequence[uuid.UUID]) -> dict[str, int]:
    """Erase a person as the tables declare, set-based, in the caller's transaction; return the rows changed by table.

    ``delete`` removes rows, ``redact`` empties the declared columns, ``keep`` leaves what the law wants kept. Removing
    the person's key makes what the audit trail says about them in detail unreadable.
    """
    changed: dict[str, int] = {}
    for personal in reversed(personal_tables()):
        statement = _erasure(personal, subjects)
        if statement is None:
            continue
        result = await session.execute(statement, execution_options={"synchronize_session": False})
        if result.rowcount:  # type: ignore[attr-defined]  # a write's result is a CursorResult
            changed[str(personal.table.name)] = result.rowcount  # type: ignore[attr-defined]
    # What the session had loaded of these rows is no longer true.
    session.expire_all()
    return changed


def _mappers() -> frozenset[sa.orm.Mapper[object]]:
    return SQLModel._sa_registry.mappers  # noqa: SLF001 - SQLModel offers no other door to its registry


def _erasure(personal: PersonalTable, subjects: Sequence[uuid.UUID]) -> sa.Delete | sa.Update | None:
    table, about = personal.table, personal.is_about(subjects)
    if personal.privacy.erasure == "delete":
        return sa.delete(table).where(about)
    if personal.privacy.erasure == "keep" or not personal.privacy.redacted:
        return None
    values: dict[str, object] = {name: _emptied(table.c[name]) for name in personal.privacy.redacted}
    if "version" in table.c:
        values["version"] = table.c.version + 1
    if "updated_at" in table.c:
        values["updated_at"] = clock.now()
    return sa.update(table).where(about).values(values)


def _emptied(column: sa.Column[object]) -> object:
    """Return what takes the place of a redacted value; raises ``PrivacyUndeclared`` when nothing can."""
    if column.nullable:
        return sa.null()
    if isinstance(column.type, ARRAY):
        return []
    if isinstance(column.type, JSONB):
        return {}
    # SQLModel wraps its text type; the wrapper does not say what it holds.
    if isinstance(getattr(column.type, "impl_instance", column.type), sa.String):
        return ""
    raise PrivacyUndeclared(f"{column.table.name}.{column.name} cannot be emptied: make it nullable")


def _is_handed_out(column: sa.Column[object], privacy: Privacy) -> bool:
    return column.name not in privacy.withheld and not isinstance(column.type, sa.LargeBinary)


def _opened(column: sa.Column[object], value: object) -> object:
    if value is None or not column.info.get(SEALED):
        return value
    return sealing.unseal(str(value), f"{column.table.name}.{column.name}")
