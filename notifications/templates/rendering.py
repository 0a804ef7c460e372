"""Rendering: a notice's text for one channel, in the language and time zone of who reads it."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from zoneinfo import ZoneInfo

from jinja2 import Template, TemplateError

from app.core.sealing import SealBroken
from notifications.templates.formats import LOCALE, TIME_ZONE, locale_of
from notifications.templates.notices import Notice
from notifications.templates.texts import TextMissing, environment, language_for, templates
from notifications.templates.variables import NAMED, PEOPLE, SOMEBODY, Stored, decode, named_ids


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads a text."""

    name: str
    language: str
    time_zone: str


@dataclass(frozen=True, slots=True)
class Text:
    """A rendered text; messages and calls have no title."""

    title: str | None
    body: str
    language: str


class CannotRender(ValueError):  # noqa: N818 - says what happened
    """A text cannot be made of what was stored; the message names the notice and the kind of error, never a value."""


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def render(
    notice: Notice,
    channel: str,
    reader: Reader,
    stored: Mapping[str, Stored],
    names: Mapping[uuid.UUID, str],
) -> Text:
    """Return the text of ``channel`` for ``reader``.

    ``stored`` are the variables as the table holds them, ``names`` what the ids among them are called. ``recipient`` is
    the reader's name in every text. Raises ``CannotRender``.
    """
    language = language_for(reader.language)
    try:
        values = decode(notice.variables, stored, names, language) | {
            "recipient": {"name": reader.name},
            LOCALE: locale_of(language),
            TIME_ZONE: _zone(reader.time_zone),
        }
        fields = [_filled(template, values) for template in templates(notice, channel, language)]
    except (TemplateError, TextMissing, KeyError, TypeError, ValueError, SealBroken) as error:
        raise CannotRender(f"{notice.key} for {channel}: {type(error).__name__}") from error
    title, body = fields if len(fields) == 2 else (None, fields[0])
    return Text(title, body, language)


def _filled(template: Template, values: dict[str, object]) -> str:
    """Return what ``render`` would; that copies Jinja's globals, of which our texts have no use, every time."""
    return environment.concat(template.root_render_func(template.new_context(values, shared=True)))


def render_unnamed(
    notice: Notice, channel: str, reader: Reader, stored: Mapping[str, Stored], names: Mapping[uuid.UUID, str]
) -> Text:
    """Return the text of ``channel`` without what people are called, for where others read it: a browser's screen.

    Raises ``CannotRender``.
    """
    somebody = SOMEBODY[language_for(reader.language)]
    try:
        people = (named_ids(notice.variables, stored, kind) for kind in PEOPLE)
        unnamed = {identifier: somebody for found in people for identifier in found}
    except ValueError as error:
        raise CannotRender(f"{notice.key} for {channel}: {type(error).__name__}") from error
    text = render(notice, channel, reader, stored, {**names, **unnamed})
    return Text(text.title and _begun(text.title), _begun(text.body), text.language)


def _begun(text: str) -> str:
    return text[:1].upper() + text[1:]


_NAME = environment.from_string("{{ value.name }}")
_WORDS: Mapping[str, Template] = {
    **dict.fromkeys(map(str, NAMED), _NAME),
    "instant": environment.from_string("{{ value | moment }}"),
    "date": environment.from_string("{{ value | date }}"),
    "integer": environment.from_string("{{ value | number }}"),
    "announcement": environment.from_string("{{ value.body }}"),
}
_AS_IT_IS = environment.from_string("{{ value }}")


def words(
    notice: Notice, reader: Reader, stored: Mapping[str, Stored], names: Mapping[uuid.UUID, str]
) -> dict[str, str]:
    """Return each variable of a notice as ``reader`` reads it, for texts that a provider keeps and fills in.

    Names for ids, day and wall time for instants, the rest as it is. Raises ``CannotRender``.
    """
    language = language_for(reader.language)
    shared = {LOCALE: locale_of(language), TIME_ZONE: _zone(reader.time_zone)}
    try:
        return {
            name: _WORDS.get(notice.variables[name], _AS_IT_IS).render(shared | {"value": value})
            for name, value in decode(notice.variables, stored, names, language).items()
        }
    except (TemplateError, KeyError, TypeError, ValueError, SealBroken) as error:
        raise CannotRender(f"{notice.key}: {type(error).__name__}") from error
