"""Alembic's environment: runs the revisions over asyncpg, in one transaction each, in our schema."""

import asyncio

import sqlalchemy as sa
from alembic import context
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import SQLModel

from app import assembly
from app.core.partitions import is_partition


def _is_ours(_object: object, name: str | None, kind: str, _reflected: bool, compared: object) -> bool:
    """Leave out the monthly partitions, which the partitions job makes, not a revision."""
    return not (kind == "table" and compared is None and name is not None and is_partition(name))


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


assembly.load_tables()
asyncio.run(_migrate())
