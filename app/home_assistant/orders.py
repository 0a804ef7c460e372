"""One command of one entity: which arguments it takes, and what is published for it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from app.home_assistant.shapes import MOST_TEXT, NotPossible, Publication
from app.home_assistant.sources import Config
from app.home_assistant.templates import TemplateFailed, template
from app.home_assistant.wording import is_plain

Arguments = Mapping[str, Any]
Schema = dict[str, Any]

_NEVER_KEPT: Final = frozenset({"alarm_control_panel", "button", "cover", "lock", "siren", "valve", "vacuum"})


@dataclass(frozen=True, slots=True)
class Order:
    """A command: the JSON Schema of each argument, those it needs, and what it makes of them."""

    make: Callable[[Arguments], Publication]
    takes: Mapping[str, Schema] = field(default_factory=dict)
    needs: tuple[str, ...] = ()


Orders = dict[str, Order]


def number_from(least: float, most: float) -> Schema:
    """Return the schema of a number."""
    return {"type": "number", "minimum": least, "maximum": most}


def word_among(words: tuple[str, ...]) -> Schema:
    """Return the schema of one of several words, or of any where none are known."""
    return {"type": "string", "enum": list(words)} if words else {"type": "string", "maxLength": MOST_TEXT}


YES_OR_NO: Final[Schema] = {"type": "boolean"}


def checked(order: Order, arguments: Arguments) -> Arguments:
    """Return a command's arguments if it takes them.

    Raises ``NotPossible`` with ``unknown_argument``, ``missing_argument`` or ``bad_argument``.
    """
    if not arguments.keys() <= order.takes.keys():
        raise NotPossible("unknown_argument")
    if not set(order.needs) <= arguments.keys():
        raise NotPossible("missing_argument")
    if not all(_fits(order.takes[name], value) for name, value in arguments.items()):
        raise NotPossible("bad_argument")
    return arguments


def _fits(schema: Schema, value: object) -> bool:
    if schema["type"] == "boolean":
        return isinstance(value, bool)
    if schema["type"] == "number":
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return is_number and schema["minimum"] <= value <= schema["maximum"]
    if not isinstance(value, str) or not is_plain(value):
        return False
    least, most = schema.get("minLength", 0), schema.get("maxLength", MOST_TEXT)
    return least <= len(value) <= most and value in schema.get("enum", (value,))


def published(
    config: Config,
    topic: str,
    payload: str,
    *,
    by: str | None = None,
    values: Arguments | None = None,
    expected: Mapping[str, str] | None = None,
) -> Publication:
    """Return what is published at the topic the configuration gives for ``topic``.

    ``by`` names the template that makes the payload of ``value`` and ``values``, where the configuration has it.
    Raises ``NotPossible`` with the word for why a template makes nothing of them.
    """
    source = config.get(by) if by is not None else None
    if isinstance(source, str):
        payload = rendered(source, {"value": payload, **(values or {})})
    return Publication(str(config[topic]), payload.encode(), expected=expected or {})


def rendered(source: str, values: Arguments) -> str:
    """Return what a template makes of values; raises ``NotPossible``."""
    ready = template(source)
    if isinstance(ready, str):
        raise NotPossible(ready)
    try:
        return ready.with_values(values)
    except TemplateFailed as problem:
        raise NotPossible(str(problem)) from None


def has(config: Config, topic: str) -> bool:
    """Say whether a configuration gives a topic."""
    return isinstance(config.get(topic), str)


def may_be_kept(component: str, config: Config) -> bool:
    """Say whether a command may stay at the broker for a device that comes back later.

    Never what opens, sounds or moves, whatever the device asks for: a door is not opened an hour late.
    """
    return config.get("retain") is True and component not in _NEVER_KEPT
