"""Bundles of what a search found: linked to themselves and the next page, with no more of each than was asked for."""

from collections.abc import Sequence
from functools import cache
from importlib import import_module
from typing import Any
from urllib.parse import urlencode

from app.fhir.elements import SUBSETTED, Json, base_url
from app.fhir.includes import Included
from app.fhir.outcomes import issue, outcome
from app.fhir.registry import Found, Resource
from app.fhir.searching import CURSOR, Wanted


def searchset(resource: Resource, wanted: Wanted, found: Found, beside: Included, operation: str = "") -> Json:
    """Return the Bundle of a page; ``operation`` is the one that was asked instead of a search."""
    address = f"{base_url()}/{resource.type}{operation}"
    links = [{"relation": "self", "url": _url(address, wanted.used)}]
    if found.next:
        links.append({"relation": "next", "url": _url(address, [*wanted.used, (CURSOR, found.next)])})
    entries = [entry(shaped(resource, wanted, one), "match") for one in found.resources]
    entries += [entry(one, "include") for one in beside.resources]
    warnings = [
        issue("warning", "not-supported", "This was not understood and is ignored", location=[f"http.{name}"])
        for name in wanted.ignored
    ]
    if not beside.is_all:
        warnings.append(issue("warning", "incomplete", "There is more to include than is included"))
    if warnings:
        entries.append({"resource": outcome(*warnings), "search": {"mode": "outcome"}})
    bundle: Json = {"resourceType": "Bundle", "type": "searchset", "link": links}
    # An empty list is no value in FHIR.
    return bundle | ({"entry": entries} if entries else {})


def entry(resource: Json, mode: str) -> Json:
    """Return a resource as it lies in a Bundle."""
    address = f"{base_url()}/{resource['resourceType']}/{resource['id']}"
    return {"fullUrl": address, "resource": resource, "search": {"mode": mode}}


def shaped(resource: Resource, wanted: Wanted, found: Json) -> Json:
    """Return the part of a resource that was asked for, marked as such; all of it if nothing was said."""
    if wanted.elements is None and not wanted.summary:
        return found
    kept = wanted.elements if wanted.elements is not None else _summary(resource.type)
    kept |= {"resourceType", "id", "meta"} | resource.mandatory
    part = {name: value for name, value in found.items() if name.removeprefix("_") in kept}
    part["meta"] = {**part.get("meta", {}), "tag": [SUBSETTED]}
    return part


@cache
def _summary(kind: str) -> frozenset[str]:
    model: Any = getattr(import_module(f"fhir.resources.R4B.{kind.lower()}"), kind)
    return frozenset(model.summary_elements_sequence())


def _url(address: str, pairs: Sequence[tuple[str, str]]) -> str:
    return f"{address}?{urlencode(pairs)}" if pairs else address
