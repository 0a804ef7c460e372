"""Ids for set-based SQL: an INSERT … SELECT mints UUIDv7s of our clock for rows that Python never sees."""

import uuid
from datetime import datetime

import sqlalchemy as sa

from app.core import clock

# The instant comes from our clock as a bind parameter; PostgreSQL adds only the random part.
MINT_SQL = "CAST(:minted_at || substr(CAST(gen_random_uuid() AS text), 16) AS uuid)"
_VERSION_END = len("xxxxxxxx-xxxx-7")


def minted_at(instant: datetime | None = None) -> str:
    """Return the value of the bind ``minted_at``: the id's first 52 bits for ``instant`` (default: now) as text."""
    return str(clock.id_floor(instant or clock.now()))[:_VERSION_END]


def minted_id() -> sa.ColumnElement[uuid.UUID]:
    """Return the expression that gives each row a new id; the statement needs the bind ``minted_at``.

    Ids of one statement carry the same millisecond and no order among themselves.
    """
    random_part = sa.func.substr(sa.cast(sa.func.gen_random_uuid(), sa.Text), sa.literal_column("16"))
    return sa.cast(sa.bindparam("minted_at", type_=sa.Text).concat(random_part), sa.Uuid)
