"""Facts are matched with the subscriptions of those who may see what they are about, as they happen.

What matches is written down in the transaction that consumes the fact: each match is told, once or again.
"""

import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.problems import Problem
from app.fhir.elements import uuid_of
from app.fhir.registry import Asked, Query, Resource
from app.fhir.subscriptions import repository
from app.fhir.subscriptions.service.seeing import Served, asked_by, criteria_of, is_over, named, seen
from notifications.api import Notification, notify, stop_endpoint

CHANGED: Final = "fhir.changed"

Told = tuple[Any, str]
"""A fact, and the id of the resource it is about."""


async def match(session: AsyncSession, facts: Sequence[Any], served: Served) -> None:
    """Have every subscriber told of what matches its criteria and it may see now."""
    changed = _changed(facts, served)
    connection = await session.connection()
    communities = {fact.community_id for fact in facts}
    notifications: list[Notification] = []
    for row in await repository.to_be_told(connection, communities, changed):
        told = [(fact, key) for fact, key in changed[row.type] if fact.community_id == row.community_id]
        asked = await asked_by(connection, row)
        if asked is None:
            await stop_endpoint(session, row.id, "not_allowed")
        elif told:
            notifications += await _matches(session, asked, row, told, served)
    if notifications:
        await notify(session, notifications)


def _changed(facts: Sequence[Any], served: Served) -> Mapping[str, list[Told]]:
    found: defaultdict[str, list[Told]] = defaultdict(list)
    for resource in served.values():
        if resource.changes is not None:
            for fact in facts:
                if isinstance(fact, resource.changes.facts) and (key := resource.changes.key(fact)) is not None:
                    found[resource.type].append((fact, key))
    return found


async def _matches(
    session: AsyncSession, asked: Asked, row: Any, told: Sequence[Told], served: Served
) -> list[Notification]:
    """Return what is to be told; a subscription to what its client may not see any more is stopped."""
    resource = served[row.type]
    try:
        query = criteria_of(row, served)
    except Problem:  # what could be searched for once
        await stop_endpoint(session, row.id, "not_allowed")
        return []
    found: set[str] = set()
    for resident_id, keys in _by_resident(resource, query, told).items():
        resources = await seen(asked, resource, query, keys, resident_id)
        if resources is not None:
            found |= {one["id"] for one in resources}
        elif await is_over(asked, resource, query):
            await stop_endpoint(session, row.id, "not_allowed")
            return []
    return [_notification(row, fact, key) for fact, key in told if key in found]


def _by_resident(resource: Resource, query: Query, told: Sequence[Told]) -> Mapping[uuid.UUID, set[str]]:
    found: defaultdict[uuid.UUID, set[str]] = defaultdict(set)
    for fact, key in told:
        found[fact.resident_id].add(key)
    assert resource.changes is not None  # noqa: S101 - there was a fact
    if resource.changes.by_patient or named(resource, query) is not None or len(found) < 2:
        return found
    return {next(iter(found)): set().union(*found.values())}  # one search finds those of all


def _notification(row: Any, fact: Any, key: str) -> Notification:
    return Notification(
        endpoint_id=row.id,
        id=fact.id,
        community_id=fact.community_id,
        resident_id=fact.resident_id,
        object_id=uuid_of(key) or uuid.uuid5(fact.aggregate_id, key),
        occurred_at=fact.occurred_at,
        event_type=CHANGED,
        data={"type": row.type, "id": key},
    )
