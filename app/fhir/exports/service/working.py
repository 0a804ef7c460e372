"""An export is worked on, a resident and some pages at a time, as its client could ask for them at that moment.

What is read is written behind what counts of its file, and counts with the commit that moves the export on: whatever
breaks off in between is read and written once more, to the same place.
"""

import uuid
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core import audit, clock, failures, stopping
from app.core.access import Actor
from app.core.database import reading, unit_of_work
from app.core.due import drain
from app.core.leases import Held
from app.core.paging import MAX_LIMIT, PageRequest
from app.core.problems import Problem
from app.core.sealing import unseal
from app.fhir.elements import Json
from app.fhir.exports import repository, views
from app.fhir.exports.models import REQUEST
from app.fhir.exports.repository import EXPIRED, LEASE, Place
from app.fhir.exports.rules import Order, Piece, next_try
from app.fhir.exports.service.ordering import PATIENT, Served, query_of
from app.fhir.registry import Asked, Found, Query, Range, Resource
from app.identity.api import PROFILE_READ, actor_of_client, agreed_scopes
from app.media.api import add_sealed

TURN: Final = 200
"""Steps of one export until others have their turn."""

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Step:
    """What one step found of a resident, and where the next one begins."""

    resident_id: uuid.UUID
    actor: Actor
    scopes: frozenset[str]
    found: dict[str, list[Json]] = field(default_factory=lambda: defaultdict(list))
    next: Place = field(default_factory=Place)
    is_through: bool = True


async def run(served: Served) -> int:
    """Work on the export that waited longest for as long as its turn is; return how many steps that was."""
    async with LEASE.holding(1) as held:
        for one in held:
            return await _turn(one, served)
    return 0


async def expire() -> int:
    """Remove the exports whose time is over, with their files; return how many."""
    return await drain(EXPIRED, repository.expire)


async def _turn(held: Held, served: Served) -> int:
    for steps in range(TURN):
        if stopping.requested():
            return steps
        try:
            if not await _step(held, served):
                return steps + 1
        except Exception as error:
            if failures.is_excused(error):
                raise
            log.error("export_failed", error=failures.code_of(error), place=failures.place_of(error))  # noqa: TRY400 - a traceback may hold data
            await _put_off(held)
            return steps + 1
    return TURN


async def _put_off(held: Held) -> None:
    async with reading() as connection:
        row = await views.next_of(connection, held.id)
    if row is None:
        return
    again_at = next_try(row.failures + 1, clock.now())
    async with unit_of_work() as session:
        if again_at is None:
            await repository.fail(session, held, "failing")
        else:
            await repository.put_off(session, held, again_at)


async def _step(held: Held, served: Served) -> bool:
    """Read and write what is next; return whether there may be more."""
    async with reading() as connection:
        row = await views.next_of(connection, held.id)
        if row is None:
            return False
        actor = await actor_of_client(connection, row.client_id, frozenset(row.scopes), row.app_scopes)
        cut_off = actor is None or actor.scopes != frozenset(row.scopes)
        step = None if cut_off or row.resident_id is None else await _look(connection, row, actor, served)  # type: ignore[arg-type]  # there is one where nothing is cut off
    if step is not None:
        return await _store(held, step)
    async with unit_of_work() as session:
        if cut_off:
            await repository.fail(session, held, "cut_off")
        else:
            await repository.complete(session, held)
    return False


async def _look(connection: AsyncConnection, row: Any, actor: Actor, served: Served) -> _Step:
    """Return what there is of the resident who is next, up to a page of resources or a little more."""
    agreed = (await agreed_scopes(connection, row.organization_id, [row.resident_id]))[row.resident_id]
    step = _Step(row.resident_id, actor, agreed & (actor.scopes or frozenset()))
    if PROFILE_READ not in step.scopes:
        return step
    order, asked = Order.read(unseal(row.request, REQUEST)), Asked(actor, connection)
    place, count = Place(row.kind, row.cursor), 0
    while place.kind < len(order.types):
        if count >= MAX_LIMIT:
            step.next, step.is_through = place, False
            break
        kind = order.types[place.kind]
        found = await _page(asked, served[kind], _query(order, served, kind, row.resident_id, place.cursor))
        step.found[kind] += found.resources
        count += len(found.resources)
        place = Place(place.kind, found.next) if found.next else Place(place.kind + 1)
    return step


async def _page(asked: Asked, resource: Resource, query: Query | None) -> Found:
    """Return a page of what the client may see; nothing where it may see nothing."""
    if query is None:
        return Found([])
    try:
        return await resource.search(asked, query)
    except Problem as refusal:
        if refusal.status not in (403, 404):
            raise
        return Found([])


def _query(order: Order, served: Served, kind: str, resident_id: uuid.UUID, cursor: str | None) -> Query | None:
    """Return the search for one kind of a resident's resources; ``None`` if its filter means others."""
    resource = served[kind]
    query = query_of(served, kind, order.filters[kind]) if kind in order.filters else Query()
    dates = dict(query.dates)
    if order.since is not None and resource.parameter("_lastUpdated") is not None:
        before = dates.get("_lastUpdated", Range())
        dates["_lastUpdated"] = Range(max(order.since, before.since or order.since), before.before)
    query = replace(query, dates=dates, page=PageRequest(MAX_LIMIT, cursor))
    if kind != PATIENT:
        whose: Mapping[str, frozenset[tuple[str, str]]] = {
            str(resource.compartment): frozenset({(PATIENT, str(resident_id))})
        }
        return replace(query, references={**query.references, **whose})
    if query.ids is not None and str(resident_id) not in query.ids:
        return None
    return replace(query, ids=frozenset({str(resident_id)}))


async def _store(held: Held, step: _Step) -> bool:
    """Write what was found and move the export on, unless it is ours no longer; return whether it was."""
    kinds = [kind for kind, found in step.found.items() if found]
    async with unit_of_work() as session:
        files = await repository.open_files(session, held, kinds)
    async with unit_of_work() as session:
        if not await repository.advance(session, held, step.next, is_through=step.is_through):
            return False
        was_written = await repository.is_written(session, held.id, step.resident_id)
        if kinds and was_written is not None:  # who was erased meanwhile is not written
            if not was_written:
                whose = step.resident_id
                await audit.record(session, step.actor, "bulk_export:read", resident_id=whose, object_id=held.id)
            for kind in kinds:
                await _write(session, *files[kind], Piece.of(step.resident_id, step.scopes, step.found[kind]))
        await repository.note_resident(
            session, held.id, step.resident_id, has_written=bool(kinds), is_through=step.is_through
        )
    return True


async def _write(session: AsyncSession, file_id: uuid.UUID, size: int, piece: Piece) -> None:
    size = await add_sealed(file_id, size, piece.written())
    await repository.note_grown(session, file_id, size, piece.lines.count(b"\n"))
