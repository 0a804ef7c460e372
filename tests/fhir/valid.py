"""Holds what is answered against FHIR's own models, as public clients have them."""

from collections.abc import Iterator
from importlib import import_module
from typing import Any

import httpx

from app.fhir.outcomes import MEDIA_TYPE

Json = dict[str, Any]


def valid(answer: httpx.Response, status: int = 200) -> Json:
    """Return the resource of an answer, which is one of FHIR's in all its parts."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == MEDIA_TYPE
    document: Json = answer.json()
    check(document)
    return document


def check(document: Json) -> None:
    """Hold a resource, and those within a Bundle, against their models; nothing in them is empty."""
    kind = document["resourceType"]
    model = getattr(import_module(f"fhir.resources.R4B.{kind.lower()}"), kind)
    model.model_validate(document)
    assert not list(empty(document)), document
    for entry in document.get("entry", []):
        if "resource" in entry:
            check(entry["resource"])
        if "outcome" in entry.get("response", {}):
            check(entry["response"]["outcome"])


def empty(value: Any, path: str = "") -> Iterator[str]:
    """Yield the paths of what holds nothing, which FHIR's JSON must not have."""
    match value:
        case _ if value is None or value in ("", [], {}):
            yield path
        case dict():
            for name, item in value.items():
                yield from empty(item, f"{path}.{name}")
        case list():
            for index, item in enumerate(value):
                yield from empty(item, f"{path}[{index}]")


def resources(bundle: Json, mode: str = "match") -> list[Json]:
    """Return the resources of a Bundle that are in it as matches, or as included."""
    return [entry["resource"] for entry in bundle.get("entry", []) if entry["search"]["mode"] == mode]


def link(bundle: Json, relation: str) -> str | None:
    """Return an address of a Bundle's."""
    return next((one["url"] for one in bundle["link"] if one["relation"] == relation), None)


def refused(answer: httpx.Response, status: int) -> list[Json]:
    """Return the issues of a refusal."""
    document = valid(answer, status)
    assert document["resourceType"] == "OperationOutcome"
    issues: list[Json] = document["issue"]
    return issues
