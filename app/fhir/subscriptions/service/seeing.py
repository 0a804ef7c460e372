"""What a subscriber may see at this moment of what changed: asked as it would ask itself."""

import uuid
from collections.abc import Awaitable, Collection, Mapping
from dataclasses import replace
from typing import Any, Final, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.paging import PageRequest
from app.core.problems import Problem
from app.core.sealing import unseal
from app.fhir.elements import Json
from app.fhir.registry import Asked, Found, Query, Resource
from app.fhir.searching import kept_query
from app.fhir.subscriptions.models import CRITERIA
from app.identity.api import actor_of_client, serves_anyone

Answer = TypeVar("Answer")
Served = Mapping[str, Resource]
POINTER: Final = "Subscription.criteria"


async def asked_by(connection: AsyncConnection, row: Any) -> Asked | None:
    """Return a subscription's client as it stands now; ``None`` if it was cut off, or may do less than it could."""
    scopes = frozenset(row.scopes)
    actor = await actor_of_client(connection, row.client_id, scopes, row.app_scopes)
    return Asked(actor, connection) if actor is not None and actor.scopes == scopes else None


def criteria_of(row: Any, served: Served) -> Query:
    """Return the search a subscription is to; raises ``BadSearch`` where it is served no more."""
    return kept_query(served[row.type], unseal(row.criteria, CRITERIA).partition("?")[2], served, POINTER)


def named(resource: Resource, query: Query) -> set[str] | None:
    """Return the ids of the patients a search names; ``None`` if it is over all."""
    return query.keys(resource.compartment, "Patient") if resource.compartment else None


async def seen(
    asked: Asked, resource: Resource, query: Query, keys: Collection[str], resident_id: uuid.UUID
) -> list[Json] | None:
    """Return those of some resources of a resident's that a search finds; ``None`` where it is not allowed.

    Without a patient named, a search that can do without is asked as it is.
    """
    whose = named(resource, query)
    if whose is not None and str(resident_id) not in whose:
        return []
    assert resource.changes is not None  # noqa: S101 - nobody subscribes to others
    if whose is None and resource.changes.by_patient and resource.compartment:
        mine = {resource.compartment: frozenset({("Patient", str(resident_id))})}
        query = replace(query, references={**query.references, **mine})
    wanted = frozenset(keys) if query.ids is None else query.ids & frozenset(keys)
    if resource.parameter("_id") is None:
        read = [await _allowed(resource.read(asked, key)) for key in sorted(wanted)]
        return [one for one in read if one is not None] or None
    page = PageRequest(max(1, len(wanted)), None)
    found = await _allowed(resource.search(asked, replace(query, ids=wanted, page=page)))
    return None if found is None else found.resources


async def try_out(asked: Asked, resource: Resource, query: Query) -> Found:
    """Ask a search for nothing: raises what it cannot be asked, and what the client may not see of it.

    One that needs a patient and names none cannot be tried out.
    """
    assert resource.changes is not None  # noqa: S101 - nobody subscribes to others
    if resource.changes.by_patient and named(resource, query) is None:
        return Found([])
    return await resource.search(asked, replace(query, ids=frozenset(), page=PageRequest(1, None)))


async def is_over(asked: Asked, resource: Resource, query: Query) -> bool:
    """Say whether what a search was refused for one thing holds for all: there is nothing left to be told."""
    if await _allowed(try_out(asked, resource, query)) is None:
        return True
    (organization,) = asked.actor.memberships
    return not await serves_anyone(asked.connection, organization.organization_id)


async def _allowed(asking: Awaitable[Answer]) -> Answer | None:
    try:
        return await asking
    except Problem as refusal:
        if refusal.status >= 500:
            raise
        return None
