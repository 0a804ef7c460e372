"""The filters, functions and tests of Home Assistant's templates that devices' templates use, each within bounds.

Source: home-assistant.io, "Templating" and "MQTT: using templates". Nothing here knows the time or another entity.
Times are in UTC, also where Home Assistant would give the home's.
"""

import math
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import wraps
from typing import Any, Final

import orjson
from jinja2 import Undefined
from jinja2 import tests as jinja_tests
from jinja2.exceptions import UndefinedError

from app.home_assistant.documents import MOST_STATE, read_json
from app.home_assistant.shapes import NotUnderstood
from app.home_assistant.template_bounds import MOST_CHARACTERS, TemplateTooMuch, bounded, pattern, replaced, searched

_NOTHING: Final = object()
_MOST_PLACES: Final = 15
_FORMAT: Final = re.compile(r"(?:[^%]|%%|%[+\- 0#]?\d{0,2}(?:\.\d{1,2})?[dfsxXeg])*")
_TIME_FORMAT: Final = re.compile(r"(?:[^%]|%[-_0^#]?[a-zA-Z%])*")
_YES: Final = frozenset({"1", "true", "yes", "on", "enable"})
_NO: Final = frozenset({"0", "false", "no", "off", "disable"})


def _number(value: Any, default: Any = _NOTHING) -> Any:
    try:
        return float(value)
    except (ValueError, TypeError, OverflowError, UndefinedError):
        if default is _NOTHING:
            raise ValueError("not a number") from None
        return default


def _integer(value: Any, default: Any = _NOTHING, base: int = 10) -> Any:
    try:
        if isinstance(value, str) and base != 10:
            return int(value, base)
        return int(value) if not isinstance(value, str) or value.lstrip("+-").isdigit() else int(float(value))
    except (ValueError, TypeError, OverflowError, UndefinedError):
        if default is _NOTHING:
            raise ValueError("not a number") from None
        return default


def _round(value: Any, precision: int = 0, method: str = "common", default: Any = _NOTHING) -> Any:
    number = _number(value, default)
    if not isinstance(number, float):
        return number
    places = max(-_MOST_PLACES, min(_MOST_PLACES, int(precision)))
    if method in ("ceil", "floor"):
        scale = 10.0**places
        number = (math.ceil if method == "ceil" else math.floor)(number * scale) / scale
    elif method == "half":
        number = round(number * 2) / 2
    else:
        number = round(number, places)
    return int(number) if places == 0 and method != "half" else number


def _default(value: Any, other: Any = "", boolean: bool = False) -> Any:
    return other if isinstance(value, Undefined) or (boolean and not value) else value


def _is_defined(value: Any) -> Any:
    if isinstance(value, Undefined):
        raise UndefinedError
    return value


def _boolean(value: Any, default: Any = _NOTHING) -> Any:
    if isinstance(value, bool | int | float):
        return bool(value)
    said = str(value).strip().lower()
    if said in _YES or said in _NO:
        return said in _YES
    if default is _NOTHING:
        raise ValueError("neither yes nor no")
    return default


def _iif(value: Any, if_true: Any = True, if_false: Any = False, if_none: Any = _NOTHING) -> Any:
    if value is None and if_none is not _NOTHING:
        return if_none
    return if_true if value else if_false


def _multiply(value: Any, by: Any, default: Any = _NOTHING) -> Any:
    number = _number(value, default)
    return number * _number(by) if isinstance(number, float) else number


def _add(value: Any, what: Any, default: Any = _NOTHING) -> Any:
    number = _number(value, default)
    return number + _number(what) if isinstance(number, float) else number


def _from_json(value: Any, default: Any = _NOTHING) -> Any:
    try:
        return read_json(str(value).encode(), MOST_STATE)
    except (NotUnderstood, UnicodeEncodeError):
        if default is _NOTHING:
            raise ValueError("not JSON") from None
        return default


def _to_json(value: Any, **_how: Any) -> str:
    return orjson.dumps(value).decode()


def _replace(value: Any, old: Any, new: Any, most: int = -1) -> str:
    return replaced(str(value), str(old), str(new), most)


def _regex_match(value: Any, find: str = "", ignorecase: bool = False) -> bool:
    return pattern(find, ignore_case=bool(ignorecase)).match(searched(str(value))) is not None


def _regex_search(value: Any, find: str = "", ignorecase: bool = False) -> bool:
    return pattern(find, ignore_case=bool(ignorecase)).search(searched(str(value))) is not None


def _regex_replace(value: Any, find: str = "", replace: str = "", ignorecase: bool = False) -> str:
    text = searched(str(value))
    if len(replace) * (len(text) + 1) > MOST_CHARACTERS or ("\\" in replace and len(replace) > 64):
        raise TemplateTooMuch
    return pattern(find, ignore_case=bool(ignorecase)).sub(replace, text)


def _regex_findall_index(value: Any, find: str = "", index: int = 0, ignorecase: bool = False) -> Any:
    return pattern(find, ignore_case=bool(ignorecase)).findall(searched(str(value)))[index]


def _as_timestamp(value: Any, default: Any = _NOTHING) -> Any:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    try:
        then = datetime.fromisoformat(str(value))
    except ValueError:
        return _number(value, default)
    return (then if then.tzinfo else then.replace(tzinfo=UTC)).timestamp()


def _timestamp(value: Any, default: Any = _NOTHING) -> Any:
    try:
        return datetime.fromtimestamp(float(value), UTC).isoformat()
    except (ValueError, TypeError, OverflowError, OSError, UndefinedError):
        if default is _NOTHING:
            raise ValueError("not an instant") from None
        return default


def _timestamp_custom(value: Any, how: str = "%Y-%m-%d %H:%M:%S", local: Any = True, default: Any = _NOTHING) -> Any:  # noqa: ARG001 - as templates call it
    instant = _timestamp(value, default)
    if instant is default:
        return default
    if len(how) > 64 or not _TIME_FORMAT.fullmatch(how):
        raise TemplateTooMuch
    return datetime.fromisoformat(instant).strftime(how)


def _format(how: Any, *values: Any) -> str:
    if len(str(how)) > 256 or not _FORMAT.fullmatch(str(how)):
        raise TemplateTooMuch
    return str(how) % values


def _join(values: Any, between: str = "") -> str:
    texts = [str(value) for value in bounded(list(values))]
    if sum(map(len, texts)) + len(between) * len(texts) > MOST_CHARACTERS:
        raise TemplateTooMuch
    return between.join(texts)


def _of_several(choose: Callable[[Sequence[Any]], Any]) -> Callable[..., Any]:
    def chosen(*values: Any) -> Any:
        return choose(values[0] if len(values) == 1 else values)

    return chosen


def _is_number(value: Any) -> bool:
    number = _number(value, None)
    return number is not None and math.isfinite(number)


def _kept_small(word: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(word)
    def small(*arguments: Any, **named: Any) -> Any:
        return bounded(word(*arguments, **named))

    return small


_EITHER: Final[dict[str, Callable[..., Any]]] = {
    "add": _add,
    "as_timestamp": _as_timestamp,
    "bool": _boolean,
    "float": _number,
    "iif": _iif,
    "int": _integer,
    "is_number": _is_number,
    "max": _of_several(max),
    "min": _of_several(min),
    "multiply": _multiply,
    "round": _round,
}
_FILTERS_TO_BE: Final[dict[str, Callable[..., Any]]] = {
    **_EITHER,
    "abs": abs,
    "bitwise_and": lambda value, other: int(value) & int(other),
    "bitwise_or": lambda value, other: int(value) | int(other),
    "bitwise_xor": lambda value, other: int(value) ^ int(other),
    "capitalize": lambda value: str(value).capitalize(),
    "count": len,
    "d": _default,
    "default": _default,
    "first": lambda value: value[0],
    "format": _format,
    "from_json": _from_json,
    "is_defined": _is_defined,
    "join": _join,
    "last": lambda value: value[-1],
    "length": len,
    "list": list,
    "lower": lambda value: str(value).lower(),
    "regex_findall_index": _regex_findall_index,
    "regex_match": _regex_match,
    "regex_replace": _regex_replace,
    "regex_search": _regex_search,
    "replace": _replace,
    "string": str,
    "sum": sum,
    "timestamp_custom": _timestamp_custom,
    "timestamp_local": _timestamp,
    "timestamp_utc": _timestamp,
    "title": lambda value: str(value).title(),
    "to_json": _to_json,
    "tojson": _to_json,
    "trim": lambda value: str(value).strip(),
    "upper": lambda value: str(value).upper(),
}
FILTERS: Final[dict[str, Callable[..., Any]]] = {name: _kept_small(word) for name, word in _FILTERS_TO_BE.items()}
FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {name: _kept_small(word) for name, word in _EITHER.items()}
_OF_JINJA: Final[dict[str, Any]] = dict(jinja_tests.TESTS)
TESTS: Final[dict[str, Callable[..., Any]]] = {
    **{
        name: _OF_JINJA[name]
        for name in [
            "boolean",
            "defined",
            "divisibleby",
            "eq",
            "equalto",
            "even",
            "false",
            "float",
            "ge",
            "greaterthan",
            "gt",
            "in",
            "integer",
            "iterable",
            "le",
            "lessthan",
            "lower",
            "lt",
            "mapping",
            "ne",
            "none",
            "number",
            "odd",
            "sequence",
            "string",
            "true",
            "undefined",
            "upper",
            "==",
            "!=",
            "<",
            "<=",
            ">",
            ">=",
        ]
    },
    "contains": lambda value, part: part in value,
    "is_number": _is_number,
    "match": _regex_match,
    "search": _regex_search,
}
METHODS: Final = frozenset(
    [
        "capitalize",
        "count",
        "endswith",
        "find",
        "get",
        "isalnum",
        "isalpha",
        "isdigit",
        "isnumeric",
        "items",
        "keys",
        "lower",
        "lstrip",
        "replace",
        "rstrip",
        "split",
        "startswith",
        "strip",
        "title",
        "upper",
        "values",
    ]
)
"""The methods of texts and objects that may be called."""
