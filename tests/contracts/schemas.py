"""Whether what one JSON schema describes still fits where another was expected, as clients of an API see it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

Schema = Mapping[str, Any]
Direction = Literal["request", "response"]

TYPES: Final = frozenset({"string", "number", "integer", "boolean", "array", "object", "null"})
_AT_MOST: Final = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_AT_LEAST: Final = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_SAME: Final = ("format", "pattern", "contentEncoding")
_REF: Final = "#/components/schemas/"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two documents, which way the values travel, and where we are.

    A client of the old document writes requests and reads responses: what it writes has to be accepted, and what it
    reads has to be understood. So requests may only widen and responses may only narrow. One thing is let pass: new
    values of an enumeration in responses, which clients have to expect.
    """

    old: Schema
    new: Schema
    direction: Direction
    at: str
    seen: frozenset[tuple[str, str]] = frozenset()

    def below(self, step: str) -> "Comparison":
        return replace(self, at=f"{self.at}{step}")

    def breaks(self, before: Schema, after: Schema) -> Iterator[str]:
        """Yield what an old client stumbles over when ``after`` takes the place of ``before``."""
        names = (str(before.get("$ref", "")), str(after.get("$ref", "")))
        if all(names):
            if names in self.seen:
                return
            self = replace(self, seen=self.seen | {names})  # noqa: PLW0642 - the walk goes on below these two
        olds, news = alternatives(self.old, before), alternatives(self.new, after)
        yield from self._null(olds, news)
        olds, news = without_null(olds), without_null(news)
        if len(olds) == 1 and len(news) == 1:
            yield from self._single(olds[0], news[0])
            return
        given, expected = (olds, news) if self.direction == "request" else (news, olds)
        for one in given:
            if not any(self._fits(one, other) for other in expected):
                what = "is no longer accepted" if self.direction == "request" else "may be answered now"
                yield f"{self.at}: {one.get('title') or one.get('type') or 'something else'} {what}"

    def _fits(self, given: Schema, expected: Schema) -> bool:
        before, after = (given, expected) if self.direction == "request" else (expected, given)
        return next(self._single(before, after), None) is None

    def _null(self, olds: list[Schema], news: list[Schema]) -> Iterator[str]:
        before, after = may_be_null(olds), may_be_null(news)
        if self.direction == "request" and before and not after:
            yield f"{self.at}: null is no longer accepted"
        if self.direction == "response" and after and not before:
            yield f"{self.at}: may now be null"

    def _single(self, before: Schema, after: Schema) -> Iterator[str]:
        given, expected = (before, after) if self.direction == "request" else (after, before)
        if not types(given) <= widened(types(expected)):
            yield f"{self.at}: type changed"
            return
        yield from self._values(before, after)
        if self.direction == "request":
            yield from self._limits(before, after)
        yield from (
            f"{self.at}: {key} changed"
            for key in _SAME
            if before.get(key) != after.get(key) and not (self.direction == "request" and key not in after)
        )
        yield from self._parts(before, after)

    def _values(self, before: Schema, after: Schema) -> Iterator[str]:
        olds, news = values(before), values(after)
        if self.direction == "request" and news is not None:
            if olds is None:
                yield f"{self.at}: only some values are accepted now"
            else:
                yield from (f"{self.at}: {value!r} is no longer accepted" for value in olds if value not in news)
        if self.direction == "response" and olds is not None and news is None:
            yield f"{self.at}: may now be any value"

    def _limits(self, before: Schema, after: Schema) -> Iterator[str]:
        for key in _AT_MOST:
            if key in after and (key not in before or after[key] < before[key]):
                yield f"{self.at}: {key} is stricter"
        for key in _AT_LEAST:
            if key in after and after[key] > before.get(
                key, 0 if key.startswith("min") and key != "minimum" else -1e300
            ):
                yield f"{self.at}: {key} is stricter"

    def _parts(self, before: Schema, after: Schema) -> Iterator[str]:
        if "items" in before or "items" in after:
            yield from self.below("[]").breaks(before.get("items", {}), after.get("items", {}))
        if "properties" in before or "properties" in after:
            yield from self._properties(before, after)
        yield from self._others(before, after)

    def _properties(self, before: Schema, after: Schema) -> Iterator[str]:
        olds: Schema = before.get("properties", {})
        news: Schema = after.get("properties", {})
        was_required, is_required = set(before.get("required", ())), set(after.get("required", ()))
        if self.direction == "request":
            yield from (f"{self.at}.{name}: is required now" for name in sorted(is_required - was_required))
        else:
            yield from (
                f"{self.at}.{name}: may be missing now" for name in sorted((was_required - is_required) & {*news})
            )
        for name in olds:
            if name not in news:
                yield f"{self.at}.{name}: removed"
            else:
                yield from self.below(f".{name}").breaks(olds[name], news[name])

    def _others(self, before: Schema, after: Schema) -> Iterator[str]:
        """Compare what an object may hold beside its named properties."""
        olds, news = before.get("additionalProperties", True), after.get("additionalProperties", True)
        if isinstance(olds, Mapping) and isinstance(news, Mapping):
            yield from self.below("{}").breaks(olds, news)
        elif self.direction == "request" and olds is not False and news is False:
            yield f"{self.at}: unknown properties are refused now"


def resolved(document: Schema, schema: Schema) -> Schema:
    """Return the schema with its reference replaced by what it names; what stands beside the reference wins."""
    merged: dict[str, Any] = {}
    for part in schema.get("allOf", ()):
        merged |= resolved(document, part)
    if "$ref" in schema:
        name = str(schema["$ref"]).removeprefix(_REF)
        merged |= resolved(document, document["components"]["schemas"][name])
    return merged | {key: value for key, value in schema.items() if key not in ("$ref", "allOf")}


def alternatives(document: Schema, schema: Schema) -> list[Schema]:
    """Return the kinds a value may be of, unions in unions laid flat."""
    whole = resolved(document, schema)
    union = [*whole.get("anyOf", ()), *whole.get("oneOf", ())]
    if not union:
        return [whole]
    return [kind for one in union for kind in alternatives(document, one)]


def may_be_null(kinds: list[Schema]) -> bool:
    """Say whether one of the kinds is null."""
    return any("null" in types(kind) for kind in kinds)


def without_null(kinds: list[Schema]) -> list[Schema]:
    """Return the kinds that are not null alone."""
    return [kind for kind in kinds if types(kind) != {"null"}]


def types(schema: Schema) -> frozenset[str]:
    """Return the JSON types a value may have; null only where it is named or anything goes."""
    named = schema.get("type")
    if named is None:
        return frozenset({_type_of(value) for value in values(schema) or ()}) or TYPES
    return frozenset([named] if isinstance(named, str) else named)


def widened(accepted: frozenset[str]) -> frozenset[str]:
    """Return the types that pass where ``accepted`` are accepted: an integer is a number; null is judged elsewhere."""
    return accepted | {"null"} | ({"integer"} if "number" in accepted else set())


def values(schema: Schema) -> list[Any] | None:
    """Return the values of an enumeration or constant, ``None`` if there is no such limit."""
    if "const" in schema:
        return [schema["const"]]
    enumerated: list[Any] | None = schema.get("enum")
    return enumerated


def _type_of(value: object) -> str:
    match value:
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case None:
            return "null"
    return "string"
