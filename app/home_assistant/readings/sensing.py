"""What only tells: sensors, contacts, trackers, presses and triggers."""

from datetime import datetime
from typing import Final

from app.home_assistant.shapes import STATE, NotUnderstood, Reported
from app.home_assistant.sources import (
    UNKNOWN,
    Config,
    Source,
    Told,
    document,
    kept,
    on_and_off,
    one_of,
    said,
    source,
    text_or_document,
)
from app.home_assistant.wording import number_of, setting, words

_VALUE: Final = ("value_template",)
_NOT_KNOWN: Final = frozenset({UNKNOWN, "unknown", "unavailable"})
_INSTANTS: Final = frozenset({"timestamp", "date"})


def binary_sensor(config: Config) -> list[Source]:
    """Return what a contact, a detector or any other thing tells that is on or off."""
    return source(config, "state_topic", _VALUE, STATE, one_of(STATE, on_and_off(config)))


def sensor(config: Config) -> list[Source]:
    """Return what a sensor tells: a number where it measures, an instant, one of its options, or a text."""
    device_class = config.get("device_class")
    options = words(config, "options")
    measures = device_class not in {*_INSTANTS, "enum"} and bool(
        config.get("unit_of_measurement") or config.get("state_class")
    )

    def read(text: str) -> Told:
        if text in _NOT_KNOWN:
            return (Reported(STATE, None),)
        if not text and (measures or options or device_class is not None):
            raise NotUnderstood("empty")  # of a text it is a state: after a press a button says that there is none
        if device_class in _INSTANTS:
            return (kept(STATE, _instant(text)),)
        if options and text not in options:
            raise NotUnderstood("not_an_option")
        number = None if device_class == "enum" else number_of(text)
        if measures and number is None:
            raise NotUnderstood("not_a_number")
        return (kept(STATE, text, number),)

    return source(config, "state_topic", _VALUE, STATE, read)


def _instant(text: str) -> str:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        raise NotUnderstood("not_an_instant") from None
    return text


def device_tracker(config: Config) -> list[Source]:
    """Return whether what is tracked is at home, or in which zone; never where it is."""
    ours = {
        setting(config, "payload_home", "home"): "home",
        setting(config, "payload_not_home", "not_home"): "not_home",
    }
    reset = setting(config, "payload_reset", UNKNOWN)

    def read(text: str) -> Told:
        if text in (reset, UNKNOWN):
            return (Reported(STATE, None),)
        if not text:
            raise NotUnderstood("empty")
        return (kept(STATE, ours.get(text, text)),)

    return source(config, "state_topic", _VALUE, STATE, read)


def event(config: Config) -> list[Source]:
    """Return what happens at a button or a doorbell: its ``event_type``, and whatever else comes with it."""
    types = words(config, "event_types")

    def read(text: str) -> Told:
        if text in ("", UNKNOWN, "{}"):
            raise NotUnderstood("empty")
        told = document(text)
        kind = said(told, "event_type")
        if not kind or (types and kind not in types):
            raise NotUnderstood("not_an_option")
        return (_happened(kind, {key: value for key, value in told.items() if key != "event_type"}),)

    return source(config, "state_topic", _VALUE, STATE, read)


def device_automation(config: Config) -> list[Source]:
    """Return a trigger's word: its type and subtype (``button_short_press button_1``) whenever its payload comes."""
    kind, subtype = setting(config, "type", ""), setting(config, "subtype", "")
    wanted = config.get("payload")

    def read(text: str) -> Told:
        if wanted is not None and text != setting(config, "payload", ""):
            raise NotUnderstood("another_trigger")
        return (_happened(f"{kind} {subtype}".strip() or "trigger", {"type": kind, "subtype": subtype}),)

    return source(config, "topic", _VALUE, STATE, read)


def tag(config: Config) -> list[Source]:
    """Return which tag was held to a reader."""

    def read(text: str) -> Told:
        if not text or text == UNKNOWN:
            raise NotUnderstood("empty")
        return (_happened(text, None),)

    return source(config, "topic", _VALUE, STATE, read)


def _happened(value: str, attributes: dict[str, object] | None) -> Reported:
    return Reported(STATE, kept(STATE, value).value, None, attributes, is_event=True)


def update(config: Config) -> list[Source]:
    """Return whether a device's software can be brought up to date: ``on`` where the latest version is another."""
    versions = frozenset({STATE, "installed_version", "latest_version"})

    def read(text: str) -> Told:
        if not text or text == UNKNOWN:
            raise NotUnderstood("empty")
        told = text_or_document(text)
        installed, latest = said(told, "installed_version") or said(told, STATE), said(told, "latest_version")
        reported = []
        if installed and installed != UNKNOWN:
            reported.append(kept("installed_version", installed))
        if latest and latest != UNKNOWN:
            reported.append(kept("latest_version", latest))
        if len(reported) == 2:
            reported.append(Reported(STATE, "off" if installed == latest else "on"))
        if not reported:
            raise NotUnderstood("empty")
        return tuple(reported)

    def latest(text: str) -> Told:
        if not text or text == UNKNOWN:
            raise NotUnderstood("empty")
        return (kept("latest_version", text),)

    return [
        *source(config, "state_topic", _VALUE, versions, read),
        *source(config, "latest_version_topic", ("latest_version_template",), "latest_version", latest),
    ]
