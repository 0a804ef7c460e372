"""Whether a client made from one OpenAPI document still works with what another describes."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from tests.contracts.schemas import Comparison, Direction, Schema

METHODS: Final = frozenset({"get", "put", "post", "delete", "options", "head", "patch"})


def breaking_changes(old: Schema, new: Schema) -> list[str]:
    """Return what breaks clients of ``old`` when ``new`` takes its place, one line each; adding breaks nothing."""
    return sorted(set(_changes(old, new)))


def _changes(old: Schema, new: Schema) -> Iterator[str]:
    after = dict(operations(new))
    for name, operation in operations(old):
        if name not in after:
            yield f"{name}: removed"
        else:
            yield from _Operation(old, new, name).changes(operation, after[name])


def operations(document: Schema) -> Iterator[tuple[str, Schema]]:
    """Yield ``GET /v1/things`` and the operation's description."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method in METHODS:
                yield f"{method.upper()} {path}", operation


class _Operation:
    def __init__(self, old: Schema, new: Schema, name: str) -> None:
        self.old, self.new, self.name = old, new, name

    def changes(self, before: Schema, after: Schema) -> Iterator[str]:
        if before.get("operationId") != after.get("operationId"):
            yield f"{self.name}: operationId changed"
        if not before.get("security") and after.get("security"):
            yield f"{self.name}: signing in is required now"
        yield from self._parameters(_parameters(before), _parameters(after))
        yield from self._body(before.get("requestBody"), after.get("requestBody"))
        yield from self._responses(before["responses"], after["responses"])

    def _compare(self, direction: Direction, at: str, before: Schema, after: Schema) -> Iterator[str]:
        return Comparison(self.old, self.new, direction, f"{self.name} {at}").breaks(before, after)

    def _parameters(self, olds: Mapping[str, Schema], news: Mapping[str, Schema]) -> Iterator[str]:
        for name in olds.keys() - news.keys():
            yield f"{self.name} {name}: removed"
        for name, after in news.items():
            before = olds.get(name)
            if after.get("required") and not (before and before.get("required")):
                yield f"{self.name} {name}: is required now"
            if before is not None:
                yield from self._compare("request", name, before.get("schema", {}), after.get("schema", {}))

    def _body(self, before: Schema | None, after: Schema | None) -> Iterator[str]:
        if after and after.get("required") and not (before and before.get("required")):
            yield f"{self.name} body: is required now"
        if before and not after:
            yield f"{self.name} body: removed"
        if before and after:
            yield from self._contents("request", "body", before.get("content", {}), after.get("content", {}))

    def _responses(self, olds: Schema, news: Schema) -> Iterator[str]:
        """Compare successes; which refusals there are may change, and each is a problem document."""
        for status, before in olds.items():
            if not status.startswith("2"):
                continue
            if status not in news:
                yield f"{self.name} {status}: removed"
            else:
                yield from self._contents(
                    "response", status, before.get("content", {}), news[status].get("content", {})
                )

    def _contents(self, direction: Direction, at: str, olds: Schema, news: Schema) -> Iterator[str]:
        for media_type, before in olds.items():
            if media_type not in news:
                yield f"{self.name} {at}: {media_type} removed"
            else:
                yield from self._compare(direction, at, _schema(before), _schema(news[media_type]))


def _parameters(operation: Schema) -> dict[str, Schema]:
    return {
        f"{parameter['in']} {parameter['name'].lower()}": parameter for parameter in operation.get("parameters", ())
    }


def _schema(content: Schema) -> Schema:
    schema: Mapping[str, Any] = content.get("schema", {})
    return schema
