"""What is included beside what was searched for: along references and back, not for ever and not without end."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from app.core.paging import MAX_LIMIT, PageRequest
from app.fhir.access import reach
from app.fhir.elements import Json
from app.fhir.registry import Asked, Query, Resource, of_ids
from app.fhir.searching import Include

ROUNDS: Final = 3
"""So often includes are followed from what was included, where that is asked for."""
MOST: Final = 3 * MAX_LIMIT

Key = tuple[str, str]


@dataclass(slots=True)
class Included:
    """What was included, each once, and whether that is all there is."""

    resources: list[Json] = field(default_factory=list)
    is_all: bool = True


async def included(
    asked: Asked, matches: Sequence[Json], includes: Sequence[Include], served: Mapping[str, Resource]
) -> Included:
    """Return what ``includes`` lead to from ``matches``, of what the actor may see and the token's scopes let find."""
    found = Included()
    known = {key_of(one) for one in matches}
    fresh, wanted = list(matches), list(includes)
    for _ in range(ROUNDS):
        fresh = [one async for one in _one_round(asked, fresh, wanted, served, known, found)]
        wanted = [include for include in includes if include.iterate]
        if not fresh or not wanted:
            break
    return found


async def _one_round(
    asked: Asked,
    fresh: Sequence[Json],
    includes: Sequence[Include],
    served: Mapping[str, Resource],
    known: set[Key],
    found: Included,
) -> Any:
    """Yield what one step along ``includes`` leads to that is not known yet."""
    for one in [*await _along(asked, fresh, includes, served, known), *await _back(asked, fresh, includes, found)]:
        key = key_of(one)
        if key in known:
            continue
        if len(found.resources) >= MOST:
            found.is_all = False
            return
        known.add(key)
        found.resources.append(one)
        yield one


async def _along(
    asked: Asked,
    fresh: Sequence[Json],
    includes: Sequence[Include],
    served: Mapping[str, Resource],
    known: set[Key],
) -> list[Json]:
    keys: dict[str, dict[str, None]] = defaultdict(dict)
    for include in includes:
        if include.back:
            continue
        targets = (include.target,) if include.target else include.parameter.targets
        for one in fresh:
            if one["resourceType"] == include.source.type:
                for kind, key in references(one, include.parameter.elements):
                    if (
                        kind in targets
                        and kind in served
                        and (kind, key) not in known
                        and reach(asked.actor, kind, "s")
                    ):
                        keys[kind][key] = None
    return [one for kind, wanted in keys.items() for one in await of_ids(served[kind], asked, list(wanted)[:MOST])]


async def _back(asked: Asked, fresh: Sequence[Json], includes: Sequence[Include], found: Included) -> list[Json]:
    resources: list[Json] = []
    for include in includes:
        if not include.back or not reach(asked.actor, include.source.type, "s"):
            continue
        keys = {key_of(one) for one in fresh if one["resourceType"] in include.parameter.targets}
        if not keys:
            continue
        query = Query(references={include.parameter.name: frozenset(keys)}, page=PageRequest(MAX_LIMIT, None))
        page = await include.source.search(asked, query)
        found.is_all = found.is_all and page.next is None
        resources += page.resources
    return resources


def key_of(resource: Json) -> Key:
    """Return what a resource is known by."""
    return resource["resourceType"], resource["id"]


def references(resource: Json, elements: Sequence[str]) -> Iterator[Key]:
    """Yield what some elements of a resource refer to, at any depth."""
    waiting: list[Any] = [resource[name] for name in elements if name in resource]
    while waiting:
        match waiting.pop():
            case dict() as element:
                kind, _, rest = str(element.get("reference", "")).partition("/")
                # What refers to a version of something leads to what became of it.
                if key := rest.partition("/")[0]:
                    yield kind, key
                waiting += element.values()
            case list() as several:
                waiting += several
