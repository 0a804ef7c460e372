"""The texts of a notice: TOML files beside it, one per language, compiled once."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from jinja2 import StrictUndefined, Template
from jinja2.sandbox import ImmutableSandboxedEnvironment

from notifications.templates.formats import FILTERS
from notifications.templates.notices import Notice

LANGUAGES = ("en", "zh-CN")
FALLBACK = "en"
MAX_PUSH_TEXT = 1024  # bytes, of title and body with sample names; a push has 4,096 for these, the ids and the data
FIELDS: Mapping[str, tuple[str, ...]] = {
    "push": ("title", "body"),
    "inbox": ("title", "body"),
    "mail": ("subject", "body"),
    "sms": ("text",),
    "voice": ("text",),
}
"""The sections a text file may have, one per channel, and what each consists of: a headline, if any, and a body."""

# Plain text, so nothing is escaped; whoever shows it in HTML escapes it there.
environment = ImmutableSandboxedEnvironment(
    undefined=StrictUndefined, autoescape=False, trim_blocks=True, lstrip_blocks=True
)
environment.filters.update(FILTERS)


class TextMissing(LookupError):  # noqa: N818 - says what happened
    """A notice has no text for this channel."""


def language_for(wanted: str) -> str:
    """Return the language of ours that serves a reader of ``wanted`` (BCP 47) best."""
    if wanted in LANGUAGES:
        return wanted
    primary = wanted.partition("-")[0].lower()
    return next((language for language in LANGUAGES if language.partition("-")[0] == primary), FALLBACK)


@cache
def source(notice_key: str, package: str, language: str) -> Mapping[str, Mapping[str, str]]:
    """Return the sections of a notice's text file; raises ``FileNotFoundError`` or ``tomllib.TOMLDecodeError``."""
    file = files(package) / "texts" / notice_key.rpartition(".")[2] / f"{language}.toml"
    sections: Mapping[str, Mapping[str, str]] = tomllib.loads(file.read_text(encoding="utf-8"))
    return sections


@cache
def _compiled(notice_key: str, package: str, language: str, channel: str) -> tuple[Template, ...]:
    try:
        section = source(notice_key, package, language)[channel]
        return tuple(environment.from_string(section[field].strip()) for field in FIELDS[channel])
    except (FileNotFoundError, KeyError) as error:
        raise TextMissing(f"{notice_key} has no {channel} text in {language}") from error


def templates(notice: Notice, channel: str, language: str) -> tuple[Template, ...]:
    """Return the compiled fields of a channel's text, in the order of ``FIELDS``; raises ``TextMissing``."""
    return _compiled(notice.key, notice.package, language, channel)
