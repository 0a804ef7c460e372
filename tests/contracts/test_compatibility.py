"""Each kind of change that breaks a client is found, and what merely adds is let pass."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.contracts.compatibility import breaking_changes

Document = dict[str, Any]
Change = Callable[[Document], object]


def document() -> Document:
    """Return a small description with one of everything that is compared."""
    thing = {
        "type": "object",
        "properties": {
            "id": {"type": "string", "format": "uuid"},
            "state": {"type": "string", "enum": ["open", "closed"]},
            "count": {"type": "integer"},
            "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "parts": {"type": "array", "items": {"$ref": "#/components/schemas/Thing"}},
            "owner": {"anyOf": [{"$ref": "#/components/schemas/Person"}, {"$ref": "#/components/schemas/Firm"}]},
        },
        "required": ["id", "state", "count", "note"],
    }
    make = {
        "type": "object",
        "properties": {
            "name": {"type": "string", "maxLength": 50},
            "kind": {"type": "string", "enum": ["big", "small"]},
            "size": {"type": "number", "minimum": 0},
            "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "labels": {"type": "object", "additionalProperties": {"type": "string"}},
        },
        "required": ["name"],
    }
    named = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
    return {
        "components": {
            "schemas": {
                "Thing": thing,
                "ThingMake": make,
                "Person": {**named, "title": "Person"},
                "Firm": {
                    **named,
                    "title": "Firm",
                    "properties": {"name": {"type": "string"}, "vat": {"type": "string"}},
                },
            }
        },
        "paths": {
            "/things": {
                "post": {
                    "operationId": "makeThing",
                    "parameters": [{"name": "colour", "in": "query", "required": False, "schema": {"type": "string"}}],
                    "requestBody": {
                        "required": False,
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ThingMake"}}},
                    },
                    "responses": {
                        "201": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}},
                        "409": {"content": {"application/problem+json": {}}},
                    },
                }
            }
        },
    }


def _operation(new: Document) -> Document:
    operation: Document = new["paths"]["/things"]["post"]
    return operation


def _thing(new: Document) -> Document:
    schema: Document = new["components"]["schemas"]["Thing"]
    return schema


def _make(new: Document) -> Document:
    schema: Document = new["components"]["schemas"]["ThingMake"]
    return schema


NULLABLE = [{"type": "integer"}, {"type": "null"}]
BREAKING: dict[str, tuple[Change, str]] = {
    "removed operation": (lambda new: new["paths"].clear(), "POST /things: removed"),
    "renamed operation": (lambda new: _operation(new).update(operationId="x"), "POST /things: operationId changed"),
    "sign-in": (lambda new: _operation(new).update(security=[{}]), "POST /things: signing in is required now"),
    "removed parameter": (lambda new: _operation(new)["parameters"].clear(), "POST /things query colour: removed"),
    "required parameter": (
        lambda new: _operation(new)["parameters"][0].update(required=True),
        "POST /things query colour: is required now",
    ),
    "new required parameter": (
        lambda new: _operation(new)["parameters"].append({"name": "X", "in": "header", "required": True, "schema": {}}),
        "POST /things header x: is required now",
    ),
    "parameter's type": (
        lambda new: _operation(new)["parameters"][0].update(schema={"type": "integer"}),
        "POST /things query colour: type changed",
    ),
    "required body": (
        lambda new: _operation(new)["requestBody"].update(required=True),
        "POST /things body: is required now",
    ),
    "removed body": (lambda new: _operation(new).pop("requestBody"), "POST /things body: removed"),
    "body's media type": (
        lambda new: _operation(new)["requestBody"].update(content={"text/csv": {}}),
        "POST /things body: application/json removed",
    ),
    "required field": (
        lambda new: _make(new)["required"].append("kind"),
        "POST /things body.kind: is required now",
    ),
    "new required field": (
        lambda new: (_make(new)["properties"].update(new={}), _make(new)["required"].append("new")),
        "POST /things body.new: is required now",
    ),
    "removed field": (lambda new: _make(new)["properties"].pop("size"), "POST /things body.size: removed"),
    "narrowed enum": (
        lambda new: _make(new)["properties"]["kind"].update(enum=["big"]),
        "POST /things body.kind: 'small' is no longer accepted",
    ),
    "new enum": (
        lambda new: _make(new)["properties"]["name"].update(enum=["Ada"]),
        "POST /things body.name: only some values are accepted now",
    ),
    "field's type": (
        lambda new: _make(new)["properties"]["size"].update(type="integer"),
        "POST /things body.size: type changed",
    ),
    "stricter length": (
        lambda new: _make(new)["properties"]["name"].update(maxLength=49),
        "POST /things body.name: maxLength is stricter",
    ),
    "new least length": (
        lambda new: _make(new)["properties"]["name"].update(minLength=1),
        "POST /things body.name: minLength is stricter",
    ),
    "stricter minimum": (
        lambda new: _make(new)["properties"]["size"].update(minimum=1),
        "POST /things body.size: minimum is stricter",
    ),
    "new pattern": (
        lambda new: _make(new)["properties"]["name"].update(pattern="^a"),
        "POST /things body.name: pattern changed",
    ),
    "null refused": (
        lambda new: _make(new)["properties"].update(note={"type": "string"}),
        "POST /things body.note: null is no longer accepted",
    ),
    "values of a map": (
        lambda new: _make(new)["properties"]["labels"].update(additionalProperties={"type": "integer"}),
        "POST /things body.labels{}: type changed",
    ),
    "closed object": (
        lambda new: _make(new).update(additionalProperties=False),
        "POST /things body: unknown properties are refused now",
    ),
    "changed status": (
        lambda new: _operation(new)["responses"].update({"200": _operation(new)["responses"].pop("201")}),
        "POST /things 201: removed",
    ),
    "removed property": (lambda new: _thing(new)["properties"].pop("count"), "POST /things 201.count: removed"),
    "optional property": (
        lambda new: _thing(new)["required"].remove("count"),
        "POST /things 201.count: may be missing now",
    ),
    "property's type": (
        lambda new: _thing(new)["properties"]["count"].update(type="number"),
        "POST /things 201.count: type changed",
    ),
    "property's format": (
        lambda new: _thing(new)["properties"]["id"].pop("format"),
        "POST /things 201.id: format changed",
    ),
    "null answered": (
        lambda new: _thing(new)["properties"].update(count={"anyOf": NULLABLE}),
        "POST /things 201.count: may now be null",
    ),
    "enum opened": (
        lambda new: _thing(new)["properties"]["state"].pop("enum"),
        "POST /things 201.state: may now be any value",
    ),
    "items' type": (
        lambda new: _thing(new)["properties"]["parts"].update(items={"type": "string"}),
        "POST /things 201.parts[]: type changed",
    ),
    "new kind in a union": (
        lambda new: _thing(new)["properties"]["owner"]["anyOf"].append({"type": "integer"}),
        "POST /things 201.owner: integer may be answered now",
    ),
}

HARMLESS: dict[str, Change] = {
    "nothing": lambda _: None,
    "operation": lambda new: new["paths"].update({"/others": copy.deepcopy(new["paths"]["/things"])}),
    "parameter": lambda new: _operation(new)["parameters"].append({"name": "x", "in": "query", "schema": {}}),
    "optional field": lambda new: _make(new)["properties"].update(new={"type": "string"}),
    "no longer required field": lambda new: _make(new)["required"].clear(),
    "wider enum in a request": lambda new: _make(new)["properties"]["kind"]["enum"].append("tiny"),
    "wider enum in a response": lambda new: _thing(new)["properties"]["state"]["enum"].append("torn"),
    "property": lambda new: _thing(new)["properties"].update(new={"type": "string"}),
    "always there now": lambda new: _thing(new)["required"].append("parts"),
    "refusal": lambda new: _operation(new)["responses"].update({"403": {"content": {}}}),
    "longer text": lambda new: _make(new)["properties"]["name"].update(maxLength=60),
    "never null any more": lambda new: _thing(new)["properties"].update(note={"type": "string"}),
    "texts": lambda new: _thing(new)["properties"]["id"].update(description="Which one", title="Id"),
    "renamed schema": lambda new: (
        new["components"]["schemas"].update(Human=new["components"]["schemas"].pop("Person")),
        _thing(new)["properties"]["owner"]["anyOf"][0].update({"$ref": "#/components/schemas/Human"}),
    ),
    "fewer kinds answered": lambda new: _thing(new)["properties"]["owner"]["anyOf"].pop(),
    "error's content": lambda new: _operation(new)["responses"].pop("409"),
}


@pytest.mark.parametrize("kind", BREAKING)
def test_what_breaks_a_client_is_found(kind: str) -> None:
    change, found = BREAKING[kind]
    new = document()
    change(new)
    assert breaking_changes(document(), new) == [found]


@pytest.mark.parametrize("kind", HARMLESS)
def test_adding_breaks_nothing(kind: str) -> None:
    new = document()
    HARMLESS[kind](new)
    assert breaking_changes(document(), new) == []
