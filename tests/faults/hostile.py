"""What no honest app would send: bodies that are no JSON, values that fit no field, numbers nobody counts to."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

Schema = Mapping[str, Any]

JSON: Final = "application/json"
DEEP: Final = 20_000

BODIES: Final[Mapping[str, tuple[str, bytes]]] = {
    "nothing": (JSON, b""),
    "half": (JSON, b'{"name": "Gra'),
    "null": (JSON, b"null"),
    "list": (JSON, b"[1, 2]"),
    "text": (JSON, b'"help"'),
    "not a number": (JSON, b'{"position": NaN, "limit": Infinity, "wait_seconds": 1e999}'),
    "deep lists": (JSON, b"[" * DEEP + b"]" * DEEP),
    "deep objects": (JSON, b'{"a":' * DEEP + b"1" + b"}" * DEEP),
    "raw nul": (JSON, b'{"name": "a\x00b"}'),
    "nul in a key": (JSON, b'{"a\\u0000b": 1}'),
    "broken utf-8": (JSON, b'{"name": "\xff\xfe"}'),
    "half a surrogate": (JSON, b'{"name": "\\ud800", "\\udfff": 1}'),
    "duplicate keys": (JSON, b'{"name": 1, "name": {"name": []}, "__proto__": {}, "constructor": null}'),
    "endless number": (JSON, b'{"position": ' + b"9" * 10_000 + b"}"),
    "plain text": ("text/plain", b"help"),
    "xml": ("application/xml", b"<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>"),
    "a form": ("application/x-www-form-urlencoded", b"name=a&name=b&%00=%ff"),
    "parts without a boundary": ("multipart/form-data", b"--x\r\n\r\n--x--"),
    "no type at all": ("", b"{}"),
    "a type that is none": (";;;", b"{}"),
    "another character set": ("application/json; charset=utf-16", '{"name": "a"}'.encode("utf-16")),
}
"""Whole bodies: name → content type, bytes."""
SORTS: Final = ("nothing", "null", "list", "deep objects", "half a surrogate", "plain text", "a type that is none")
"""One of each sort: what is no JSON at all is refused before an operation is known."""

VALUES: Final[Mapping[str, Any]] = {
    "null": None,
    "true": True,
    "negative": -1,
    "beyond 64 bits": 10**30,
    "almost endless": 1e308,
    "empty": "",
    "blank": " \u2028\t",
    "nul": "a\x00b",
    "surrogate": "\ud800",
    "controls": "\x1b[2J\u202e",
    "long": "x" * 20_000,
    "no such day": "2026-02-30",
    "end of time": "9999-12-31T23:59:59.999999-14:00",
    "before time": "0001-01-01T00:00:00+14:00",
    "no such hour": "25:61",
    "no such zone": "Mars/Olympus",
    "a path for a zone": "../../etc/passwd",
    "endless duration": "P999999999D",
    "no id": "00000000-0000-0000-0000-000000000000",
    "list": [],
    "lists": [[[]]] * 3,
    "many": ["x"] * 2_000,
    "object": {"a": {"b": None}},
}
"""Values to put where another is expected."""
_ANYWHERE: Final = ("null", "true", "beyond 64 bits", "empty", "surrogate", "list", "object")
_TIMES: Final = ("no such day", "end of time", "before time", "no such hour", "endless duration")
_AMONG: Final[Mapping[str, tuple[str, ...]]] = {
    "boolean": (),
    "integer": ("negative", "almost endless"),
    "number": ("negative", "almost endless"),
    "array": ("lists", "many"),
    "uuid": ("no id", "nul"),
    "enum": ("nul",),
    "date": _TIMES,
    "date-time": _TIMES,
    "time": _TIMES,
    "duration": _TIMES,
}
"""What else to try where a kind of value is expected: the rest of the values it refuses all alike.

A text, and what says nothing of itself, gets all of them.
"""

QUERIES: Final = (
    "limit=0", "limit=-1", "limit=1000000000000000000000", "limit=x", "cursor=x", "cursor=%00", "cursor=%ff",
    "cursor=" + "A" * 5_000, "date=2026-02-30", "date=9999-12-31", "date=0001-01-01", "state=%00", "state=nonsense",
    "from=9999-12-31T23:59:59Z&to=9999-12-31T23:59:59Z", "from=0001-01-01T00:00:00%2B14:00&to=2026-01-01T00:00:00Z",
    "from=0001-01-01&to=9999-12-31", "from=2026-12-31&to=2026-01-01", "from=x&to=y", "q=%00", "q=" + "x" * 5_000,
    "since=%00", "since=x", "since=" + "A" * 5_000,
)  # fmt: skip
IDS: Final = (
    "x",
    "00000000-0000-0000-0000-000000000000",
    "%00",
    "%ff%fe",
    "..%2f..%2f",
    "9" * 500,
    "-1",
    "%F0%9F%98%80",
)
VERSIONS: Final = ("nonsense", '"99999999999999999999"', '"1", "2"', "*, *", "\u00ff")
KEYS: Final = ("", "x" * 1_000, "\u00ff\t", "\x7f")
HEADERS: Final[tuple[Mapping[str, str], ...]] = (
    {"Accept-Language": "\u00ff;q=9," * 50},
    {"X-Request-Id": "x" * 5_000},
    {"X-Forwarded-For": "nonsense, 999.1.1.1"},
    {"Authorization": "Bearer"},
    {"Authorization": "Bearer " + "x" * 5_000},
    {"Authorization": "Bearer hl_x_y"},
    {"Authorization": "Bearer hd_00000000000000000000000000000000_x"},
    {"Authorization": "Bearer eyJhbGciOiJub25lIn0.e30."},
    {"Authorization": "Basic eDp5"},
    {"Authorization": "\u00ff"},
    {"X-Device-Credential": "hd_"},
)


def bodies_of(schema: Schema, document: Schema, valid: Mapping[str, Any]) -> Iterator[tuple[str, bytes]]:
    """Yield bodies in which everything is as in ``valid`` but one field, at any depth; each with a name."""
    for field, part in _properties(schema, document).items():
        for name, value in _values(part, document):
            yield f"{field}: {name}", _dump({**valid, field: value})
        for name, value in _inside(part, document, valid.get(field)):
            yield f"{field}.{name}", _dump({**valid, field: value})


def _inside(schema: Schema, document: Schema, valid: Any) -> Iterator[tuple[str, Any]]:
    """Yield values of a field that are wrong further inside: in the objects it consists of, or in its only element."""
    for one in _alternatives(schema, document):
        if "items" in one:
            first = valid[0] if isinstance(valid, list) and valid else {}
            known = first if isinstance(first, dict) else {}
            yield from ((name, [value]) for name, value in _values(one["items"], document))
            for field, part in _properties(one["items"], document).items():
                wrong = _values(part, document)
                yield from ((f"{field}: {name}", [{**known, field: value}]) for name, value in wrong)
        for field, part in _properties(one, document).items():
            yield from ((f"{field}: {name}", {field: value}) for name, value in _values(part, document))


def _values(schema: Schema, document: Schema) -> Iterator[tuple[str, Any]]:
    """Yield what to try in a field, by what it says it is."""
    tried = set(_ANYWHERE)
    for one in _alternatives(schema, document):
        kind = "enum" if "enum" in one or "const" in one else one.get("format") or one.get("type", "any")
        if kind != "null" and not (kind == "object" and "properties" in one):
            tried.update(_AMONG.get(kind, VALUES))
    yield from ((name, value) for name, value in VALUES.items() if name in tried)


def _alternatives(schema: Schema, document: Schema) -> list[Schema]:
    schema = _resolved(schema, document)
    options = schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf")
    return [_resolved(option, document) for option in options] if options else [schema]


def _properties(schema: Schema, document: Schema) -> dict[str, Schema]:
    found: dict[str, Schema] = {}
    for one in _alternatives(schema, document):
        found |= one.get("properties", {})
    return found


def _resolved(schema: Schema, document: Schema) -> Schema:
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    return schema


def _dump(value: Any) -> bytes:
    return json.dumps(value).encode()
