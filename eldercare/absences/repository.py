"""The SQL by which others ask, row by row, whether the resident is away: who asks them, and who comes to them."""

import uuid
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from eldercare.absences.models import ABSENCES

PAUSE: Final = """
    SELECT p.kind FROM eldercare_absence p
    WHERE p.resident_id = c.resident_id AND p.starts_at <= greatest(:now, c.due_at)
      AND least(p.ends_at, p.ended_at) > c.due_at
    ORDER BY p.starts_at LIMIT 1"""
"""Why nobody is to be asked about the row ``c`` (``resident_id``, ``due_at``) at ``now``: away, or in hospital."""


def away_until(
    resident_id: sa.ColumnElement[object], at: sa.ColumnElement[datetime], now: sa.ColumnElement[datetime]
) -> sa.ScalarSelect[datetime]:
    """Return until when a resident is away to whom somebody is to come ``at``; NULL if they are at home.

    An absence speaks of what lies in it. One that was stated after ``at`` speaks of that, too, from its beginning on:
    whoever says so knows that nobody came. One that was stated before does not: who was to come before it is missed.
    """
    until = sa.func.least(ABSENCES.c.ends_at, ABSENCES.c.ended_at)
    return (
        sa.select(sa.func.max(until))
        .where(
            ABSENCES.c.resident_id == resident_id,
            sa.or_(ABSENCES.c.starts_at <= at, sa.and_(ABSENCES.c.created_at > at, ABSENCES.c.starts_at <= now)),
            until > at,
        )
        .scalar_subquery()
    )


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
