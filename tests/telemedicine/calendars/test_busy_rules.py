"""When somebody is busy by RFC 5545: recurrences on the wall, changing clocks, whole days, and bad events."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.wall_time import resolve
from telemedicine.calendars.rules.busy import BusyTimes, TooMuch, Window, busy_times
from telemedicine.calendars.rules.feeds import calendar as our_feed
from telemedicine.calendars.rules.fetching import EVERY, RARELY, TELL_AFTER, is_to_be_told, next_fetch
from telemedicine.calendars.rules.lines import NotACalendar
from telemedicine.clinics.rules import merged

YEAR = Window(datetime(2026, 3, 1, tzinfo=UTC), datetime(2027, 3, 1, tzinfo=UTC), "Europe/Berlin")
BERLIN = ZoneInfo("Europe/Berlin")
OUTLOOK = """BEGIN:VTIMEZONE
TZID:Our Office
BEGIN:STANDARD
DTSTART:16010101T030000
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010101T020000
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3
END:DAYLIGHT
END:VTIMEZONE"""


def ical(*events: str, more: str = "") -> bytes:
    """Return a calendar of events, each its lines with ``|`` between them."""
    written = "".join(f"BEGIN:VEVENT\nUID:{number}\n{event}\nEND:VEVENT\n" for number, event in enumerate(events))
    return f"BEGIN:VCALENDAR\n{more}\n{written}END:VCALENDAR\n".replace("|", "\n").replace("\n", "\r\n").encode()


def read(*events: str, window: Window = YEAR, more: str = "") -> BusyTimes:
    return busy_times(ical(*events, more=more), window)


def spans(*events: str, window: Window = YEAR, more: str = "") -> list[str]:
    """Return the spans in UTC, as ``MM-DD HH:MM/HH:MM``."""
    found = read(*events, window=window, more=more)
    assert found.skipped == 0
    return [f"{start:%m-%d %H:%M}/{end:%H:%M}" for start, end in found.spans]


@pytest.mark.parametrize(
    ("event", "busy"),
    [
        ("DTSTART:20260303T090000Z|DTEND:20260303T100000Z", ["03-03 09:00/10:00"]),
        ("DTSTART:20260303T090000|DURATION:PT45M", ["03-03 08:00/08:45"]),  # floating: where the practitioner is
        ("DTSTART;TZID=Asia/Shanghai:20260303T090000|DTEND;TZID=Asia/Shanghai:20260303T093000", ["03-03 01:00/01:30"]),
        ("DTSTART;TZID=Asia/Shanghai:20260303T090000|DTEND;TZID=Europe/Berlin:20260303T030000", ["03-03 01:00/02:00"]),
        ("DTSTART;TZID=/example.org/Asia/Shanghai:20260303T090000|DURATION:PT1H", ["03-03 01:00/02:00"]),
        ('DTSTART;TZID="China Standard Time":20260303T090000|DURATION:PT1H', ["03-03 01:00/02:00"]),
        ("DTSTART;VALUE=DATE:20260329", ["03-28 23:00/22:00"]),  # 23 hours
        ("DTSTART;VALUE=DATE:20261025|DTEND;VALUE=DATE:20261026", ["10-24 22:00/23:00"]),  # 25 hours
        ("DTSTART:20260328T120000|DURATION:P1D", ["03-28 11:00/10:00"]),  # a day on the wall
        ("DTSTART:20260328T120000|DURATION:PT24H", ["03-28 11:00/11:00"]),  # time as it passes
        ("DTSTART:20260329T023000|DURATION:PT1H", ["03-29 01:30/02:30"]),  # inside the gap
        ("DTSTART:20261025T023000|DURATION:PT1H", ["10-25 00:30/01:30"]),  # of two the first
        ("DTSTART:20260303T090000Z", []),  # takes no time
        ("DTSTART:20260303T090000Z|DURATION:PT1H|TRANSP:TRANSPARENT", []),
        ("DTSTART:20260303T090000Z|DURATION:PT1H|STATUS:CANCELLED", []),
        ("DTSTART:20260303T090000Z|DURATION:PT1H|STATUS:TENTATIVE", ["03-03 09:00/10:00"]),
        ("DTSTART:20260228T230000Z|DURATION:PT2H", ["02-28 23:00/01:00"]),  # reaches into the window
        ("DTSTART:20260228T230000Z|DURATION:PT1H", []),
        ("DTSTART:20270301T000000Z|DURATION:PT1H", []),
        (
            "DTSTART:20260303T090000Z|DURATION:PT1H|RDATE:20260304T090000Z,20260305T110000Z",
            ["03-03 09:00/10:00", "03-04 09:00/10:00", "03-05 11:00/12:00"],
        ),
        (
            "DTSTART:20260303T090000Z|DURATION:PT1H|RDATE;VALUE=PERIOD:20260304T090000Z/PT2H,20260305T090000Z/PT30M",
            ["03-03 09:00/10:00", "03-04 09:00/11:00", "03-05 09:00/09:30"],
        ),
        (
            "DTSTART:20260303T090000|DURATION:PT1H|RRULE:FREQ=WEEKLY;COUNT=4|EXDATE:20260310T080000Z,20260317T080000Z",
            ["03-03 08:00/09:00", "03-24 08:00/09:00"],
        ),
        (
            "DTSTART:20260303T090000|DURATION:PT1H|RRULE:FREQ=DAILY;COUNT=2|EXDATE;VALUE=DATE:20260304",
            ["03-03 08:00/09:00"],
        ),
        (
            "DTSTART:20260303T090000|DTEND:20260303T093000|RDATE;VALUE=PERIOD:20260304T080000Z/20260304T090000Z",
            ["03-03 08:00/08:30", "03-04 08:00/09:00"],
        ),
        (  # until is an instant, the rule goes by the wall
            "DTSTART;TZID=Europe/Berlin:20260327T090000|DURATION:PT1H|RRULE:FREQ=DAILY;UNTIL=20260329T070000Z",
            ["03-27 08:00/09:00", "03-28 08:00/09:00", "03-29 07:00/08:00"],
        ),
        ("DTSTART;VALUE=DATE:20260303|RRULE:FREQ=YEARLY;UNTIL=20260303", ["03-02 23:00/23:00"]),
        (
            "DTSTART;TZID=Europe/Berlin:20260328T023000|DURATION:PT30M|RRULE:FREQ=DAILY;COUNT=3",
            ["03-28 01:30/02:00", "03-29 01:30/02:00", "03-30 00:30/01:00"],
        ),
    ],
)
def test_an_event_keeps_busy_when_it_is(event: str, busy: list[str]) -> None:
    assert spans(event) == busy


def test_a_zone_is_what_the_calendar_itself_says_of_it() -> None:
    event = "DTSTART;TZID=Our Office:{}T023000|DURATION:PT1H"
    days = [event.format(day) for day in ("20260328", "20260329", "20261025", "20260701")]
    assert spans(*days, more=OUTLOOK) == [
        "03-28 01:30/02:30",
        "03-29 01:30/02:30",
        "07-01 00:30/01:30",
        "10-25 00:30/01:30",
    ]
    assert read(*days).skipped == 4


def one(*lines: str) -> str:
    """Return an event with the UID of the first."""
    return "|".join(("UID:0", *lines))


def written(*events: str) -> bytes:
    return ical(*events).replace(b"UID:0\r\nUID:0", b"UID:0").replace(b"UID:1\r\nUID:0", b"UID:0")


def test_occurrences_that_were_changed_are_where_they_are_now() -> None:
    series = one("DTSTART;TZID=Europe/Berlin:20260303T090000", "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=2")
    moved = one("RECURRENCE-ID:20260303T080000Z", "DTSTART:20260303T150000Z", "DURATION:PT2H")
    found = busy_times(written(series, moved), YEAR).spans
    assert [f"{start:%d %H:%M}/{end:%H:%M}" for start, end in found] == ["03 15:00/17:00", "04 08:00/09:00"]
    off = moved + "|STATUS:CANCELLED"
    assert [start.day for start, _ in busy_times(written(series, off), YEAR).spans] == [4]
    # Without its series it stands for itself; of two sayings the later one holds.
    assert len(busy_times(written(moved), YEAR).spans) == 1
    later = one("SEQUENCE:2", "DTSTART:20260305T090000Z", "DURATION:PT1H")
    assert [start.day for start, _ in busy_times(written(series, later), YEAR).spans] == [5]


def test_what_came_from_here_keeps_nobody_busy() -> None:
    ours = "UID:019cad8f-ac00-7005-afd5-689cbddc837e@hearthline"
    content = ical("DTSTART:20260303T090000Z|DURATION:PT1H").replace(b"UID:0", ours.encode())
    assert busy_times(content, YEAR).spans == []
    assert busy_times(our_feed([], "en", YEAR.since), YEAR).spans == []


@pytest.mark.parametrize(
    "bad",
    [
        "SUMMARY:no time at all",
        "DTSTART:2026-03-03 09:00|DURATION:PT1H",
        "DTSTART:20260230T090000Z|DURATION:PT1H",
        "DTSTART;TZID=Nowhere/Land:20260303T090000|DURATION:PT1H",
        "DTSTART;TZID=../../etc/passwd:20260303T090000|DURATION:PT1H",
        "DTSTART:20260303T090000Z|DTEND:20260303T080000Z",
        "DTSTART:20260303T090000Z|DTEND;VALUE=DATE:20260304",
        "DTSTART:20260303T090000Z|DURATION:-PT1H",
        "DTSTART:20260303T090000Z|DURATION:PT1H|RRULE:FREQ=SOMETIMES",
        "DTSTART:20260303T090000Z|DURATION:PT1H|RRULE:FREQ=DAILY;INTERVAL=0",
        "DTSTART:20260303T090000Z|DURATION:PT1H|RRULE:FREQ=DAILY;COUNT=many",
        "DTSTART:20260303T090000Z|DURATION:PT1H|EXDATE:never",
        "DTSTART:20260303T090000Z|DURATION:PT1H|SEQUENCE:one",
        "DTSTART:20260303T090000Z|DURATION:P9999999W",
        'DTSTART;TZID="Europe/Berlin:20260303T090000|DURATION:PT1H',
    ],
)
def test_a_bad_event_is_counted_and_the_others_are_read(bad: str) -> None:
    found = read(bad, "DTSTART:20260305T090000Z|DURATION:PT1H")
    assert (found.skipped, [start.day for start, _ in found.spans]) == (1, [5])


def test_lines_are_folded_and_alarms_say_nothing_of_events() -> None:
    event = "DTSTART;TZID=Euro\n pe/Berlin:20260303T090000|DURATION:PT1H|BEGIN:VALARM|DURATION:PT15M|END:VALARM"
    assert spans(event) == ["03-03 08:00/09:00"]


@pytest.mark.parametrize(
    "content", [b"", b"<html></html>", b"\xff\xfe\x00", b"BEGIN:VEVENT\r\nEND:VEVENT", ical("DTSTART:20260303")[:-10]]
)
def test_half_a_calendar_is_none(content: bytes) -> None:
    with pytest.raises(NotACalendar):
        busy_times(content, YEAR)


def test_there_is_an_end_to_what_is_read() -> None:
    with pytest.raises(TooMuch):
        read("DTSTART:20260303T090000Z|DURATION:PT1S|RRULE:FREQ=MINUTELY")
    with pytest.raises(TooMuch):
        read(*["DTSTART:20260303T090000Z"] * 20_001)


ZONES = ("Europe/Berlin", "America/New_York", "Asia/Shanghai", "Australia/Lord_Howe", "Africa/Casablanca", "UTC")


@given(
    st.sampled_from(ZONES),
    st.sampled_from(ZONES),
    st.dates(date(2026, 3, 2), date(2026, 11, 30)),
    st.times().map(lambda wall: wall.replace(second=0, microsecond=0, fold=0)),
    st.integers(1, 3),
    st.integers(1, 40),
    st.integers(1, 300),
    st.sets(st.integers(0, 39), max_size=4),
)
def test_a_daily_event_is_what_counting_days_makes_of_it(  # noqa: PLR0917 - what such an event consists of
    place: str, here: str, day: date, wall: time, step: int, count: int, minutes: int, off: set[int]
) -> None:
    """The oracle knows no recurrence rules: it counts days and asks for the wall's instant on each."""
    starts = [resolve(day + timedelta(days=step * number), wall, place) for number in range(count)]
    exdates = ",".join(f"{day + timedelta(days=step * number):%Y%m%d}T{wall:%H%M}00" for number in sorted(off))
    event = f"DTSTART;TZID={place}:{day:%Y%m%d}T{wall:%H%M}00|DURATION:PT{minutes}M"
    event += f"|RRULE:FREQ=DAILY;INTERVAL={step};COUNT={count}"
    if exdates:
        event += f"|EXDATE;TZID={place}:{exdates}"
    length = timedelta(minutes=minutes)
    wanted = merged((start, start + length) for number, start in enumerate(starts) if number not in off)
    wanted = [span for span in wanted if span[0] < YEAR.until]
    window = Window(YEAR.since, YEAR.until, here)
    assert read(event, window=window).spans == wanted


@given(st.sampled_from(ZONES), st.dates(date(2026, 3, 2), date(2026, 11, 30)), st.integers(1, 5), st.integers(1, 30))
def test_whole_days_are_from_midnight_to_midnight_where_the_practitioner_is(
    here: str, day: date, days: int, count: int
) -> None:
    event = f"DTSTART;VALUE=DATE:{day:%Y%m%d}|DURATION:P{days}D|RRULE:FREQ=WEEKLY;COUNT={count}"
    wanted = merged(
        (
            resolve(day + timedelta(weeks=number), time(), here),
            resolve(day + timedelta(weeks=number, days=days), time(), here),
        )
        for number in range(count)
    )
    wanted = [span for span in wanted if span[0] < YEAR.until]
    assert read(event, window=Window(YEAR.since, YEAR.until, here)).spans == wanted


def test_a_calendar_that_fails_is_asked_less_and_less_and_told_of_in_time() -> None:
    now = YEAR.since
    pauses = [next_fetch(now, number, None, is_told=False) - now for number in range(8)]
    assert EVERY <= pauses[0] <= 1.2 * EVERY
    assert RARELY <= pauses[7] <= 1.2 * RARELY
    soon = now - TELL_AFTER + timedelta(hours=1)
    assert next_fetch(now, 7, soon, is_told=False) == now + timedelta(hours=1)
    assert next_fetch(now, 7, soon, is_told=True) >= now + RARELY
    assert not is_to_be_told(now, soon, None)
    assert is_to_be_told(now, now - TELL_AFTER, None)
    assert not is_to_be_told(now, now - TELL_AFTER, now)
