"""Choosing what one is told, over which channel and when."""

import uuid
from collections.abc import Iterator

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.core import clock
from app.core.access import Actor
from app.core.events import emit
from app.core.problems import FieldError, Malformed
from app.core.routing import check_version
from notifications.events import PreferencesChanged
from notifications.preferences.models import PREFERENCES, Preference
from notifications.preferences.problems import CannotBeMuted
from notifications.preferences.schemas import CategoryChoice, DigestData, NotificationPreferencesSet
from notifications.preferences.views import HOURLY, choosable
from notifications.templates.categories import categories


async def set_preferences(
    session: AsyncSession, actor: Actor, data: NotificationPreferencesSet, if_match: int | None
) -> None:
    """Put ``data`` in the place of all the actor chose; messages that wait are looked at again.

    Raises ``StaleVersion``, and ``Malformed`` for what cannot be chosen about a category.
    """
    if faults := list(_faults(data.categories)):
        raise Malformed(errors=faults)
    row = await _lock(session, actor.id)
    check_version(row, if_match)
    quiet = data.quiet_hours
    weekend = quiet and quiet.weekend
    row.quiet_from, row.quiet_until = (quiet.begins, quiet.ends) if quiet else (None, None)
    row.weekend_from, row.weekend_until = (weekend.begins, weekend.ends) if weekend else (None, None)
    row.muted = sorted({f"{choice.category}:{channel}" for choice in data.categories for channel in choice.muted})
    row.digests = {
        choice.category: _stored(choice.digest) for choice in data.categories if choice.digest.every != "immediate"
    }
    await session.flush()
    await emit(session, PreferencesChanged(aggregate_id=actor.id, community_id=actor.community_id))


async def mute(session: AsyncSession, account_id: uuid.UUID, category: str, channel: str) -> None:
    """Silence a category on a channel for an account; doing it again changes nothing. Raises ``CannotBeMuted``."""
    if category not in categories() or not categories()[category].mutable:
        raise CannotBeMuted
    row = await _lock(session, account_id)
    row.muted = sorted({*row.muted, f"{category}:{channel}"})
    await session.flush()


async def _lock(session: AsyncSession, account_id: uuid.UUID) -> Preference:
    """Return the account's row, locked; made if there was none, with version 0 until something is chosen."""
    now = clock.now()
    new = {
        "id": clock.new_id(),
        "created_at": now,
        "updated_at": now,
        "version": 0,
        "account_id": account_id,
        "muted": [],
        "digests": {},
    }
    await session.execute(insert(PREFERENCES).values(new).on_conflict_do_nothing(index_elements=["account_id"]))
    locked = sa.select(Preference).where(col(Preference.account_id) == account_id).with_for_update()
    return (await session.scalars(locked)).one()


def _stored(digest: DigestData) -> str:
    return digest.at.isoformat() if digest.at else HOURLY


def _faults(choices: list[CategoryChoice]) -> Iterator[FieldError]:
    """Yield what cannot be chosen, by where it stands in the body."""
    known = {category.key: category for category in choosable()}
    seen: set[str] = set()
    for number, choice in enumerate(choices):
        at = f"/body/categories/{number}"
        category = known.get(choice.category)
        if category is None or choice.category in seen:
            yield FieldError(f"{at}/category", "not a category, or named twice", "category")
        elif choice.muted and not category.mutable:
            yield FieldError(f"{at}/muted", "this category cannot be silenced", "cannot_be_muted")
        elif choice.digest.every != "immediate" and not category.digestible:
            yield FieldError(f"{at}/digest", "this category is told at once", "cannot_be_digested")
        seen.add(choice.category)
