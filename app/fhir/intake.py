"""Bodies that are sent, held against FHIR's own models: what is wrong is told by its FHIRPath."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from functools import cache
from importlib import import_module
from typing import Any, Final

import orjson
from fastapi import Request
from pydantic import ValidationError

from app.core.problems import FieldError, UnsupportedMediaType
from app.fhir import patches
from app.fhir.elements import FIRST_YEAR, LAST_YEAR, Json
from app.fhir.negotiation import check_content
from app.fhir.outcomes import fhir_path
from app.fhir.problems import BadResource, not_processable

_MOST_ERRORS: Final = 50
_DEEPEST: Final = 40
"""No resource that is taken here needs half of it; the models call themselves once or more for every level."""


@cache
def _model(kind: str) -> Any:
    """Return the model of a kind; loaded when it is first needed, as it takes its time."""
    return getattr(import_module(f"fhir.resources.R4B.{kind.lower()}"), kind)


async def sent(request: Request, kind: str) -> Json:
    """Return the resource in the body; raises ``UnsupportedMediaType``, ``BadResource``."""
    check_content(request)
    return checked(parsed(await request.body(), kind), kind)


def parsed(body: bytes, what: str) -> Any:
    """Return what JSON says; raises ``BadResource``."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadResource(errors=[FieldError(what, f"not JSON: {error}", "structure")]) from None


def loaded(body: bytes, kind: str) -> Json:
    """Return the document in a body; raises ``BadResource`` for one that does not say that it is of the kind."""
    return _of_kind(parsed(body, kind), kind)


def checked(document: Any, kind: str) -> Json:
    """Return a document that is a resource of the kind; raises ``BadResource``."""
    found = _of_kind(document, kind)
    check(kind, found)
    return found


def _of_kind(document: Any, kind: str) -> Json:
    if not isinstance(document, dict) or document.get("resourceType") != kind:
        raise BadResource(errors=[FieldError(f"{kind}.resourceType", f"expected a {kind}", "structure")])
    return document


async def sent_parameters(request: Request) -> list[tuple[str, str]]:
    """Return what the Parameters in the body say as they would be in an address; nothing of an empty body."""
    if not await request.body():
        return []
    given = await sent(request, "Parameters")
    return [_pair(parameter) for parameter in given.get("parameter", [])]


def _pair(parameter: Json) -> tuple[str, str]:
    value = next((said for name, said in parameter.items() if name.startswith("value")), "")
    if isinstance(value, dict):
        value = value.get("reference", "")
    return parameter["name"], str(value)


async def sent_patch(request: Request) -> Any:
    """Return the operations in the body; raises ``UnsupportedMediaType`` for patches that are no JSON patches."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != patches.MEDIA_TYPE:
        detail = f"send {patches.MEDIA_TYPE}: FHIRPath and XML patches are not taken"
        raise UnsupportedMediaType(errors=[FieldError("/header/Content-Type", detail, "not-supported")])
    return operations_of(await request.body(), "Patch")


def operations_of(body: bytes, what: str) -> Any:
    """Return a JSON patch as it is sent; raises ``BadResource`` for what no resource could hold."""
    if b"\0" in body or b"\\u0000" in body:
        raise BadResource(errors=[FieldError(what, "contains a NUL character", "value")])
    operations = parsed(body, what)
    if _is_deeper_than(operations, _DEEPEST):
        raise BadResource(errors=[FieldError(what, f"nested more than {_DEEPEST} levels deep", "structure")])
    return operations


def instant_sent(text: str, path: str) -> datetime:
    """Return the instant an element holds; raises ``NotProcessable`` for one that no calendar of ours has."""
    found: datetime | None = None
    with suppress(ValueError):  # of a leap second
        found = datetime.fromisoformat(text)
    if found is None or found.tzinfo is None or not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise not_processable(path, "an instant of our time, with its offset", "value")
    return found


def check(kind: str, document: Json) -> None:
    """Raise ``BadResource`` unless a document is a resource of the kind."""
    if _is_deeper_than(document, _DEEPEST):
        raise BadResource(errors=[FieldError(kind, f"nested more than {_DEEPEST} levels deep", "structure")])
    try:
        understood = _model(kind).model_validate(document)
    except ValidationError as error:
        raise BadResource(errors=[_told(kind, item) for item in error.errors()[:_MOST_ERRORS]]) from None
    # The models take a number for an instant, and nothing for an element that is left out; FHIR's JSON does not.
    odd = [
        FieldError(path, "of another type in FHIR's JSON", "structure")
        for path in _odd(document, orjson.loads(understood.model_dump_json()), kind)
    ]
    if odd:
        raise BadResource(errors=odd[:_MOST_ERRORS])


def _is_deeper_than(document: Any, most: int) -> bool:
    """Say whether a document is nested deeper; level by level, as it may be deeper than Python calls."""
    level = [document]
    for _ in range(most):
        level = [
            item
            for value in level
            for item in (value.values() if isinstance(value, dict) else value if isinstance(value, list) else ())
        ]
        if not level:
            return False
    return True


def _odd(sent: Any, understood: Any, path: str) -> Iterator[str]:
    """Yield the paths of what was sent as another type of JSON than FHIR has for it."""
    if _type(sent) is not _type(understood) or sent is None:
        yield path
    elif isinstance(sent, dict):
        for name, value in sent.items():
            yield from _odd(value, understood.get(name), f"{path}.{name}")
    elif isinstance(sent, list):
        for index, (value, other) in enumerate(zip(sent, understood, strict=False)):
            yield from _odd(value, other, f"{path}[{index}]")


def _type(value: Any) -> type:
    return float if type(value) is int else type(value)


def _told(kind: str, item: Any) -> FieldError:
    code = {"missing": "required", "extra_forbidden": "structure"}.get(item["type"], "value")
    return FieldError(fhir_path([kind, *item["loc"]]), item["msg"], code)
