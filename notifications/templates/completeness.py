"""What is missing from a notice's texts: the check that makes an incomplete notice fail a test, not a person."""

import tomllib
from collections.abc import Iterator, Mapping

from jinja2 import TemplateError, meta

from notifications.templates.examples import rendered
from notifications.templates.notices import Notice
from notifications.templates.rendering import CannotRender
from notifications.templates.texts import FIELDS, LANGUAGES, MAX_PUSH_TEXT, environment, source

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
    try:
        text = rendered(notice, channel, language)
    except CannotRender as error:
        yield f"{where}: {error}"
        return
    if not text.body or text.title == "":
        yield f"{where}: {channel} renders to nothing"
    if channel == "push" and len(f"{text.title}{text.body}".encode()) > MAX_PUSH_TEXT:
        yield f"{where}: push is longer than {MAX_PUSH_TEXT} bytes"
