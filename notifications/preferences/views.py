"""The SQL that reads what people chose about their messages."""

import uuid
from collections.abc import Iterable
from datetime import time
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.problems import NotFound
from app.identity import api as identity
from notifications.preferences.models import PREFERENCES
from notifications.preferences.rules import NOTHING_CHOSEN, Choices, DigestPeriod, QuietHours, QuietPeriod
from notifications.preferences.schemas import (
    CapPublic,
    CategoryPreference,
    DigestData,
    NotificationPreferencesPublic,
    QuietHoursData,
    QuietPeriodData,
)
from notifications.templates.categories import DIGESTS, Category, categories
from notifications.templates.texts import language_for

HOURLY = "hourly"
_CHOSEN = sa.select(PREFERENCES).where(
    PREFERENCES.c.account_id == sa.any_(sa.bindparam("account_ids", type_=ARRAY(sa.Uuid)))
)


async def choices_of(connection: AsyncConnection, account_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Choices]:
    """Return what each account chose; those who chose nothing are left out."""
    rows = await connection.execute(_CHOSEN, {"account_ids": list(account_ids)})
    return {row.account_id: _choices(row) for row in rows}


async def preferences(connection: AsyncConnection, account_id: uuid.UUID) -> NotificationPreferencesPublic:
    """Return what a person can choose and did, told in their language; version 0 if nothing ever was.

    Raises ``NotFound``.
    """
    person = (await identity.people(connection, [account_id])).get(account_id)
    if person is None:
        raise NotFound
    row = (await connection.execute(_CHOSEN, {"account_ids": [account_id]})).one_or_none()
    chosen = _choices(row) if row else NOTHING_CHOSEN
    language = language_for(person.language)
    return NotificationPreferencesPublic(
        time_zone=person.time_zone,
        quiet_hours=_quiet_public(chosen.quiet),
        categories=[_category_public(category, chosen, language) for category in choosable()],
        version=row.version if row else 0,
    )


def choosable() -> list[Category]:
    """Return the categories people are shown, by key."""
    return [category for _, category in sorted(categories().items()) if category is not DIGESTS]


def _choices(row: sa.Row[Any]) -> Choices:
    usual = _period(row.quiet_from, row.quiet_until)
    return Choices(
        muted=frozenset((category, channel) for category, _, channel in (name.rpartition(":") for name in row.muted)),
        digests={
            category: DigestPeriod(None if every == HOURLY else time.fromisoformat(every))
            for category, every in row.digests.items()
        },
        quiet=QuietHours(usual, _period(row.weekend_from, row.weekend_until)) if usual else None,
    )


def _period(begins: time | None, ends: time | None) -> QuietPeriod | None:
    return QuietPeriod(begins, ends) if begins is not None and ends is not None else None


def _quiet_public(quiet: QuietHours | None) -> QuietHoursData | None:
    if quiet is None:
        return None
    weekend = QuietPeriodData.model_validate(quiet.weekend, from_attributes=True) if quiet.weekend else None
    return QuietHoursData(begins=quiet.usual.begins, ends=quiet.usual.ends, weekend=weekend)


def _category_public(category: Category, chosen: Choices, language: str) -> CategoryPreference:
    period = chosen.digests.get(category.key)
    every = "immediate" if period is None else "daily" if period.at else HOURLY
    return CategoryPreference(
        category=category.key,
        name=category.names[language],
        can_be_muted=category.mutable,
        can_be_digested=category.digestible,
        breaks_quiet_hours=category.breaks_quiet_hours,
        cap=CapPublic(most=category.cap.most, period=category.cap.period) if category.cap else None,
        muted=sorted(channel for of, channel in chosen.muted if of == category.key),  # type: ignore[misc]  # as they came in
        digest=DigestData(every=every, at=period and period.at),  # type: ignore[arg-type]
    )
