"""JSON patches (RFC 6902), applied to a document that stays as it is."""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from functools import partial
from typing import Any, Final, NoReturn

import orjson

from app.core.problems import FieldError
from app.fhir.elements import Json
from app.fhir.problems import BadResource, not_processable

MEDIA_TYPE: Final = "application/json-patch+json"
MOST: Final = 100
_MOST_COPIED: Final = 2**20
"""Bytes of JSON that one patch copies: what is copied into itself doubles with every operation."""
_NEEDED: Final[Mapping[str, tuple[str, ...]]] = {
    "add": ("value",),
    "remove": (),
    "replace": ("value",),
    "move": ("from",),
    "copy": ("from",),
    "test": ("value",),
}


def patched(document: Json, operations: Any) -> Json:
    """Return what the operations make of a document: all of them, or nothing.

    Raises ``BadResource`` for what is no patch, ``NotProcessable`` for one that does not fit the document.
    """
    found: Any = deepcopy(document)
    copied = 0
    for number, operation in enumerate(_checked(operations)):
        refuse = partial(_refuse, number)
        if operation["op"] == "copy":
            copied += len(orjson.dumps(_at(found, _parts(operation["from"]), refuse)))
            if copied > _MOST_COPIED:
                refuse(f"this patch copies more than {_MOST_COPIED} bytes")
        found = _applied(found, operation, refuse)
    if not isinstance(found, dict):
        _refuse(len(operations) - 1, "this leaves no resource")
    return found


def _checked(operations: Any) -> Sequence[Json]:
    if not isinstance(operations, list) or not operations or len(operations) > MOST:
        raise BadResource(errors=[FieldError("Patch", f"a list of 1 to {MOST} operations (RFC 6902)", "structure")])
    for number, operation in enumerate(operations):
        needed = _NEEDED.get(str(operation.get("op"))) if isinstance(operation, dict) else None
        if needed is None or not all(name in operation for name in ("path", *needed)):
            detail = f"op is one of {', '.join(_NEEDED)}; with path, and value or from as it needs"
            raise BadResource(errors=[FieldError(f"Patch[{number}]", detail, "structure")])
        for name in ("path", "from"):
            if not isinstance(operation.get(name, ""), str) or operation.get(name, "/")[:1] not in ("", "/"):
                raise BadResource(errors=[FieldError(f"Patch[{number}].{name}", "a JSON pointer (RFC 6901)", "value")])
    return operations


def _refuse(number: int, detail: str) -> NoReturn:
    raise not_processable(f"Patch[{number}]", detail, "value")


def _applied(document: Any, operation: Json, refuse: Callable[[str], NoReturn]) -> Any:
    path = _parts(operation["path"])
    match operation["op"]:
        case "test":
            if _json(_at(document, path, refuse)) != _json(operation["value"]):
                refuse("the value is another one")
            return document
        case "remove":
            return _removed(document, path, refuse)
        case "replace":
            _at(document, path, refuse)
            return _added(_removed(document, path, refuse) if path else None, path, operation["value"], refuse)
        case "add":
            return _added(document, path, deepcopy(operation["value"]), refuse)
    source = _parts(operation["from"])
    value = deepcopy(_at(document, source, refuse))
    if operation["op"] == "move":
        if path[: len(source)] == source and path != source:
            refuse("nothing is moved into itself")
        document = _removed(document, source, refuse)
    return _added(document, path, value, refuse)


def _json(value: Any) -> Any:
    """Return a value as JSON compares it: true is not 1."""
    match value:
        case bool():
            return ("bool", value)
        case dict():
            return {name: _json(item) for name, item in value.items()}
        case list():
            return [_json(item) for item in value]
    return value


def _parts(pointer: str) -> list[str]:
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]


def _place(parts: Sequence[Any], part: str, refuse: Callable[[str], NoReturn], *, end: bool) -> int:
    if end and part == "-":
        return len(parts)
    if not part.isdecimal() or (part[0] == "0" and part != "0") or len(part) > 9 or int(part) > len(parts) - (not end):
        refuse("there is no such place in the list")
    return int(part)


def _at(document: Any, path: Sequence[str], refuse: Callable[[str], NoReturn]) -> Any:
    for part in path:
        match document:
            case dict() if part in document:
                document = document[part]
            case list():
                document = document[_place(document, part, refuse, end=False)]
            case _:
                refuse("there is nothing at this path")
    return document


def _removed(document: Any, path: Sequence[str], refuse: Callable[[str], NoReturn]) -> Any:
    if not path:
        refuse("a resource is not removed by a patch")
    _at(document, path, refuse)
    holder = _at(document, path[:-1], refuse)
    del holder[path[-1] if isinstance(holder, dict) else int(path[-1])]
    return document


def _added(document: Any, path: Sequence[str], value: Any, refuse: Callable[[str], NoReturn]) -> Any:
    if not path:
        return value
    holder = _at(document, path[:-1], refuse)
    match holder:
        case dict():
            holder[path[-1]] = value
        case list():
            holder.insert(_place(holder, path[-1], refuse, end=True), value)
        case _:
            refuse("there is nothing that could hold this")
    return document
