"""Hours on the wall and what they offer: nights in which clocks move or days end, closures, overlaps."""

import uuid
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemedicine.clinics import rules
from telemedicine.clinics.rules import Closure, Extra, Hours, Opening, Schedule

BERLIN, SHANGHAI = "Europe/Berlin", "Asia/Shanghai"
SPRING, AUTUMN = date(2026, 3, 29), date(2026, 10, 25)  # Sundays on which Berlin's clocks move
HALF_HOUR = timedelta(minutes=30)
TYPE, OTHER_TYPE = uuid.UUID(int=1), uuid.UUID(int=2)


def day_of(day: date, zone: str) -> tuple[datetime, datetime]:
    return rules.end_of(day - timedelta(days=1), zone), rules.end_of(day, zone)


def starts_on(schedule: Schedule, day: date, holidays: frozenset[date] = frozenset()) -> list[str]:
    """Return the starts of half hours in the openings that begin on a day, as local times with their offset."""
    since, until = day_of(day, schedule.time_zone)
    found = [
        start
        for opening in rules.openings(schedule, holidays, since, until)
        if opening.wall.date() == day
        for start in rules.starts(opening, HALF_HOUR, HALF_HOUR)
    ]
    return [f"{start.astimezone(ZoneInfo(schedule.time_zone)):%H:%M%z}" for start in found]


def sundays(starts: str, ends: str, **values: object) -> Schedule:
    minutes = [int(text[:2]) * 60 + int(text[3:]) for text in (starts, ends)]
    return Schedule(BERLIN, (Hours(7, *minutes),), **values)  # type: ignore[arg-type]


def test_a_start_in_the_spring_gap_moves_by_the_gap_and_is_offered_once() -> None:
    assert starts_on(sundays("01:00", "04:00"), SPRING) == [
        "01:00+0100",
        "01:30+0100",
        "03:00+0200",
        "03:30+0200",
    ]


def test_hours_that_lie_in_the_gap_are_moved_behind_it() -> None:
    assert starts_on(sundays("02:00", "02:30"), SPRING) == ["03:00+0200"]


def test_the_doubled_hour_is_offered_once() -> None:
    assert starts_on(sundays("01:30", "03:30"), AUTUMN) == ["01:30+0200", "02:00+0200", "02:30+0200", "03:00+0100"]


def test_the_doubled_hour_is_worked_twice() -> None:
    since, until = day_of(AUTUMN, BERLIN)
    (there,) = rules.hours_there(sundays("01:00", "04:00"), frozenset(), since, until)
    assert there[1] - there[0] == timedelta(hours=4)


def test_a_night_belongs_to_its_evening() -> None:
    schedule = Schedule(SHANGHAI, (Hours(5, 22 * 60, 30 * 60),))
    friday = date(2026, 3, 6)
    found = starts_on(schedule, friday)
    assert (found[0], found[-1], len(found)) == ("22:00+0800", "05:30+0800", 16)
    assert starts_on(schedule, friday + timedelta(days=1)) == []
    # Who asks for Saturday alone still sees what is left of the night.
    saturday = rules.openings(schedule, frozenset(), *day_of(friday + timedelta(days=1), SHANGHAI))
    assert len(saturday) == 1


def test_hours_are_kept_between_the_first_and_the_last_day() -> None:
    schedule = Schedule(SHANGHAI, (Hours(1, 540, 600, date(2026, 3, 9), date(2026, 3, 16)),))
    kept = [day for day in range(1, 32) if starts_on(schedule, date(2026, 3, day))]
    assert kept == [9, 16]


def test_holidays_are_kept_by_those_who_say_so_and_by_extra_hours() -> None:
    holiday = date(2026, 3, 2)
    usual, always = Hours(1, 540, 600), Hours(1, 840, 900, on_holidays=True)
    extra = Extra(datetime(2026, 3, 2, 18), datetime(2026, 3, 2, 19))  # noqa: DTZ001 - on the wall
    found = starts_on(Schedule(SHANGHAI, (usual, always), (extra,)), holiday, frozenset({holiday}))
    assert found == ["14:00+0800", "14:30+0800", "18:00+0800", "18:30+0800"]


def test_a_closure_takes_from_weekly_and_extra_hours() -> None:
    closed = Closure(datetime(2026, 3, 2, 9, 30), datetime(2026, 3, 2, 18, 30), SHANGHAI)  # noqa: DTZ001
    extra = Extra(datetime(2026, 3, 2, 18), datetime(2026, 3, 2, 19))  # noqa: DTZ001
    schedule = Schedule(SHANGHAI, (Hours(1, 540, 600),), (extra,), (closed,))
    there = rules.hours_there(schedule, frozenset(), *day_of(date(2026, 3, 2), SHANGHAI))
    assert [f"{start.astimezone(ZoneInfo(SHANGHAI)):%H:%M}" for start, _ in there] == ["09:00", "18:30"]


def test_nobody_is_there_behind_the_end_of_a_licence() -> None:
    since, until = day_of(date(2026, 3, 2), SHANGHAI)
    schedule = Schedule(SHANGHAI, (Hours(1, 540, 600),), until=since + timedelta(hours=9, minutes=30))
    assert rules.hours_there(schedule, frozenset(), since, until) == [
        (since + timedelta(hours=9), since + timedelta(hours=9, minutes=30))
    ]


@pytest.mark.parametrize(
    ("one", "other", "is_overlap"),
    [
        (Hours(1, 540, 720), Hours(1, 720, 900), False),
        (Hours(1, 540, 721), Hours(1, 720, 900), True),
        (Hours(1, 540, 720), Hours(2, 540, 720), False),
        (Hours(1, 1320, 1800), Hours(2, 300, 400), True),  # a night reaches into the next morning
        (Hours(7, 1320, 1800), Hours(1, 300, 400), True),  # from Sunday to Monday, too
        (Hours(7, 1320, 1800), Hours(1, 360, 400), False),
        (Hours(1, 540, 720, valid_until=date(2026, 3, 1)), Hours(1, 540, 720, date(2026, 3, 2)), False),
        (Hours(1, 540, 720, valid_until=date(2026, 3, 2)), Hours(1, 540, 720, date(2026, 3, 2)), True),
    ],
)
def test_hours_that_overlap_are_found(one: Hours, other: Hours, is_overlap: bool) -> None:
    assert bool(rules.overlapping([one, other])) is is_overlap
    assert bool(rules.overlapping([other, one])) is is_overlap


zones = st.sampled_from([BERLIN, SHANGHAI, "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Cairo"])
days = st.dates(date(2026, 1, 1), date(2026, 12, 31))
hours = st.builds(
    lambda weekday, start, length: Hours(weekday, start, min(start + length, rules.LATEST_MINUTE)),
    st.integers(1, 7),
    st.integers(0, 1439),
    st.integers(1, 1440),
)


@given(hours, zones, days, st.sampled_from([10, 15, 20, 45]), st.sampled_from([10, 30, 50]))
def test_starts_are_those_a_clock_on_the_wall_shows(hours: Hours, zone: str, day: date, step: int, length: int) -> None:
    """Walk through a week minute by minute of elapsed time and read the wall, as somebody who sits there would."""
    schedule = Schedule(zone, (hours,))
    since, until = day_of(day, zone)[0], day_of(day + timedelta(days=6), zone)[1]
    found = {
        start
        for opening in rules.openings(schedule, frozenset(), since, until)
        for start in rules.starts(opening, timedelta(minutes=length), timedelta(minutes=step))
    }
    for opening in rules.openings(schedule, frozenset(), since, until):
        shown: dict[datetime, datetime] = {}
        at = opening.starts_at
        while at < opening.ends_at:
            # The first instant that shows a wall time is that time's.
            shown.setdefault(at.astimezone(ZoneInfo(zone)).replace(tzinfo=None, fold=0), at)
            at += timedelta(minutes=1)
        for wall, instant in shown.items():
            minutes = (wall - opening.wall) // timedelta(minutes=1)
            if minutes >= 0 and minutes % step == 0 and instant + timedelta(minutes=length) <= opening.ends_at:
                assert instant in found
    assert all(
        any(o.starts_at <= s and s + timedelta(minutes=length) <= o.ends_at for o in _around(schedule, s))
        for s in found
    )


def _around(schedule: Schedule, instant: datetime) -> list[Opening]:
    return rules.openings(schedule, frozenset(), instant, instant + timedelta(minutes=1))


instants = st.integers(0, 60).map(lambda minute: datetime(2026, 3, 2, tzinfo=UTC) + timedelta(minutes=minute))
spans = st.lists(st.tuples(instants, instants))


def minutes_in(found: list[rules.Span]) -> set[datetime]:
    return {
        start + timedelta(minutes=passed)
        for start, end in found
        for passed in range(int((end - start) / timedelta(minutes=1)))
    }


@given(spans, spans, st.tuples(instants, instants))
def test_spans_are_sets_of_minutes(some: list[rules.Span], others: list[rules.Span], wanted: rules.Span) -> None:
    a, b = rules.merged(some), rules.merged(others)
    assert minutes_in(a) == minutes_in([span for span in some if span[0] < span[1]])
    assert minutes_in(rules.without(a, b)) == minutes_in(a) - minutes_in(b)
    assert rules.without(a, b) == rules.merged(rules.without(a, b))
    if wanted[0] < wanted[1]:
        assert rules.meets(a, wanted) == bool(minutes_in(a) & minutes_in([wanted]))
        assert rules.covers(a, wanted) == (minutes_in([wanted]) <= minutes_in(a))


def test_languages_are_matched_by_their_beginning() -> None:
    assert rules.speaks(["zh-CN"], "zh")
    assert rules.speaks(["zh-CN"], "zh-cn")
    assert not rules.speaks(["zh"], "zh-CN")
    assert not rules.speaks(["zhx"], "zh")


def test_hours_without_types_serve_all() -> None:
    since, until = day_of(date(2026, 3, 2), SHANGHAI)
    (all_types,) = rules.openings(Schedule(SHANGHAI, (Hours(1, 540, 600),)), frozenset(), since, until)
    some = Hours(1, 540, 600, visit_type_ids=frozenset({TYPE}))
    (one_type,) = rules.openings(Schedule(SHANGHAI, (some,)), frozenset(), since, until)
    assert [o.serves(t) for o in (all_types, one_type) for t in (TYPE, OTHER_TYPE)] == [True, True, True, False]


def test_a_day_ends_where_its_clocks_say() -> None:
    assert rules.end_of(SPRING, BERLIN) - rules.end_of(SPRING - timedelta(days=1), BERLIN) == timedelta(hours=23)
    assert rules.end_of(AUTUMN, BERLIN) - rules.end_of(AUTUMN - timedelta(days=1), BERLIN) == timedelta(hours=25)
