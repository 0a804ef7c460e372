"""How Stripe is spoken to: nested forms in, JSON and errors out."""

import re
from collections.abc import Iterable
from typing import Any

Json = dict[str, Any]
_PARTS = re.compile(r"\[([^\]]*)\]")


class RefusedError(Exception):
    """An error as Stripe words it."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = "invalid_request_error",
        code: str | None = None,
        **more: Any,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.error: Json = {"type": kind, "message": message, **({"code": code} if code else {}), **more}

    @property
    def body(self) -> Json:
        return {"error": self.error}


def declined(code: str, decline_code: str | None, **more: Any) -> RefusedError:
    """Return what a card that is refused is answered with."""
    said = {"decline_code": decline_code} if decline_code else {}
    return RefusedError("Your card was declined.", status=402, kind="card_error", code=code, **said, **more)


def missing(ref: str) -> RefusedError:
    """Return what an unknown id is answered with."""
    return RefusedError(f"No such object: '{ref}'", status=404, code="resource_missing")


def nested(pairs: Iterable[tuple[str, str]]) -> Json:
    """Return ``a[b]=1`` as ``{"a": {"b": "1"}}`` and ``a[0]=1`` as ``{"a": ["1"]}``."""
    found: Json = {}
    for name, value in pairs:
        path = [name.partition("[")[0], *_PARTS.findall(name)]
        inner = found
        for part in path[:-1]:
            inner = inner.setdefault(part, {})
        inner[path[-1]] = value
    return {name: _listed(value) for name, value in found.items()}


def _listed(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    inner = {name: _listed(one) for name, one in value.items()}
    if inner and all(name.isdecimal() for name in inner):
        return [inner[name] for name in sorted(inner, key=int)]
    return inner


def require_known(given: Json, known: Iterable[str], path: str = "") -> None:
    """Refuse a parameter that is not known; ``known`` are ``a``, ``a.b`` or ``a.*``, and every call may expand."""
    allowed = {*known, "expand"}
    for name, value in given.items():
        here = f"{path}{name}"
        if here in allowed or f"{path}*" in allowed:
            continue
        if isinstance(value, dict) and any(one.startswith(f"{here}.") for one in allowed):
            require_known(value, known, f"{here}.")
            continue
        raise RefusedError(f"Received unknown parameter: {here}", code="parameter_unknown", param=here)


def whole(given: Json, name: str) -> int:
    """Return a positive amount; raises ``RefusedError``."""
    value = given.get(name)
    if value is None:
        raise RefusedError(f"Missing required param: {name}.", code="parameter_missing", param=name)
    if not str(value).isdecimal() or int(value) < 1:
        raise RefusedError(f"Invalid integer: {value}", code="parameter_invalid_integer", param=name)
    return int(value)


def one_of(given: Json, name: str, *values: str) -> str:
    """Return a parameter that must be one of some values; raises ``RefusedError``."""
    value = given.get(name)
    if value not in values:
        code = "parameter_missing" if value is None else "parameter_invalid"
        raise RefusedError(f"Invalid {name}: must be one of {', '.join(values)}", code=code, param=name)
    return str(value)
