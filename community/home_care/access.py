"""Who may see what a home noticed, and who may say how it is watched."""

import uuid
from typing import Annotated

import sqlalchemy as sa
from fastapi import Depends

from app.identity.api import ResidentSubject, is_visible, resident_guard
from community.homes.access import ACTIVITY, MANAGE, READ, HomeSubject, home_guard
from community.homes.models import RESIDENTS

__all__ = ["ACTIVITY", "MANAGE", "HomeSubject", "Knower", "Manager", "Onlooker", "agreed_by_all"]


def agreed_by_all(home_id: sa.ColumnElement[uuid.UUID], scope: str) -> sa.ColumnElement[bool]:
    """Return the SQL condition that the bound actor has ``scope`` on everybody who lives in the home.

    What a sensor sees is of whoever lives there: one of two cannot show the other's day. Execute with
    ``actor_binds(actor, scope)``.
    """
    # Whoever is no resident has no id of one: what is neither true nor false must not pass for consent.
    is_shown = sa.func.coalesce(is_visible(RESIDENTS.c.resident_id, scope), sa.false())
    hidden = sa.select(RESIDENTS.c.id).where(RESIDENTS.c.home_id == home_id, sa.not_(is_shown))
    return ~sa.exists(hidden.correlate_except(RESIDENTS))


Onlooker = Annotated[ResidentSubject, Depends(resident_guard(ACTIVITY))]
Knower = Annotated[HomeSubject, Depends(home_guard(ACTIVITY, READ))]
Manager = Annotated[HomeSubject, Depends(home_guard(MANAGE))]
"""Who may see the picture of a day, what was noticed, and the rules."""
