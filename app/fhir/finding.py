"""Searches done: narrowed to what searches within them lead to, and counted where that is wanted."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from app.core.paging import MAX_LIMIT, PageRequest
from app.fhir.elements import Json
from app.fhir.includes import references
from app.fhir.problems import bad_parameter
from app.fhir.registry import Asked, Found, Parameter, Query, Resource
from app.fhir.searching import Chain, Wanted, within

MOST_CHAINED: Final = 2 * MAX_LIMIT
"""To so many resources a search within a search may lead."""
MOST_COUNTED: Final = 10 * MAX_LIMIT
_PAGES: Final = 5
"""So many pages are looked through for one: what was left out makes it shorter, and it may end short."""


async def find(asked: Asked, resource: Resource, wanted: Wanted) -> Found:
    """Return what a search finds of what the actor may see; raises ``BadSearch``, and what its kind's search raises."""
    query = await _narrowed(asked, resource, wanted)
    if query is None:
        return Found([], total=0 if wanted.is_counted or wanted.summary == "count" else None)
    if wanted.summary == "count":
        return Found([], total=await _count(asked, resource, query, wanted.missing))
    found = await _page(asked, resource, query, wanted.missing)
    if not wanted.is_counted:
        return found
    if query.page.cursor is None and found.next is None:
        return replace(found, total=len(found.resources))
    return replace(found, total=await _count(asked, resource, query, wanted.missing))


async def find_few(asked: Asked, resource: Resource, wanted: Wanted, most: int) -> list[Json] | None:
    """Return all that a search finds; ``None`` if that is more than ``most``."""
    query = await _narrowed(asked, resource, wanted)
    if query is None:
        return []
    return await _all(asked, resource, query, wanted.missing, most)


async def _narrowed(asked: Asked, resource: Resource, wanted: Wanted) -> Query | None:
    """Return a search with what those within it lead to; ``None`` where one leads to nothing."""
    query = wanted.query
    for chain in wanted.chains:
        with within(chain.name):
            found = await find_few(asked, chain.other, chain.wanted, MOST_CHAINED)
        if found is None:
            raise bad_parameter(chain.name, f"this leads to more than {MOST_CHAINED}: narrow it", "too-costly")
        narrowed = _behind(query, resource, chain, found) if chain.back else _along(query, chain, found)
        if narrowed is None:
            return None
        query = narrowed
    return query


def _along(query: Query, chain: Chain, found: Sequence[Json]) -> Query | None:
    """Return a search for what refers to one of those found."""
    parameter, kind = chain.parameter, chain.other.type
    known = query.references.get(parameter.name, frozenset())
    keys = {(kind, one["id"]) for one in found}
    named = {key for key in known if key[0] == kind}
    if named or (parameter.name in query.references and len(parameter.targets) == 1):
        keys &= named
    if not keys:
        return None
    if len(keys) > 1 and not parameter.many:
        raise bad_parameter(chain.name, f"this leads to {len(keys)}, and one at a time can be asked for", "too-costly")
    return replace(query, references={**query.references, parameter.name: frozenset((known - named) | keys)})


def _behind(query: Query, resource: Resource, chain: Chain, found: Sequence[Json]) -> Query | None:
    """Return a search for what one of those found refers to."""
    keys = {key for one in found for kind, key in references(one, chain.parameter.elements) if kind == resource.type}
    ids = keys if query.ids is None else keys & query.ids
    return replace(query, ids=frozenset(ids)) if ids else None


async def _page(asked: Asked, resource: Resource, query: Query, missing: Sequence[tuple[Parameter, bool]]) -> Found:
    if not missing:
        return await resource.search(asked, query)
    kept: list[Json] = []
    page = query.page
    for _ in range(_PAGES):
        found = await resource.search(asked, replace(query, page=page))
        kept += [one for one in found.resources if _is_wanted(one, missing)]
        page = PageRequest(query.page.limit - len(kept), found.next)
        if found.next is None or page.limit == 0:
            break
    return Found(kept, page.cursor)


async def _all(
    asked: Asked, resource: Resource, query: Query, missing: Sequence[tuple[Parameter, bool]], most: int
) -> list[Json] | None:
    kept: list[Json] = []
    seen = 0
    page = PageRequest(min(MAX_LIMIT, most + 1), None)
    while True:
        found = await resource.search(asked, replace(query, page=page))
        kept += [one for one in found.resources if _is_wanted(one, missing)]
        seen += len(found.resources)
        if seen > most or (seen == most and found.next is not None):
            return None
        if found.next is None:
            return kept
        page = replace(page, cursor=found.next)


async def _count(asked: Asked, resource: Resource, query: Query, missing: Sequence[tuple[Parameter, bool]]) -> int:
    found = await _all(asked, resource, query, missing, MOST_COUNTED)
    if found is None:
        raise bad_parameter("_total", f"there are more than {MOST_COUNTED}, which are not counted", "too-costly")
    return len(found)


def _is_wanted(one: Json, missing: Sequence[tuple[Parameter, bool]]) -> bool:
    return all(_says(one, parameter) is not is_missing for parameter, is_missing in missing)


def _says(one: Json, parameter: Parameter) -> bool:
    if parameter.kind == "reference":
        return any(kind in parameter.targets for kind, _ in references(one, parameter.elements))
    return any(name in one for name in parameter.elements)
