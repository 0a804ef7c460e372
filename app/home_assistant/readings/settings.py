"""What is set and tells how it is set: switches, sirens, numbers, choices, texts and the alarm's keypad."""

from typing import Final

from app.home_assistant.shapes import STATE, NotUnderstood, Reported
from app.home_assistant.sources import (
    UNKNOWN,
    Config,
    Source,
    Told,
    kept,
    numeric,
    on_and_off,
    one_of,
    plain,
    said,
    source,
    text_or_document,
)
from app.home_assistant.wording import setting, words

_VALUE: Final = ("value_template",)
ALARM_STATES: Final = [
    "arming",
    "armed_away",
    "armed_custom_bypass",
    "armed_home",
    "armed_night",
    "armed_vacation",
    "disarmed",
    "disarming",
    "pending",
    "triggered",
]


def switch(config: Config) -> list[Source]:
    """Return whether a switch is on."""
    return source(config, "state_topic", _VALUE, STATE, one_of(STATE, on_and_off(config, states=True)))


def siren(config: Config) -> list[Source]:
    """Return whether a siren sounds, and with which tone."""
    read_state = one_of(STATE, on_and_off(config, states=True))

    def read(text: str) -> Told:
        told = text_or_document(text)
        tone = said(told, "tone")
        state = said(told, STATE)
        if state is None:
            raise NotUnderstood("unknown_payload")
        return read_state(state) + ((kept("tone", tone),) if tone else ())

    return source(config, "state_topic", ("state_value_template", "value_template"), frozenset({STATE, "tone"}), read)


def number(config: Config) -> list[Source]:
    """Return what a number is set to."""
    reset = setting(config, "payload_reset", UNKNOWN)
    read_number = numeric(STATE)

    def read(text: str) -> Told:
        return (Reported(STATE, None),) if text == reset else read_number(text)

    return source(config, "state_topic", _VALUE, STATE, read)


def select(config: Config) -> list[Source]:
    """Return which option is chosen."""
    return source(config, "state_topic", _VALUE, STATE, plain(STATE, words(config, "options")))


def text(config: Config) -> list[Source]:
    """Return what a text is set to; it may be empty."""

    def read(found: str) -> Told:
        return (kept(STATE, found),)

    return source(config, "state_topic", _VALUE, STATE, read)


def alarm_control_panel(config: Config) -> list[Source]:
    """Return whether a home's own intruder alarm is armed or has gone off."""
    return source(config, "state_topic", _VALUE, STATE, one_of(STATE, {state: state for state in ALARM_STATES}))
