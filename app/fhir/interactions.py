"""The interactions of FHIR's REST API with one kind of resource, as they are asked for over HTTP or in a Bundle."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import tzinfo
from typing import Any, Final

from app.core.problems import FieldError, Malformed, NotFound, StaleVersion
from app.core.routing import version_of
from app.core.turns import take_turns
from app.core.wall_time import zone
from app.fhir import bundles, intake, searching
from app.fhir.elements import Json
from app.fhir.finding import find, find_few
from app.fhir.includes import included
from app.fhir.negotiation import Answer, Said, location, of_resource, version_headers, written
from app.fhir.patches import patched
from app.fhir.problems import BadSearch, SeveralMatch, not_processable
from app.fhir.registry import Asked, Resource
from app.fhir.searching import Handling, Pairs, Wanted
from app.fhir.served import BY_TYPE
from app.identity.api import community

MOST_PARAMETERS: Final = 100
_SHAPING: Final = frozenset({"_elements", "_summary", "_format", "_pretty"})


async def search(asked: Asked, resource: Resource, pairs: Pairs, said: Said) -> Answer:
    """Return the Bundle of what a search finds; raises ``BadSearch``."""
    wanted = await _understood(asked, resource, pairs, said.preferences.handling)
    found = await find(asked, resource, wanted)
    beside = await included(asked, found.resources, wanted.includes, BY_TYPE)
    return Answer(200, bundles.searchset(resource, wanted, found, beside))


async def _understood(asked: Asked, resource: Resource, pairs: Pairs, handling: Handling) -> Wanted:
    if len(pairs) > MOST_PARAMETERS:
        raise Malformed(errors=[FieldError("/query", f"at most {MOST_PARAMETERS} parameters", "too_many")])
    on_wall = await zone_of(asked, is_needed=searching.needs_zone(resource, pairs))
    return searching.understand(resource, pairs, handling=handling, zone=on_wall, served=BY_TYPE)


async def zone_of(asked: Asked, *, is_needed: bool = True) -> tzinfo:
    """Return on whose wall times without an offset are: the community's; not looked up where nothing is told so."""
    if not is_needed:
        return zone("UTC")
    return zone((await community(asked.connection, asked.actor.community_id)).time_zone)


async def read(asked: Asked, resource: Resource, key: str, pairs: Pairs, said: Said) -> Answer:
    """Return a resource, or that the client has it."""
    shaping = [pair for pair in pairs if pair[0] in _SHAPING]
    wanted = searching.understand(resource, shaping, handling="lenient", zone=zone("UTC"), served=BY_TYPE)
    if wanted.summary == "count":
        raise BadSearch(errors=[FieldError("/query/_summary", "a resource is not counted", "value")])
    found = await resource.read(asked, key)
    return of_resource(said, found, bundles.shaped(resource, wanted, found))


async def read_version(asked: Asked, resource: Resource, key: str, version: str, said: Said) -> Answer:
    """Return a version of a resource; raises ``NotFound`` also where none are kept."""
    if resource.read_version is None or not version.isdecimal() or len(version) > 9:
        raise NotFound
    return of_resource(said, await resource.read_version(asked, key, int(version)))


async def history(asked: Asked, resource: Resource, key: str, pairs: Pairs) -> Answer:
    """Return a page of a resource's versions, the last first; raises ``NotFound`` where none are kept."""
    if resource.history is None:
        raise NotFound
    page = searching.page_of(pairs)
    return Answer(200, bundles.history(resource, key, page, await resource.history(asked, key, page)))


async def create(asked: Asked, resource: Resource, document: Json, said: Said) -> Answer:
    """Create a resource; with ``If-None-Exist`` only where its search finds none, however many ask at once."""
    assert resource.create is not None  # noqa: S101 - its callers ask
    if said.if_none_exist is not None:
        wanted = await criteria(asked, resource, searching.pairs_of(said.if_none_exist), "/header/If-None-Exist")
        await take_turns(asked.writing, [turn(asked, resource, wanted)])
        known = await the_one(asked, resource, wanted, "/header/If-None-Exist")
        if known is not None:
            headers = {**version_headers(known), "Location": location(known)}
            return Answer(200, None if said.preferences.answer == "minimal" else known, headers)
    return written(said, await resource.create(asked, document), created=True)


@contextmanager
def _told_at(place: str) -> Iterator[None]:
    """Tell what is wrong with a search by where it was sent."""
    try:
        yield
    except BadSearch as refusal:
        if place != "/query":
            refusal.errors = tuple(
                replace(one, pointer=place, detail=f"{one.pointer.removeprefix('/query/')}: {one.detail}")
                for one in refusal.errors
            )
        raise


async def criteria(asked: Asked, resource: Resource, pairs: Pairs, place: str) -> Wanted:
    """Return a search that a write depends on; raises ``BadSearch`` also for what is not known, and for none at all."""
    if not pairs:
        raise BadSearch(errors=[FieldError(place, "search parameters, as after the question mark", "required")])
    shaping = [name for name, _ in pairs if name.startswith("_") and name.partition(":")[0] not in _NARROWING]
    if shaping:
        raise BadSearch(errors=[FieldError(place, f"{shaping[0]} does not narrow a search", "not-supported")])
    with _told_at(place):
        return await _understood(asked, resource, pairs, "strict")


_NARROWING: Final = frozenset({"_id", "_lastUpdated", "_has"})


def turn(asked: Asked, resource: Resource, wanted: Wanted) -> str:
    """Return what those who ask for the same take turns by, in whatever order and words they ask."""
    return f"fhir:{asked.actor.community_id}:{resource.type}:{_canonical(wanted)}"


def _canonical(wanted: Wanted) -> str:
    query = wanted.query
    parts: list[Any] = [
        sorted((name, sorted(map(repr, found))) for name, found in query.tokens.items()),
        sorted((name, sorted(found)) for name, found in query.references.items()),
        sorted((name, repr(found)) for name, found in query.dates.items()),
        sorted(query.strings.items()),
        sorted(query.ids or ()),
        sorted((parameter.name, is_missing) for parameter, is_missing in wanted.missing),
        sorted((chain.name, _canonical(chain.wanted)) for chain in wanted.chains),
    ]
    return repr(parts)


async def the_one(asked: Asked, resource: Resource, wanted: Wanted, place: str) -> Json | None:
    """Return what a search finds, if anything; raises ``SeveralMatch`` where it finds several."""
    with _told_at(place):
        found = await find_few(asked, resource, wanted, 1)
    if found is None:
        raise SeveralMatch(
            errors=[FieldError(place, f"several {resource.type}s are found by this", "multiple-matches")]
        )
    return found[0] if found else None


async def update(asked: Asked, resource: Resource, key: str, document: Json, said: Said) -> Answer:
    """Update a resource; raises ``Malformed`` for another one's document, ``StaleVersion``."""
    assert resource.update is not None  # noqa: S101 - its callers ask
    if document.get("id") != key:
        raise Malformed(errors=[FieldError(f"{resource.type}.id", "not the id in the address", "value")])
    found = await resource.update(asked, key, document, version_of(said.if_match))
    return written(said, found, created=False)


async def update_found(asked: Asked, resource: Resource, pairs: Pairs, document: Json, said: Said) -> Answer:
    """Update the one resource a search finds, or create it where there is none (FHIR R4, 3.1.0.5)."""
    wanted = await criteria(asked, resource, pairs, "/query")
    await take_turns(asked.writing, [turn(asked, resource, wanted)])
    known = await the_one(asked, resource, wanted, "/query")
    if known is not None:
        answer = await update(asked, resource, known["id"], {"id": known["id"], **document}, said)
        return Answer(answer.status, answer.resource, {**answer.headers, "Location": location(known)})
    if resource.create is None:
        raise NotFound
    if "id" in document:
        raise not_processable(f"{resource.type}.id", "none is found, and ids are given here: leave it out", "value")
    return written(said, await resource.create(asked, document), created=True)


async def delete(asked: Asked, resource: Resource, key: str) -> Answer:
    """Delete a resource; raises ``NotFound``."""
    assert resource.delete is not None  # noqa: S101 - its callers ask
    await resource.delete(asked, key)
    return Answer(204)


async def patch(asked: Asked, resource: Resource, key: str, operations: Any, said: Said) -> Answer:
    """Change a resource by a JSON patch of what it is now; raises ``StaleVersion`` if it changes meanwhile."""
    now = await resource.read(asked, key)
    version = now.get("meta", {}).get("versionId")
    wanted = version_of(said.if_match)
    if wanted is not None and version is not None and str(wanted) != version:
        raise StaleVersion
    document = patched(now, operations)
    intake.check(resource.type, document)
    if_match = said.if_match if version is None else f'W/"{version}"'
    return await update(asked, resource, key, document, Said(said.preferences, if_match=if_match))
