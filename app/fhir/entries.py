"""The entries of a batch or a transaction: each a request as it would come by itself, and how it is answered."""

import base64
import binascii
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Final, Literal

from app.core.problems import FieldError, MethodNotAllowed, Problem, UnsupportedMediaType
from app.fhir import interactions, patches
from app.fhir.elements import Json, base_url, filled, instant
from app.fhir.intake import check, checked, operations_of
from app.fhir.negotiation import Answer, Preferences, Said
from app.fhir.outcomes import of_problem
from app.fhir.problems import BadResource
from app.fhir.registry import Asked, Resource
from app.fhir.searching import Pairs, pairs_of
from app.fhir.served import BY_TYPE

MOST: Final = 200
"""So many entries one Bundle can have."""
Interaction = Literal["search", "read", "vread", "history", "create", "update", "update_found", "patch", "delete"]
_INTERACTIONS: Final[Mapping[tuple[str, int], Interaction]] = {
    ("GET", 0): "search",
    ("GET", 1): "read",
    ("GET", 2): "history",
    ("GET", 3): "vread",
    ("POST", 0): "create",
    ("PUT", 0): "update_found",
    ("PUT", 1): "update",
    ("PATCH", 1): "patch",
    ("DELETE", 1): "delete",
}
"""By the method, and how much of a path comes after the kind of resource."""
_HEADERS: Final = {
    "If-Match": "ifMatch",
    "If-None-Match": "ifNoneMatch",
    "If-Modified-Since": "ifModifiedSince",
    "If-None-Exist": "ifNoneExist",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """A request of a Bundle, understood. ``document`` is what is sent with it: a resource, or a patch's operations."""

    number: int
    interaction: Interaction
    resource: Resource
    said: Said
    key: str = ""
    version: str = ""
    pairs: Pairs = ()
    full_url: str | None = None
    document: Any = None


def entries_of(bundle: Any) -> list[Any]:
    """Return the entries of a Bundle, as they are sent; raises ``BadResource`` for what is wrong around them."""
    if not isinstance(bundle, dict) or bundle.get("resourceType") != "Bundle":
        raise BadResource(errors=[FieldError("Bundle.resourceType", "expected a Bundle", "structure")])
    if bundle.get("type") not in ("batch", "transaction"):
        raise BadResource(errors=[FieldError("Bundle.type", "batch or transaction", "value")])
    given = bundle.get("entry", [])
    if isinstance(given, list) and len(given) > MOST:
        raise BadResource(errors=[FieldError("Bundle.entry", f"at most {MOST} entries", "too-costly")])
    around = given
    if isinstance(given, list):
        for number, entry in enumerate(given):
            if not isinstance(entry, dict):
                raise BadResource(errors=[FieldError(f"Bundle.entry[{number}]", "this is no entry", "structure")])
        # What is in the entries is looked at one by one, as the requests that they are.
        around = [{name: value for name, value in entry.items() if name != "resource"} for entry in given]
    check("Bundle", bundle | ({"entry": around} if "entry" in bundle else {}))
    known: set[str] = set()
    for number, entry in enumerate(given):
        if (url := entry.get("fullUrl")) in known:
            raise BadResource(errors=[FieldError(f"Bundle.entry[{number}].fullUrl", "there is another of it", "value")])
        known |= {url} if url else set()
    return list(given)


def understood(number: int, entry: Json, preferences: Preferences) -> Entry:
    """Return what an entry asks for; raises what is wrong with it, by its place in the Bundle."""
    try:
        return _understood(number, entry, preferences)
    except Problem as problem:
        raise located(problem, number) from None


def _understood(number: int, entry: Json, preferences: Preferences) -> Entry:
    request = entry.get("request")
    if not request or "method" not in request or "url" not in request:
        raise BadResource(errors=[FieldError("Bundle.request", "with method and url", "required")])
    path, _, query = request["url"].removeprefix(f"{base_url()}/").removeprefix("/").partition("?")
    kind, *rest = path.split("/")
    resource = BY_TYPE.get(kind)
    if resource is None or any(one.startswith(("$", "_search")) or not one for one in rest):
        detail = "an interaction with a kind of resource that is served here: Type, Type/id or Type?parameters"
        raise BadResource(errors=[FieldError("Bundle.request.url", detail, "not-supported")])
    found = Entry(
        number,
        _interaction(request["method"], rest, has_query=bool(query), resource=resource),
        resource,
        _said(request, preferences),
        key=rest[0] if rest else "",
        version=rest[2] if len(rest) > 2 else "",
        pairs=pairs_of(query),
        full_url=entry.get("fullUrl"),
    )
    match found.interaction:
        case "create" | "update" | "update_found":
            return replace(found, document=checked(entry.get("resource"), resource.type))
        case "patch":
            return replace(found, document=_operations(entry.get("resource")))
    if "resource" in entry:
        raise BadResource(errors=[FieldError("Bundle.resource", "nothing is sent with this", "structure")])
    return found


def _interaction(method: str, rest: list[str], *, has_query: bool, resource: Resource) -> Interaction:
    found = _INTERACTIONS.get((method, len(rest))) if rest[1:2] in ([], ["_history"]) else None
    is_done = {
        "create": resource.create is not None and not has_query,
        "update": resource.update is not None and not has_query,
        "update_found": resource.update is not None,
        "patch": resource.update is not None and not has_query,
        "delete": resource.delete is not None and not has_query,
    }
    if found is None or not is_done.get(found, True):
        detail = f"{method} is not done here with {'/'.join([resource.type, *rest])}"
        raise MethodNotAllowed(errors=[FieldError("Bundle.request.method", detail, "not-supported")])
    return found


def _said(request: Mapping[str, str], preferences: Preferences) -> Said:
    return Said(
        preferences,
        request.get("ifMatch"),
        request.get("ifNoneMatch"),
        request.get("ifModifiedSince"),
        request.get("ifNoneExist"),
    )


def _operations(sent: Any) -> Any:
    """Return the operations of a JSON patch, which is sent as a Binary (FHIR R4, 3.1.0.7)."""
    if not isinstance(sent, dict) or sent.get("resourceType") != "Binary":
        detail = f"a Binary of {patches.MEDIA_TYPE}: FHIRPath patches are not taken"
        raise UnsupportedMediaType(errors=[FieldError("Bundle.resource", detail, "not-supported")])
    check("Binary", sent)
    if sent.get("contentType") != patches.MEDIA_TYPE:
        raise UnsupportedMediaType(errors=[FieldError("Binary.contentType", patches.MEDIA_TYPE, "not-supported")])
    try:
        body = base64.b64decode(sent.get("data", ""), validate=True)
    except (ValueError, binascii.Error):
        raise BadResource(errors=[FieldError("Binary.data", "base64", "value")]) from None
    return operations_of(body, "Binary.data")


_DOING: Final[Mapping[Interaction, Callable[[Asked, Entry], Awaitable[Answer]]]] = {
    "search": lambda asked, of: interactions.search(asked, of.resource, of.pairs, of.said),
    "read": lambda asked, of: interactions.read(asked, of.resource, of.key, of.pairs, of.said),
    "vread": lambda asked, of: interactions.read_version(asked, of.resource, of.key, of.version, of.said),
    "history": lambda asked, of: interactions.history(asked, of.resource, of.key, of.pairs),
    "create": lambda asked, of: interactions.create(asked, of.resource, of.document, of.said),
    "update": lambda asked, of: interactions.update(asked, of.resource, of.key, of.document, of.said),
    "update_found": lambda asked, of: interactions.update_found(asked, of.resource, of.pairs, of.document, of.said),
    "patch": lambda asked, of: interactions.patch(asked, of.resource, of.key, of.document, of.said),
    "delete": lambda asked, of: interactions.delete(asked, of.resource, of.key),
}


async def done(asked: Asked, entry: Entry) -> Answer:
    """Do what an entry asks for; raises as the single request would be refused."""
    return await _DOING[entry.interaction](asked, entry)


def located(problem: Problem, number: int) -> Problem:
    """Return a problem with what is wrong told by its place in the Bundle: ``Bundle.entry[3].resource.status``."""
    place = f"Bundle.entry[{number}]"
    if problem.errors:
        problem.errors = tuple(replace(one, pointer=_place(place, one.pointer)) for one in problem.errors)
    else:
        problem.errors = (FieldError(place, problem.detail or problem.title, problem.code),)
    return problem


def _place(entry: str, pointer: str) -> str:
    if pointer.startswith("Bundle.entry["):
        return pointer
    if not pointer.startswith("/"):
        kind, _, rest = pointer.partition(".")
        if kind == "Bundle":
            return f"{entry}.{rest}"
        return f"{entry}.resource.{rest}" if rest else f"{entry}.resource"
    where, _, name = pointer[1:].partition("/")
    if where == "header":
        return f"{entry}.request.{_HEADERS.get(name, name)}"
    return f"{entry}.request.url" if where in ("query", "path") else f"{entry}.resource"


def shown(answer: Answer) -> Json:
    """Return an answer as an entry of the Bundle that answers."""
    found = answer.resource
    is_outcome = found is not None and found["resourceType"] == "OperationOutcome"
    modified = answer.headers.get("Last-Modified")
    updated = found.get("meta", {}).get("lastUpdated") if found else None
    where = answer.headers.get("Location")
    return filled(
        fullUrl=_full_url(found, where),
        resource=None if is_outcome else found,
        response=filled(
            status=f"{answer.status} {HTTPStatus(answer.status).phrase}",
            location=where,
            etag=answer.headers.get("ETag"),
            lastModified=updated or (instant(parsedate_to_datetime(modified)) if modified else None),
            outcome=found if is_outcome else None,
        ),
    )


def _full_url(found: Json | None, where: str | None) -> str | None:
    if where is not None:
        return where.partition("/_history/")[0]
    if found is None or "id" not in found:
        return None
    return f"{base_url()}/{found['resourceType']}/{found['id']}"


def refused(problem: Problem) -> Answer:
    """Return the answer to an entry that is refused."""
    return Answer(problem.status, of_problem(problem.document()))
