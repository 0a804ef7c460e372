"""The rule by which others ask, row by row, whether the resident is away: who asks them, and who comes to them."""

import uuid
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from eldercare.absences.models import ABSENCES

_DIALECT: Final = postgresql.dialect()  # type: ignore[no-untyped-call]
_UNTIL: Final = sa.func.least(ABSENCES.c.ends_at, ABSENCES.c.ended_at)


def _speak_of(
    resident_id: sa.ColumnElement[Any], at: sa.ColumnElement[datetime], now: sa.ColumnElement[datetime]
) -> sa.ColumnElement[bool]:
    """Say whether an absence speaks of what falls to a resident ``at``: the one rule, whoever asks.

    An absence speaks of what lies in it. One that was stated after ``at`` speaks of that, too, from its beginning on:
    whoever says so knows why nobody answered, and that nobody came. One that was stated before does not: that somebody
    planned to leave does not say that they did, and who was to come, to be heard of or to take something before it is
    missed.
    """
    return sa.and_(
        ABSENCES.c.resident_id == resident_id,
        sa.or_(ABSENCES.c.starts_at <= at, sa.and_(ABSENCES.c.created_at > at, ABSENCES.c.starts_at <= now)),
        at < _UNTIL,
    )


def away_until(
    resident_id: sa.ColumnElement[Any], at: sa.ColumnElement[datetime], now: sa.ColumnElement[datetime]
) -> sa.ScalarSelect[datetime]:
    """Return until when a resident is away to whom somebody is to come ``at``; NULL if they are at home."""
    return sa.select(sa.func.max(_UNTIL)).where(_speak_of(resident_id, at, now)).scalar_subquery()


def excuse(row: str, at: str) -> str:
    """Return SQL text: why nobody waits for what falls to a row's resident ``at`` ("away", "hospital"), or NULL.

    ``row`` is the alias of a table with ``resident_id``, ``at`` an expression; the statement binds ``:now``.
    """
    moment, now = (sa.literal_column(text, sa.DateTime(timezone=True)) for text in (at, ":now"))
    found = (
        sa.select(ABSENCES.c.kind)
        .where(_speak_of(sa.literal_column(f"{row}.resident_id", sa.Uuid), moment, now))
        .order_by(ABSENCES.c.starts_at)
        .limit(sa.literal_column("1", sa.Integer))
    )
    return f"({found.compile(dialect=_DIALECT)})"


def excuse_from_asking(row: str, at: str) -> str:
    """Return SQL text as ``excuse`` does, for what a resident was not asked yet: it falls to them when they are asked.

    So nobody is asked while they are away, however late we are, nor about what fell into an absence that is over.
    """
    return f"coalesce({excuse(row, at)}, {excuse(row, ':now')})"


def hold(rows: sa.FromClause, at: sa.ColumnElement[datetime]) -> sa.Select[uuid.UUID]:
    """Return what finds the absences that may speak of ``rows`` (``resident_id``), to whom somebody is to come ``at``.

    They stay as they are until the transaction ends: whoever ends one waits, and what follows from its end sees what
    was done under it. Whoever ends one holds nothing else, so rows of any kind may be held before.
    """
    return (
        sa.select(ABSENCES.c.id)
        .join_from(rows, ABSENCES, sa.and_(ABSENCES.c.resident_id == rows.c.resident_id, ABSENCES.c.ends_at > at))
        .order_by(ABSENCES.c.id)
        .with_for_update(read=True, of=ABSENCES)
    )
