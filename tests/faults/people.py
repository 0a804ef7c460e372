"""Many residents at once, and the credentials some of them use, on the database of the test."""

import uuid
from datetime import datetime
from typing import Any

from app.core import clock
from app.identity.models import Account
from benchmarks import place, population
from tests.factories.sign_in import sign_in

OPEN = """
UPDATE eldercare_check_in SET state = 'prompted', next_prompt_at = NULL, prompted_at = :now, asked_at = :now,
    answer_by = :now + interval '1 hour' WHERE next_prompt_at IS NOT NULL"""
"""Everybody has been asked."""


def account_id(number: int) -> uuid.UUID:
    """Return the account of the ``number``-th resident, from 1."""
    return population.identifier(1, number)


def resident_id(number: int) -> uuid.UUID:
    """Return the ``number``-th resident."""
    return population.identifier(2, number)


def check_in_id(number: int) -> uuid.UUID:
    """Return the check-in of the ``number``-th resident."""
    return population.identifier(5, number)


async def settle_in(url: str, count: int, *, now: datetime | None = None, then: tuple[str, ...] = ()) -> None:
    """Insert ``count`` residents, each with a phone and a check-in that is due ``now``; ``then`` is further SQL."""
    values: dict[str, Any] = {"now": now or clock.now(), "count": count}
    await place.execute(url, *population.DUE, *then, **values)


async def signed_in(number: int) -> dict[str, str]:
    """Return the headers of the ``number``-th resident's requests."""
    person = Account(id=account_id(number), community_id=population.COMMUNITY, name="Resident", time_zone="UTC")
    return await sign_in(person)
