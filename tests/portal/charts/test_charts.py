"""Pictures: any data gives a well-formed picture that stays inside its edges and says the same as its table."""

import math
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from xml.etree import ElementTree as ET
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markupsafe import Markup

from app.portal.charts.days import QUARTERS, DayWords, RoomDay, day_picture
from app.portal.charts.drawing import WIDTH, Chart, cut, element, width_of, wrapped
from app.portal.charts.ladders import LadderWords, Rung, escalation_ladder
from app.portal.charts.lines import Band, LineWords, Series, line_chart
from app.portal.charts.scales import time_scale, time_ticks, value_scale
from app.portal.charts.strips import KINDS, StripDay, StripDose, StripWords, adherence_strip

SVG = "{http://www.w3.org/2000/svg}"
SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onload='x",
    "\u202egnp.exe\u2066",
    "a\x00b\x1f\ud800",
    "]]><!--",
    "&amp;&lt;",
    "非常" * 60,
    "Donaudampfschifffahrtsgesellschaft" * 4,
    "",
)
labels = st.sampled_from(HOSTILE) | st.text(max_size=40)
numbers = st.floats(allow_nan=False, allow_infinity=False)
instants = st.datetimes(datetime(1971, 1, 1), datetime(2099, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 (given a zone)
languages = st.sampled_from(["en", "zh-CN"])
zones = st.sampled_from([SHANGHAI, BERLIN, ZoneInfo("Australia/Lord_Howe"), ZoneInfo("America/New_York")])
points = st.lists(st.tuples(instants, numbers), max_size=120)


def line_words(label: str) -> LineWords:
    return LineWords(label, label, label, label, label, label, label, label)


def strip_words(label: str) -> StripWords:
    return StripWords(label, label, label, label, dict.fromkeys(KINDS, label), label)


def ladder_words(label: str) -> LadderWords:
    return LadderWords(label, label, "{minutes} " + label, label, label, label, label, label)


def day_words(label: str) -> DayWords:
    return DayWords(label, label, label, label, label, (label, label, label, label), label)


def seen(svg: Markup) -> ET.Element:
    """Return the picture read as XML, after looking that nothing in it runs or styles or stands outside its edges."""
    root = ET.fromstring(str(svg))
    assert root.tag == f"{SVG}svg"
    assert root.get("role") == "img"
    assert root.find(f"{SVG}title") is not None
    left, top, width, height = map(float, (root.get("viewBox") or "").split())
    assert (left, top, width) == (0, 0, WIDTH)
    for part in root.iter():
        assert part.tag.removeprefix(SVG) in {
            "svg", "title", "desc", "g", "line", "path", "polygon", "rect", "text", "circle"
        }  # fmt: skip
        assert not [name for name in part.attrib if name == "style" or name.startswith("on") or "href" in name]
        for x, y in _places(part):
            assert -0.1 <= x <= width + 0.1, ET.tostring(part)
            assert -0.1 <= y <= height + 0.1, ET.tostring(part)
    return root


def _places(part: ET.Element) -> list[tuple[float, float]]:  # noqa: PLR0911 (a case for each shape)
    def said(name: str) -> float:
        return float(part.get(name) or 0)

    match part.tag.removeprefix(SVG):
        case "circle":
            return [(said("cx"), said("cy"))]
        case "line":
            return [(said("x1"), said("y1")), (said("x2"), said("y2"))]
        case "rect":
            assert said("width") >= 0
            assert said("height") >= 0
            return [(said("x"), said("y")), (said("x") + said("width"), said("y") + said("height"))]
        case "text":
            x, wide = said("x"), width_of(part.text or "")
            start = {"start": x, "middle": x - wide / 2, "end": x - wide}[part.get("text-anchor") or "start"]
            return [(max(start, 0.0) if start > -3 else start, said("y")), (start + wide - 3, said("y"))]
        case "polygon":
            return [(float(x), float(y)) for x, y in (place.split(",") for place in (part.get("points") or "").split())]
        case "path" if "l" not in (d := part.get("d") or "") and "h" not in d:
            return [(float(x), float(y)) for x, y in (place.split() for place in d.removeprefix("M").split("L"))]
    return []


def complete(chart: Chart) -> ET.Element:
    """Return the picture, after looking that every row of its table has a cell for each heading."""
    assert all(len(row) == len(chart.table.headings) for row in chart.table.rows)
    return seen(chart.svg)


@settings(deadline=None, max_examples=50)
@given(points, points, labels, instants, st.floats(0.01, 4000), zones, languages, numbers, numbers)
def test_a_line_chart_of_anything_is_well_formed_and_inside_its_edges(  # noqa: PLR0917 (what hypothesis makes)
    first: list[tuple[datetime, float]],
    second: list[tuple[datetime, float]],
    label: str,
    start: datetime,
    days: float,
    zone: ZoneInfo,
    language: str,
    low: float,
    high: float,
) -> None:
    complete(
        line_chart(
            [Series(label, first), Series(label, second)],
            line_words(label),
            start=start,
            end=start + timedelta(days=days),
            zone=zone,
            language=language,
            bands=[Band(label, min(low, high), max(low, high)), Band(label, low), Band(label)],
        )
    )


@given(st.lists(st.tuples(st.dates(), st.lists(st.tuples(st.sampled_from(KINDS), labels), max_size=20)), max_size=40))
def test_a_strip_of_any_doses_is_well_formed_and_inside_its_edges(
    days: list[tuple[date, list[tuple[str, str]]]],
) -> None:
    drawn = [StripDay(day, [StripDose(kind, label) for kind, label in doses]) for day, doses in days]  # type: ignore[arg-type]
    for language in ("en", "zh-CN"):
        complete(adherence_strip(drawn, strip_words("<b>&"), language=language))


levels = st.lists(st.integers(0, 3), min_size=QUARTERS, max_size=QUARTERS)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(labels, levels, st.none() | levels), max_size=6), labels, st.integers(-5, 200))
def test_a_day_of_any_rooms_is_well_formed_and_inside_its_edges(
    rooms: list[tuple[str, list[int], list[int] | None]], label: str, known: int
) -> None:
    complete(day_picture([RoomDay(*room) for room in rooms], day_words(label), "en", known_until=known))


@given(
    st.lists(st.tuples(labels, labels, numbers, st.booleans(), st.sampled_from(["plain", "done", "now"])), max_size=12),
    labels,
)
def test_a_ladder_of_any_steps_is_well_formed_and_inside_its_edges(
    rungs: list[tuple[str, str, float, bool, str]], label: str
) -> None:
    chart = escalation_ladder([Rung(*rung) for rung in rungs], ladder_words(label))  # type: ignore[arg-type]
    complete(chart)
    assert len(chart.table.rows) == len(rungs)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_not_drawn(value: float) -> None:
    now = datetime(2026, 3, 1, tzinfo=UTC)
    end = now + timedelta(days=7)
    with pytest.raises(ValueError, match="finite"):
        line_chart([Series("a", [(now, value)])], line_words("a"), start=now, end=end, zone=BERLIN)
    with pytest.raises(ValueError, match="finite"):
        line_chart([], line_words("a"), start=now, end=end, zone=BERLIN, bands=[Band("a", value)])
    with pytest.raises(ValueError, match="finite"):
        escalation_ladder([Rung("a", "b", value)], ladder_words("a"))
    with pytest.raises(ValueError, match="finite"):
        element("circle", cx=value)


def test_a_picture_has_no_place_for_scripts_and_styles() -> None:
    with pytest.raises(ValueError, match="no part"):
        element("script", "alert(1)")
    for name in ("style", "onload", "xlink_href"):
        with pytest.raises(ValueError, match="no attribute"):
            element("rect", **{name: "x"})


def test_an_instant_without_its_zone_is_not_drawn() -> None:
    start = datetime(2026, 3, 1, tzinfo=UTC)
    bare = datetime(2026, 3, 1)  # noqa: DTZ001 (that it has no zone is what is tested)
    with pytest.raises(ValueError, match="zone"):
        time_scale(bare, start, 0, 1)
    with pytest.raises(ValueError, match="zone"):
        line_chart([Series("a", [(bare, 1.0)])], line_words("a"), start=start, end=start + timedelta(1), zone=BERLIN)


def test_the_axis_shows_local_midnights_on_both_sides_of_a_change_of_the_clock() -> None:
    start = datetime(2026, 3, 27, tzinfo=BERLIN)
    times = time_scale(start, datetime(2026, 4, 1, tzinfo=BERLIN), 0, 1190)
    ticks = time_ticks(times, BERLIN, "en")
    assert [said for _, said in ticks] == ["Fri 27", "Sat 28", "Sun 29", "Mon 30", "Tue 31", "Wed 1"]
    # The Sunday has 23 hours: five days are 119 hours, and every hour is as wide as another.
    assert [round(times.place(at) / 10) for at, _ in ticks] == [0, 24, 48, 71, 95, 119]


def test_an_hour_that_the_clock_skips_is_not_written() -> None:
    zone = ZoneInfo("Africa/Cairo")  # the clock goes from 00:00 to 01:00 on 24 April 2026
    times = time_scale(datetime(2026, 4, 23, 12, tzinfo=zone), datetime(2026, 4, 24, 12, tzinfo=zone), 0, 360)
    assert [said for _, said in time_ticks(times, zone, "en")] == [
        "12:00\u202fPM",
        "6:00\u202fPM",
        "6:00\u202fAM",
        "12:00\u202fPM",
    ]
    assert [said for _, said in time_ticks(times, zone, "zh-CN")] == ["12:00", "18:00", "06:00", "12:00"]


@given(instants, st.floats(0.01, 4000), zones, languages)
def test_an_axis_never_has_more_words_than_fit(start: datetime, days: float, zone: ZoneInfo, language: str) -> None:
    times = time_scale(start, start + timedelta(days=days), 48, 350)
    ticks = time_ticks(times, zone, language)
    assert len(ticks) <= 8
    for (earlier, first), (later, second) in pairwise(ticks):
        assert times.place(later) - times.place(earlier) >= (width_of(first) + width_of(second)) / 2


@given(st.lists(numbers, max_size=20))
def test_every_value_stands_on_its_scale_in_order(values: list[float]) -> None:
    scale = value_scale(values, 10, 200)
    places = [scale.place(value) for value in sorted(values)]
    assert places == sorted(places, reverse=True)
    assert all(9.9 <= place <= 200.1 for place in places)
    assert 1 <= len(scale.ticks) <= 9


def test_a_line_breaks_where_nobody_measured() -> None:
    start = datetime(2026, 3, 1, tzinfo=UTC)
    days = [start + timedelta(days=day) for day in (0, 1, 2, 3, 12, 13, 14)]
    svg = line_chart(
        [Series("a", [(at, 70.0 + n) for n, at in enumerate(days)])],
        line_words("a"),
        start=start,
        end=start + timedelta(days=30),
        zone=SHANGHAI,
    ).svg
    lines = seen(svg).findall(f".//{SVG}path")
    assert [(line.get("d") or "").count("L") for line in lines] == [3, 2]


def test_a_single_high_value_among_many_is_seen() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    found = [(start + timedelta(hours=hour), 120.0) for hour in range(2_000)]
    found[777] = (found[777][0], 210.0)
    chart = line_chart(
        [Series("a", found)], line_words("a"), start=start, end=start + timedelta(days=90), zone=SHANGHAI
    )
    ranges = [part for part in seen(chart.svg).iter(f"{SVG}line") if "chart-range" in (part.get("class") or "")]
    assert len(ranges) == 1
    assert any("210" in row for row in chart.table.rows)


def test_two_series_are_told_apart_by_shape() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    high, low = [(start, 130.0)], [(start, 80.0)]
    chart = line_chart(
        [Series("Systolic", high), Series("Diastolic", low)],
        line_words("mmHg"),
        start=start,
        end=start + timedelta(days=7),
        zone=SHANGHAI,
    )
    root = complete(chart)
    assert len(root.findall(f".//{SVG}circle")) == 2
    assert len(root.findall(f".//{SVG}polygon")) == 2
    assert chart.table.rows == (("Jan 1 8:00\u202fAM", "130", "80"),)


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_the_days_under_a_strip_do_not_run_into_each_other(language: str) -> None:
    days = [StripDay(date(2026, 11, 15) + timedelta(days=n), []) for n in range(14)]
    root = seen(adherence_strip(days, strip_words("x"), language=language).svg)
    texts = [one for one in root.iter(f"{SVG}text") if "chart-quiet" in (one.get("class") or "")]
    places = []
    for one in texts:
        wide, x = width_of(one.text or ""), float(one.get("x") or 0)
        left = x if one.get("text-anchor") in (None, "start") else x - wide / 2
        places.append((left, left + wide))
    assert len(places) > 8
    assert all(before[1] < after[0] for before, after in pairwise(places))


def test_each_kind_of_dose_has_a_shape_of_its_own() -> None:
    day = StripDay(date(2026, 3, 1), [StripDose(kind, kind) for kind in KINDS])
    svg = adherence_strip([day], strip_words("x")).svg
    shapes = set()
    for kind in KINDS:
        part = next(part for part in seen(svg).iter() if f"chart-{kind}" in (part.get("class") or "").split())
        shapes.add((part.tag, part.get("r"), (part.get("d") or "")[-4:], part.get("fill")))
    assert len(shapes) == len(KINDS)


@given(labels, st.floats(20, 400), st.integers(1, 3))
def test_a_text_is_never_wider_than_its_place(text: str, most: float, lines: int) -> None:
    assert width_of(cut(text, most)) <= most
    found = wrapped(text, most, lines)
    assert len(found) <= lines
    assert all(width_of(line) <= most for line in found)
