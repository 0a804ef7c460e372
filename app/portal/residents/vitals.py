"""What was measured: the latest of each kind with who measured it, and how it went over days or a year."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from app.core import clock
from app.portal.charts.drawing import Chart
from app.portal.charts.lines import Band, LineWords, Series, line_chart
from app.portal.charts.scales import number_label
from app.portal.ground.measuring import DIASTOLIC, ENTERED, SYSTOLIC
from app.portal.ground.moments import instant
from app.portal.residents.knowing import Known
from eldercare.api import sign_name, value_shown

PERIODS: Final = (7, 30, 90, 365)
_POINTS: Final = 2_000
_RECENT: Final = 100
# A line over a year says something with a reading each week; over a week it says nothing across three days.
_GAPS: Final = {7: timedelta(days=2), 30: timedelta(days=5), 90: timedelta(days=14), 365: timedelta(days=31)}


async def vitals(person: Known, words: Mapping[str, str], days: int) -> dict[str, Any]:
    """Return the latest values and a chart for each kind measured in the last ``days`` days; raises ``Refused``."""
    # What was measured just now belongs to it, whichever way the end is counted.
    end = clock.now() + timedelta(minutes=1)
    start = end - timedelta(days=days)
    latest, recent, limits, names = await asyncio.gather(
        person.ask("vitals/latest"),
        person.ask("vitals", limit=_RECENT),
        person.items_if("vitals:read", "vital-thresholds", limit=100),
        _names(person, words),
    )
    by_id = {reading["id"]: reading for reading in recent["items"]}
    measured = [one for one in latest["items"] if one["measured_at"] is not None]
    return {
        "latest": _one_pressure([_latest(person, one, by_id, names, words) for one in measured], words),
        "charts": await _charts(person, words, measured, limits, (start, end, days)),
        "days": days,
        "periods": PERIODS,
        "kinds": [(key, sign_name(person.visit.language, name)) for key, (_, _, name) in ENTERED.items()],
    }


async def _names(person: Known, words: Mapping[str, str]) -> dict[str, str]:
    """Return what those are called who may have measured, by account."""
    circle = await person.items_if("circle:read", "circle")
    names = {member["account_id"]: member["name"] for member in circle}
    return names | {person.account_id: person.name, str(person.visit.actor.id): words["you"]}


def _latest(
    person: Known, one: Mapping[str, Any], by_id: Mapping[str, Any], names: Mapping[str, str], words: Mapping[str, str]
) -> dict[str, Any]:
    reading = by_id.get(one["reading_id"])
    return {
        "code": one["code"],
        "name": sign_name(person.visit.language, one["name"]),
        "number": _written(one["value"]),
        "unit": _unit(one),
        "status": one["status"],
        "measured_at": one["measured_at"],
        "by": "" if reading is None else _by(reading, names, words),
    }


def _one_pressure(latest: list[dict[str, Any]], words: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the latest values with both of a blood pressure as one, where they were measured together."""
    high = next((one for one in latest if one["code"] == SYSTOLIC), None)
    low = next((one for one in latest if one["code"] == DIASTOLIC), None)
    if high is None or low is None or high["measured_at"] != low["measured_at"]:
        return latest
    status = "outside" if "outside" in (high["status"], low["status"]) else high["status"]
    both = {"name": words["blood_pressure"], "number": f"{high['number']}/{low['number']}", "status": status}
    return [high | both, *(one for one in latest if one not in (high, low))]


def _written(value: Any) -> str:
    """Return a value as people write it: without a nought after the point."""
    return number_label(value) if isinstance(value, (int, float)) else str(value)


def _unit(one: Mapping[str, Any]) -> str:
    """Return a unit as people write it."""
    return value_shown({"value": "", "unit": one["unit"]}).strip()


def _by(reading: Mapping[str, Any], names: Mapping[str, str], words: Mapping[str, str]) -> str:
    """Return who measured, as far as the visitor may know."""
    who = names.get(reading["source_id"]) if reading["source_kind"] == "person" else None
    said = who or words[f"measured_by_{reading['source_kind']}"]
    return f"{said} ({reading['device']})" if reading["device"] else said


async def _charts(
    person: Known,
    words: Mapping[str, str],
    measured: Sequence[Mapping[str, Any]],
    limits: Sequence[Mapping[str, Any]],
    period: tuple[datetime, datetime, int],
) -> list[Chart]:
    start, end, days = period
    shown = [one for one in measured if isinstance(one["value"], (int, float)) and instant(one["measured_at"]) >= start]
    asked = (
        person.ask("vitals/series", code=one["code"], points=_POINTS, **{"from": start, "to": end}) for one in shown
    )
    series = {one["code"]: found for one, found in zip(shown, await asyncio.gather(*asked), strict=True)}
    named = {one["code"]: sign_name(person.visit.language, one["name"]) for one in shown}
    charts = []
    for codes in _together(list(series)):
        title = words["blood_pressure"] if len(codes) > 1 else named[codes[0]]
        called = (words["systolic"], words["diastolic"]) if len(codes) > 1 else (title,)
        lines = [Series(label, _points(series[code])) for label, code in zip(called, codes, strict=True)]
        unit = _unit(series[codes[0]])
        said = LineWords(
            title,
            words["chart_description"].format(name=person.name, days=days),
            unit,
            words["when"],
            words["lowest"],
            words["highest"],
            words["mean"],
            words["nothing_measured"],
        )
        charts.append(
            line_chart(
                lines,
                said,
                start=start,
                end=end,
                zone=person.their.time_zone,
                language=person.visit.language,
                bands=[band for code in codes if (band := _band(code, named[code], limits)) is not None],
                gap=_GAPS[days],
            )
        )
    return charts


def _together(codes: Sequence[str]) -> list[list[str]]:
    """Return the codes by charts: both values of a blood pressure share one."""
    if SYSTOLIC in codes and DIASTOLIC in codes:
        rest = [[code] for code in codes if code not in (SYSTOLIC, DIASTOLIC)]
        return [[SYSTOLIC, DIASTOLIC], *rest]
    return [[code] for code in codes]


def _points(series: Mapping[str, Any]) -> list[tuple[datetime, float]]:
    return [(instant(point["at"]), float(point["value"])) for point in series["points"]]


def _band(code: str, name: str, limits: Sequence[Mapping[str, Any]]) -> Band | None:
    """Return what is fine for a code: the narrowest of the limits that hold now."""
    holding = [limit for limit in limits if limit["code"] == code and limit["ended_at"] is None]
    lows = [limit["low"] for limit in holding if limit["low"] is not None]
    highs = [limit["high"] for limit in holding if limit["high"] is not None]
    return Band(name, max(lows, default=None), min(highs, default=None)) if lows or highs else None
