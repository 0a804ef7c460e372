"""``Patient/$everything``: all that is known of a patient, kind by kind, as far as whoever asks may see it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from app.core.paging import PageRequest, decode_cursor, encode_cursor
from app.core.problems import FieldError, Forbidden, NotFound
from app.fhir import interactions, values
from app.fhir.bundles import entry, linked
from app.fhir.bundles import ignored as not_understood
from app.fhir.elements import Json, base_url
from app.fhir.includes import included
from app.fhir.outcomes import issue, outcome
from app.fhir.problems import BadSearch, bad_parameter
from app.fhir.registry import Asked, Query, Range, Resource
from app.fhir.searching import CURSOR, Handling, Include, Pairs, page_of
from app.fhir.served import BY_TYPE, RESOURCES

DEFINITION: Final = "http://hl7.org/fhir/OperationDefinition/Patient-everything"
_CURSOR: Final = "fhir.everything"
PATIENT: Final = BY_TYPE["Patient"]
_KINDS: Final = (PATIENT, *(resource for resource in RESOURCES if resource.compartment))
_KNOWN: Final = frozenset({"start", "end", "_since", "_type", "_count", CURSOR, "_format", "_pretty"})


@dataclass(slots=True)
class _Page:
    """What a page has of everything, what is to be said of it, and where the next one goes on."""

    resources: list[Json] = field(default_factory=list)
    issues: list[Json] = field(default_factory=list)
    next: str | None = None


async def everything(asked: Asked, key: str, pairs: Pairs, handling: Handling) -> Json:
    """Return a page of all that is known of a patient; raises ``NotFound``, ``BadSearch``.

    Each kind is read as its own search is. What may not be seen is left out, which an outcome says.
    """
    unknown = [name for name, _ in pairs if name not in _KNOWN]
    if unknown and handling == "strict":
        raise BadSearch(
            errors=[FieldError(f"/query/{name}", "this is not known here", "not-supported") for name in unknown]
        )
    given = {name: value for name, value in pairs if name in _KNOWN}
    if "_type" in given:
        given["_type"] = ",".join(value for name, value in pairs if name == "_type")
    kinds = _kinds(given.get("_type"))
    care, since = await _times(asked, given)
    page = await _page(asked, key, kinds, page_of(pairs), care, since)
    beside = await included(asked, page.resources, _around(kinds), BY_TYPE)
    page.issues += map(not_understood, unknown)
    entries = [entry(one, "match") for one in page.resources]
    entries += [entry(one, "include") for one in beside.resources]
    if page.issues:
        entries.append({"resource": outcome(*page.issues), "search": {"mode": "outcome"}})
    used = [(name, value) for name, value in given.items() if name != CURSOR]
    return linked("searchset", f"{base_url()}/Patient/{key}/$everything", used, page.next, entries)


def _kinds(wanted: str | None) -> Sequence[Resource]:
    if wanted is None:
        return _KINDS
    named = set(values.listed("_type", wanted))
    if unknown := sorted(named - BY_TYPE.keys()):
        raise bad_parameter("_type", f"{unknown[0]} is not served here", "not-supported")
    return [kind for kind in _KINDS if kind.type in named]


async def _times(asked: Asked, given: dict[str, str]) -> tuple[Range, Range]:
    """Return when what is wanted happened, and when it last changed."""
    found: dict[str, Range] = {}
    times = [value for name, value in given.items() if name in ("start", "end", "_since")]
    zone = await interactions.zone_of(asked, is_needed=any(map(values.needs_zone, times)))
    for name, prefix in (("start", "ge"), ("end", "le"), ("_since", "ge")):
        if name in given:
            found[name] = values.date_range(name, f"{prefix}{given[name]}", zone)
    start, end = found.get("start", Range()), found.get("end", Range())
    return values.meet("end", start, end), found.get("_since", Range())


async def _page(
    asked: Asked, key: str, kinds: Sequence[Resource], page: PageRequest, care: Range, since: Range
) -> _Page:
    begin, cursor = decode_cursor(_CURSOR, page.cursor) if page.cursor else ("", None)
    made = _Page()
    # Whoever may not know of the patient is told nothing; their other things may be seen where the profile may not.
    own = await _patient(asked, key)
    types = [kind.type for kind in kinds]
    for kind in kinds[types.index(begin) if begin in types else 0 :]:
        left = page.limit - len(made.resources)
        if left == 0:
            made.next = encode_cursor(_CURSOR, [kind.type, None])
            break
        if kind is PATIENT:
            made.resources += [own] if own and not _is_older(own, since) else []
            made.issues += [] if own else [_left_out(PATIENT)]
            continue
        query = replace(_query(kind, key, care, since), page=PageRequest(left, cursor))
        cursor = None
        try:
            found = await kind.search(asked, query)
        except (Forbidden, NotFound):
            made.issues.append(_left_out(kind))
            continue
        made.resources += found.resources
        if found.next is not None:
            made.next = encode_cursor(_CURSOR, [kind.type, found.next])
            break
    return made


async def _patient(asked: Asked, key: str) -> Json | None:
    try:
        return await PATIENT.read(asked, key)
    except Forbidden:
        return None


def _left_out(kind: Resource) -> Json:
    return issue("information", "suppressed", f"{kind.type}: you may not see this, and it is left out")


def _is_older(one: Json, since: Range) -> bool:
    at = one.get("meta", {}).get("lastUpdated")
    return since.since is not None and at is not None and datetime.fromisoformat(at) < since.since


def _query(kind: Resource, key: str, care: Range, since: Range) -> Query:
    """Return the search for what is wanted of a kind: what tells no time is wanted whenever it was."""
    assert kind.compartment is not None  # noqa: S101 - what the kinds were chosen by
    dates = {"_lastUpdated": since} if kind.parameter("_lastUpdated") and since != Range() else {}
    happened = next((one.name for one in kind.parameters if one.kind == "date" and one.name != "_lastUpdated"), None)
    if happened is not None and care != Range():
        dates[happened] = care
    return Query(references={kind.compartment: frozenset({("Patient", key)})}, dates=dates)


def _around(kinds: Sequence[Resource]) -> list[Include]:
    """Return what is included beside: who and what of the directory they refer to."""
    personal = {kind.type for kind in _KINDS}
    return [
        Include(kind, parameter, target, back=False, iterate=False)
        for kind in kinds
        for parameter in kind.parameters
        if parameter.kind == "reference" and parameter.elements
        for target in parameter.targets
        if target not in personal
    ]
