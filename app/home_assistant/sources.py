"""One thing that one topic tells of an entity, and how what it says becomes our words."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from app.home_assistant.documents import MOST_STATE, read_json
from app.home_assistant.shapes import MOST_TEXT, STATE, NotUnderstood, Reported
from app.home_assistant.wording import is_plain, number_of, setting, text_of

Config = Mapping[str, Any]
Told = tuple[Reported, ...]

UNKNOWN: Final = "None"
"""What a device says when it does not know (``payload_reset``)."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where something is told: a topic, perhaps a template, and what becomes of the text that comes out of it.

    ``read`` raises ``NotUnderstood`` for what it can make nothing of.
    """

    topic: str
    roles: frozenset[str]
    template: str | None
    read: Callable[[str], Told]


def source(
    config: Config, topic: str, templates: tuple[str, ...], roles: str | frozenset[str], read: Callable[[str], Told]
) -> list[Source]:
    """Return the source at the topic a configuration gives for ``topic``, if it gives one, as a list of one."""
    at = config.get(topic)
    if not isinstance(at, str):
        return []
    template = next((found for key in templates if isinstance(found := config.get(key), str)), None)
    return [Source(at, frozenset({roles}) if isinstance(roles, str) else roles, template, read)]


def kept(role: str, value: str, number: float | None = None) -> Reported:
    """Return what is reported, if it can be kept; raises ``NotUnderstood`` with ``too_long`` or ``not_text``."""
    if len(value) > MOST_TEXT:
        raise NotUnderstood("too_long")
    if not is_plain(value):
        raise NotUnderstood("not_text")
    return Reported(role, value, number)


def written(number: float) -> str:
    """Return a number as it is written everywhere, whatever way it came: ``21`` for 21.0."""
    return str(int(number)) if number == int(number) and abs(number) < 1e15 else str(number)


def one_of(role: str, ours: Mapping[str, str]) -> Callable[[str], Told]:
    """Return what reads a device's own words for its states; raises ``NotUnderstood`` with ``unknown_payload``."""

    def read(text: str) -> Told:
        value = ours.get(text)
        if value is not None:
            return (Reported(role, value),)
        if text == UNKNOWN:
            return (Reported(role, None),)
        raise NotUnderstood("unknown_payload" if text else "empty")

    return read


def plain(role: str, among: tuple[str, ...] = ()) -> Callable[[str], Told]:
    """Return what reads a text, one of ``among`` if there are any; raises ``NotUnderstood``."""

    def read(text: str) -> Told:
        if text == UNKNOWN:
            return (Reported(role, None),)
        if not text:
            raise NotUnderstood("empty")
        if among and text not in among:
            raise NotUnderstood("not_an_option")
        return (kept(role, text),)

    return read


def numeric(role: str, convert: Callable[[float], float] | None = None) -> Callable[[str], Told]:
    """Return what reads a number, converted; raises ``NotUnderstood`` with ``not_a_number``."""

    def read(text: str) -> Told:
        if text == UNKNOWN:
            return (Reported(role, None),)
        return (numbered(role, text, convert),)

    return read


def numbered(role: str, value: object, convert: Callable[[float], float] | None = None) -> Reported:
    """Return a number that was told, converted; raises ``NotUnderstood`` with ``not_a_number``."""
    number = number_of(value)
    if number is None:
        raise NotUnderstood("not_a_number")
    if convert is not None:
        try:
            number = convert(number)
        except (ArithmeticError, ValueError):
            raise NotUnderstood("not_a_number") from None
    return Reported(role, written(number), number)


def document(text: str) -> dict[str, Any]:
    """Return a JSON object; raises ``NotUnderstood``."""
    found = read_json(text.encode(errors="replace"), MOST_STATE)
    if not isinstance(found, dict):
        raise NotUnderstood("not_an_object")
    return found


def text_or_document(text: str) -> dict[str, Any]:
    """Return what a device says as an object, a bare state below ``state``; raises ``NotUnderstood``."""
    return document(text) if text.startswith("{") else {STATE: text}


def said(told: Mapping[str, Any], key: str) -> str | None:
    """Return what an object says of something as text, or nothing."""
    return text_of(told.get(key))


def on_and_off(config: Config, *, states: bool = False) -> dict[str, str]:
    """Return a device's words for on and off; with ``states`` those it reports, where they are not its commands."""
    on, off = setting(config, "payload_on", "ON"), setting(config, "payload_off", "OFF")
    if states:
        on, off = setting(config, "state_on", on), setting(config, "state_off", off)
    return {on: "on", off: "off"}
