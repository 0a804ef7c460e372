"""When a place is open, by which words it is found, how full it is: pure decisions.

Hours are on the wall of the place. A rule recurs as ``app.core.recurrence`` says; a time in the gap of a spring night
moves by the gap, one that happens twice is its first instant (RFC 5545, 3.3.5). An end beyond 24:00 is on the next day:
a night belongs to its evening, also where the next day has hours of its own.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final, Literal

from app.core.recurrence import Recurrence, occurrences
from community.workers.rules import Span, at_wall, joined, without

Kind = Literal[
    "museum", "gallery", "park", "garden", "historic", "religious", "theatre", "zoo", "aquarium", "viewpoint",
    "theme_park", "nature", "market", "other",
]  # fmt: skip
State = Literal["draft", "published", "withdrawn"]
Minutes = tuple[int, int]
"""From when to when, in minutes since midnight on the wall."""

LONGEST_CLOSING: Final = timedelta(days=31)
HORIZON: Final = timedelta(days=30)
"""How far ahead the next opening is looked for."""
LANGUAGES: Final = ("en", "zh-CN")

# What opened before and goes on: hours last 24 hours at most, and begin as late as the clocks may step.
_BEFORE: Final = timedelta(days=2)
_SOON: Final = timedelta(days=2)
_NO_SPACES: Final = "\u3040-\u30ff\u3400-\u9fff\U00020000-\U000323af"
_TOKENS: Final = re.compile(rf"[{_NO_SPACES}]+|[^\W_{_NO_SPACES}]+")


@dataclass(frozen=True, slots=True)
class Rule:
    """From the time at which ``recurrence`` falls to ``ends``, minutes since the midnight that its day begins with."""

    recurrence: Recurrence
    ends: int


@dataclass(frozen=True, slots=True)
class Hours:
    """All that decides when a place is open: rules, days with hours of their own, and when it is shut after all."""

    time_zone: str
    rules: Sequence[Rule] = ()
    other_days: Mapping[date, Sequence[Minutes]] | None = None
    closed: Sequence[Span] = ()


def openings(hours: Hours, calendar: Mapping[date, bool], span: Span) -> list[Span]:
    """Return when a place is open that has time in ``span``, in order and each as long as it is.

    ``calendar`` is that of ``app.core.recurrence``: the days that are not what their weekday says.
    """
    since, until = span
    other_days = hours.other_days or {}
    found = [
        (one.due_at, _at(one.local_date, rule.ends, hours.time_zone))
        for rule in hours.rules
        for one in occurrences(rule.recurrence, hours.time_zone, since - _BEFORE, until, calendar)
        if one.local_date not in other_days
    ]
    found += [
        (_at(day, starts, hours.time_zone), _at(day, ends, hours.time_zone))
        for day, kept in other_days.items()
        for starts, ends in kept
    ]
    there = without(joined(found), joined(hours.closed))
    return [one for one in there if one[0] < until and one[1] > since]


def next_opening(hours: Hours, calendar: Mapping[date, bool], now: datetime) -> Span | None:
    """Return when a place is open now, or else next, within ``HORIZON``."""
    for ahead in (_SOON, HORIZON):
        found = openings(hours, calendar, (now, now + ahead))
        # Nearly always it is soon, and to look no further is many times as fast; what may go on is looked at whole.
        if found and (found[0][1] < now + ahead or ahead == HORIZON):
            return found[0]
    return None


def missing(name: Mapping[str, str], hours: Sequence[object]) -> list[tuple[str, str, str]]:
    """Return what is missing before everybody is shown an attraction: where, why, and by which code."""
    errors = [
        (f"/name/{language}", "its name is needed in each language", "name_missing")
        for language in LANGUAGES
        if language not in name
    ]
    return errors if hours else [*errors, ("/hours", "nobody knows when it is open", "hours_missing")]


def clipped(spans: Iterable[Span], within: Span) -> list[Span]:
    """Return the part of each span that lies in ``within``."""
    return [(max(since, within[0]), min(until, within[1])) for since, until in spans]


def counts_from(closed_at: datetime, opens_at: datetime | None) -> datetime:
    """Return from when who comes in belongs to the next opening: those who leave last have left by then."""
    return closed_at + (timedelta(hours=12) if opens_at is None else (opens_at - closed_at) / 2)


def _at(day: date, minutes: int, time_zone: str) -> datetime:
    return at_wall(datetime.combine(day, time()) + timedelta(minutes=minutes), time_zone)  # naive: on the wall


def tokens(text: str) -> list[str]:
    """Return the words of a text without accents, cases and widths; what is written without spaces is one word."""
    plain = "".join(one for one in unicodedata.normalize("NFKD", text) if not unicodedata.combining(one))
    return _TOKENS.findall(plain.casefold())


def has_no_spaces(word: str) -> bool:
    """Say whether a word is of a script that is written without spaces: it may be several."""
    return re.match(f"[{_NO_SPACES}]", word) is not None


def grams(words: Iterable[str]) -> list[str]:
    """Return each letter of words and each two that follow each other, once, in order: what an index finds parts by.

    Chinese has no spaces, and every one or two of its characters may be a word: no dictionary decides.
    """
    return sorted({word[place : place + length] for word in words for place in range(len(word)) for length in (1, 2)})


def pairs(words: Iterable[str]) -> list[str]:
    """Return each two letters that follow each other in a word, once, in order."""
    return [gram for gram in grams(words) if len(gram) > 1]


def indexed(
    name: Mapping[str, str], others: Iterable[Mapping[str, str]], tags: Iterable[str]
) -> tuple[str, str, list[str]]:
    """Return what a thing of these texts is found by: its names, all of its texts, and the letters in them."""
    named = [tokens(name[language]) for language in LANGUAGES if language in name]
    texts = [text[language] for text in others for language in LANGUAGES if language in text]
    words = [*named, *(tokens(text) for text in [*texts, *tags])]
    # Texts are lines: what is looked for stands in one of them.
    found_by, text = ("\n".join(" ".join(line) for line in lines) for lines in (named, words))
    return found_by, text, grams(word for line in words for word in line)
