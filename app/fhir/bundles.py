"""Bundles of what a search found: linked to themselves and the next page, with no more of each than was asked for."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from functools import cache
from importlib import import_module
from typing import Any
from urllib.parse import urlencode

from app.core.paging import PageRequest
from app.fhir.elements import SUBSETTED, Json, base_url, filled
from app.fhir.includes import Included
from app.fhir.outcomes import issue, outcome
from app.fhir.registry import Found, Resource
from app.fhir.searching import CURSOR, Wanted


def searchset(resource: Resource, wanted: Wanted, found: Found, beside: Included, operation: str = "") -> Json:
    """Return the Bundle of a page; ``operation`` is the one that was asked instead of a search."""
    entries = [entry(shaped(resource, wanted, one), "match") for one in found.resources]
    entries += [entry(one, "include") for one in beside.resources]
    warnings = [ignored(name) for name in wanted.ignored]
    if not beside.is_all:
        warnings.append(issue("warning", "incomplete", "There is more to include than is included"))
    if warnings:
        entries.append({"resource": outcome(*warnings), "search": {"mode": "outcome"}})
    address = f"{base_url()}/{resource.type}{operation}"
    return linked("searchset", address, wanted.used, found.next, entries, total=found.total)


def ignored(name: str) -> Json:
    """Return the issue that a parameter was not understood."""
    return issue("warning", "not-supported", "This was not understood and is ignored", location=[f"http.{name}"])


def history(resource: Resource, key: str, page: PageRequest, found: Found) -> Json:
    """Return the Bundle of a page of one resource's versions, the last first."""
    address = f"{base_url()}/{resource.type}/{key}/_history"
    used = [("_count", str(page.limit))]
    return linked("history", address, used, found.next, [_version(one) for one in found.resources])


def linked(
    kind: str,
    address: str,
    used: Sequence[tuple[str, str]],
    cursor: str | None,
    entries: list[Json],
    *,
    total: int | None = None,
) -> Json:
    """Return a Bundle of a page that is linked to itself, and to the next one if there is one."""
    links = [{"relation": "self", "url": _url(address, used)}]
    if cursor:
        links.append({"relation": "next", "url": _url(address, [*used, (CURSOR, cursor)])})
    # An empty list is no value in FHIR.
    return filled(resourceType="Bundle", type=kind, total=total, link=links, entry=entries)


def _version(resource: Json) -> Json:
    """Return a version as it lies in a history: with the request that made it (FHIR R4, 3.1.0.9)."""
    kind, key, known = resource["resourceType"], resource["id"], resource["meta"]
    is_first = known["versionId"] == "1"
    return {
        "fullUrl": f"{base_url()}/{kind}/{key}",
        "resource": resource,
        "request": {"method": "POST", "url": kind} if is_first else {"method": "PUT", "url": f"{kind}/{key}"},
        "response": {
            "status": "201 Created" if is_first else "200 OK",
            "etag": f'W/"{known["versionId"]}"',
            "lastModified": known["lastUpdated"],
        },
    }


def entry(resource: Json, mode: str) -> Json:
    """Return a resource as it lies in a Bundle."""
    address = f"{base_url()}/{resource['resourceType']}/{resource['id']}"
    return {"fullUrl": address, "resource": resource, "search": {"mode": mode}}


def shaped(resource: Resource, wanted: Wanted, found: Json) -> Json:
    """Return the part of a resource that was asked for, marked as such; all of it if nothing was said."""
    kept = _kept(resource, wanted, found)
    if kept is None:
        return found
    kept = kept | {"resourceType", "id", "meta"} | resource.mandatory
    part = {name: value for name, value in found.items() if name.removeprefix("_") in kept}
    known = part.get("meta", {})
    part["meta"] = {**known, "tag": [*known.get("tag", []), SUBSETTED]}
    return part


def _kept(resource: Resource, wanted: Wanted, found: Json) -> AbstractSet[str] | None:
    if wanted.elements is not None:
        return wanted.elements
    match wanted.summary:
        case "true":
            return _summary(resource.type)
        case "text":
            return {"text"}
        case "data":
            return found.keys() - {"text"}
    return None


@cache
def _summary(kind: str) -> frozenset[str]:
    model: Any = getattr(import_module(f"fhir.resources.R4B.{kind.lower()}"), kind)
    return frozenset(model.summary_elements_sequence())


def _url(address: str, pairs: Sequence[tuple[str, str]]) -> str:
    return f"{address}?{urlencode(pairs)}" if pairs else address
