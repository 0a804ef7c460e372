"""Alembic's environment: runs the revisions over asyncpg, in one transaction each, in our schema."""

import asyncio
from typing import Any, Literal

import sqlalchemy as sa
from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy.dialects.postgresql.base import ischema_names
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import SQLModel
from sqlmodel.sql.sqltypes import AutoString

from app import assembly
from app.core import partitions
from app.core.audit_tables import Xid8


def _is_ours(_object: object, name: str | None, kind: str, reflected: bool, _compared: object) -> bool:
    """Leave out the monthly partitions, which the partitions job makes, not a revision."""
    return not (kind == "table" and reflected and name is not None and partitions.is_partition(name))


def _render(kind: str, thing: Any, autogenerate: AutogenContext) -> str | Literal[False]:
    """Write our own types so that a revision reads as plain SQLAlchemy."""
    if kind == "type" and isinstance(thing, AutoString):
        return f"sa.String(length={thing.length})" if thing.length else "sa.String()"
    if kind == "type" and isinstance(thing, Xid8):
        autogenerate.imports.add("from app.core.audit_tables import Xid8")
        return "Xid8()"
    return False


def _run(connection: sa.Connection) -> None:
    schema = context.config.attributes["schema"]
    connection.execute(sa.text(f'CREATE SCHEMA IF NOT EXISTS "{schema}"'))
    connection.execute(sa.text(f'SET search_path TO "{schema}"'))
    connection.commit()
    connection.dialect.default_schema_name = schema
    context.configure(
        connection=connection,
        target_metadata=SQLModel.metadata,
        include_object=_is_ours,
        render_item=_render,
        compare_type=True,
        compare_server_default=False,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


async def _migrate() -> None:
    engine = create_async_engine(context.config.attributes["url"])
    try:
        async with engine.connect() as connection:
            await connection.run_sync(_run)
    finally:
        await engine.dispose()


ischema_names["xid8"] = Xid8  # so that the database's columns can be compared with the models'
assembly.load_tables()
asyncio.run(_migrate())
