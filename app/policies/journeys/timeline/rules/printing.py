"""What a timeline says on paper: its sections, and an item as a line of its day and of its section."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date

from app.policies.journeys.timeline.rules.kinds import SCOPE_OF, Kind
from app.policies.journeys.timeline.rules.words import SECTIONS, words_of
from eldercare.api import alarm_name, sign_name, value_shown

Section = Literal["doses", "readings", "visits", "alarms"]

SECTION_OF: Final[Mapping[str, Section]] = {
    "dose_taken": "doses",
    "dose_skipped": "doses",
    "dose_missed": "doses",
    "reading": "readings",
    "visit_started": "visits",
    "visit_completed": "visits",
    "visit_missed": "visits",
    "alarm_raised": "alarms",
    "alarm_closed": "alarms",
}
"""Kinds that have a section of their own behind the days."""

_FIRST_HALVES: Final = {"visit_started": "visit_completed", "alarm_raised": "alarm_closed"}
_CALLS: Final = {"check_in_missed", "dose_skipped", "dose_missed", "visit_missed", "alarm_raised", "wellbeing_flagged"}
"""Kinds that are marked, as somebody should look at them first."""


def sections(shown: Collection[Kind], language: str) -> list[dict[str, Any]]:
    """Return the sections that the kinds ``shown`` fill, each with its name and the heads of its columns."""
    wanted = {SECTION_OF[kind] for kind in shown if kind in SECTION_OF}
    return [{"key": key, **told} for key, told in SECTIONS[language].items() if key in wanted]


def holds(shown: Collection[Kind], language: str) -> list[str]:
    """Return the names of what the kinds ``shown`` are about, in order."""
    words = words_of(language)
    return [words[scope] for scope in dict.fromkeys(SCOPE_OF[kind] for kind in shown)]


@lru_cache(maxsize=1024)
def day_name(day: date, language: str, width: str = "full") -> str:
    """Return a day as it is written in ``language``: ``Monday, March 2, 2026``."""
    return format_date(day, width, locale=Locale.parse(language, sep="-"))


def moment(instant: datetime | str | None, zone: ZoneInfo, language: str) -> str:
    """Return day and wall time of an instant (RFC 3339 in what is stored), ``–`` for none."""
    if instant is None:
        return "–"
    local = _read(instant).astimezone(zone)
    return f"{day_name(local.date(), language, 'medium')} {local:%H:%M}"


@dataclass(slots=True)
class Lines:
    """Turns items, the latest first, into the lines of a document.

    What has a beginning and an end (a visit, an alarm) is one line of its section: the end's, which is met first and
    knows the beginning; the beginning's only if the end is not in the document.
    """

    language: str
    zone: ZoneInfo
    _ended: set[tuple[str, Any]] = field(default_factory=set)

    def line(self, kind: Kind, item_id: Any, at: datetime, data: Mapping[str, Any], text: str) -> dict[str, Any]:
        """Return the line of an item: its day and time, its sentence, and its cells if it is in a section."""
        local = at.astimezone(self.zone)
        line: dict[str, Any] = {
            "day": day_name(local.date(), self.language),
            "time": f"{local:%H:%M}",
            "text": text,
            "kind": kind,
            "calls": kind in _CALLS
            or (kind == "reading" and data["side"] is not None)
            or data.get("status") == "noshow",
        }
        if kind in SECTION_OF and self._is_whole(kind, item_id):
            line |= {"section": SECTION_OF[kind], "cells": list(self._cells(kind, at, data))}
        return line

    def _is_whole(self, kind: str, item_id: Any) -> bool:
        if kind in _FIRST_HALVES.values():
            self._ended.add((kind, item_id))
        return (_FIRST_HALVES.get(kind), item_id) not in self._ended

    def _cells(self, kind: Kind, at: datetime, data: Mapping[str, Any]) -> Iterator[str]:
        words = words_of(self.language)
        match SECTION_OF[kind]:
            case "doses":
                yield self._moment(data["due_at"])
                yield words[_dose(kind, data)]
                yield words.get(f"reason.{data.get('reason')}", "") if kind == "dose_skipped" else ""
                yield "–" if kind == "dose_missed" else self._moment(at, data["due_at"])
            case "readings":
                yield self._moment(at)
                yield sign_name(self.language, data["name"])
                yield value_shown(data)
                yield words[f"side.{data['side']}"] if data["side"] else ""
            case "visits":
                yield f"{self._moment(data['starts_at'])}–{self._local(data['ends_at']):%H:%M}"
                came = data.get("started_at", at)
                yield words["visit.missed"] if kind == "visit_missed" else self._moment(came, data["starts_at"])
                yield self._moment(at, data["starts_at"]) if kind == "visit_completed" else "–"
            case "alarms":
                raised, closed = (at, None) if kind == "alarm_raised" else (data["raised_at"], at)
                name = alarm_name(self.language, data["alarm"])
                yield self._moment(raised)
                yield words["alarm.test"].format(what=name) if data["is_test"] else name
                yield words[f"severity.{data['severity']}"]
                yield self._moment(closed, raised)
                yield words.get(f"outcome.{data.get('outcome')}", data.get("outcome") or "–")

    def _moment(self, instant: datetime | str | None, beside: datetime | str | None = None) -> str:
        """Return day and wall time of an instant, the time alone if the one ``beside`` it has the same day."""
        if instant is not None and beside is not None and self._local(instant).date() == self._local(beside).date():
            return f"{self._local(instant):%H:%M}"
        return moment(instant, self.zone, self.language)

    def _local(self, instant: datetime | str) -> datetime:
        return _read(instant).astimezone(self.zone)


def _read(instant: datetime | str) -> datetime:
    return datetime.fromisoformat(instant) if isinstance(instant, str) else instant


def _dose(kind: Kind, data: Mapping[str, Any]) -> str:
    return "dose_taken.late" if kind == "dose_taken" and data["late"] else kind
