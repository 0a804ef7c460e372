"""What is missing from a notice's texts: the check that makes an incomplete notice fail a test, not a person."""

import tomllib
import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from jinja2 import TemplateError, meta

from notifications.templates.notices import Notice
from notifications.templates.rendering import CannotRender, Reader, render
from notifications.templates.texts import FIELDS, LANGUAGES, MAX_PUSH_TEXT, environment, source
from notifications.templates.variables import Kind, Value, encode

_READER = Reader(name="Ada", language="en", time_zone="Europe/Berlin")
_INSTANT = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
_ID = uuid.UUID(int=1)
_SAMPLES: Mapping[Kind, Value] = {
    "resident": _ID,
    "account": _ID,
    "community": _ID,
    "instant": _INSTANT,
    "date": _INSTANT.date(),
    "integer": 2,
    "word": "word",
    "categories": "account=2",
    "text": "text",
}
_ALWAYS_THERE = frozenset({"recipient"})


def complaints(notice: Notice) -> list[str]:
    """Return one sentence for each thing wrong with the texts of ``notice``; nothing if all is well."""
    return [complaint for language in LANGUAGES for complaint in _in_language(notice, language)]


def _in_language(notice: Notice, language: str) -> Iterator[str]:
    where = f"{notice.key} in {language}"
    try:
        sections = source(notice.key, notice.package, language)
    except FileNotFoundError:
        yield f"{where}: there is no text file"
        return
    except tomllib.TOMLDecodeError as error:
        yield f"{where}: {error}"
        return
    for missing in sorted(set(notice.channels) - set(sections)):
        yield f"{where}: no section for {missing}"
    for channel, section in sections.items():
        yield from _in_section(notice, f"{where}, {channel}", channel, section)
        if channel in notice.channels:
            yield from _rendered(notice, channel, language, where)


def _in_section(notice: Notice, where: str, channel: str, section: Mapping[str, str]) -> Iterator[str]:
    fields = set(FIELDS.get(channel, ()))
    if fields != set(section):
        yield f"{where}: expected {sorted(fields)}, found {sorted(section)}"
    known = set(notice.variables) | _ALWAYS_THERE
    own_words = {name for name, kind in notice.variables.items() if kind == "text"}
    for field, text in section.items():
        try:
            used = meta.find_undeclared_variables(environment.parse(text))
        except TemplateError as error:
            yield f"{where}: {field} does not parse: {error}"
            continue
        for name in sorted(used - known):
            yield f"{where}: {field} uses {name}, which the notice does not declare"
        for name in sorted(used & own_words if channel == "push" else ()):
            yield f"{where}: {field} shows {name}, somebody's own words, on a locked screen"


def _rendered(notice: Notice, channel: str, language: str, where: str) -> Iterator[str]:
    reader = Reader(_READER.name, language, _READER.time_zone)
    stored = encode(notice.variables, {name: _SAMPLES[kind] for name, kind in notice.variables.items()})
    try:
        text = render(notice, channel, reader, stored, {_ID: "Grace"})
    except CannotRender as error:
        yield f"{where}: {error}"
        return
    if not text.body or text.title == "":
        yield f"{where}: {channel} renders to nothing"
    if channel == "push" and len(f"{text.title}{text.body}".encode()) > MAX_PUSH_TEXT:
        yield f"{where}: push is longer than {MAX_PUSH_TEXT} bytes"
