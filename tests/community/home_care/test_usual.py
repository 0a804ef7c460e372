"""The rules of what is usual: mornings, silences and days, read aloud."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from community.home_care.rules import days, mornings, silences
from community.home_care.rules.acts import Raise
from community.home_care.rules.looks import OpenIncident, Snapshot, look
from community.home_care.rules.mornings import Mornings, learn
from community.home_care.rules.settings import Settings, morning_before
from community.home_care.rules.silences import Listening

SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")
NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)  # in Shanghai
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
BATHROOM, KITCHEN, BEDROOM = (uuid.UUID(int=number) for number in range(1, 4))
IT = uuid.UUID(int=99)
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
INSTANTS = st.integers(0, 365 * 24 * 60).map(lambda minute: NEW_YEAR + timedelta(minutes=minute))


# Mornings.


def usually(minutes: Sequence[float], first: date = date(2026, 2, 2)) -> Mornings:
    return learn([(first + timedelta(days=number), minute) for number, minute in enumerate(minutes)])


def morning(now: datetime, usual: Mornings, **values: Any) -> Raise | None:
    given: dict[str, Any] = {"settings": Settings(), "zone": SHANGHAI, "moved_at": None, "moved_role": None}
    seen = mornings.Morning(usual=usual, watched_since=now - timedelta(days=30), **{**given, **values})
    return mornings.look(seen, now)


HALF_PAST_NINE = datetime(2026, 3, 3, 1, 30, tzinfo=UTC)


def test_a_quiet_morning_is_told_with_its_numbers() -> None:
    found = morning(HALF_PAST_NINE, usually([*[460.0] * 24, 505.0, *[460.0] * 3]))
    assert found is not None
    assert found.explanation == {
        "usually_by": "07:40",
        "latest": "08:25",
        "now": "09:30",
        "days": 20,  # the working days of four weeks: the third of March is one
        "went_out": False,
    }
    assert (found.severity, found.is_hint) == ("medium", True)


def test_a_morning_that_stays_quiet_calls_by_itself() -> None:
    usual = usually([460.0] * 28)
    later = morning(HALF_PAST_NINE + 2 * HOUR, usual)
    assert later is not None
    assert (later.severity, later.is_hint) == ("high", False)
    out = morning(HALF_PAST_NINE + 2 * HOUR, usual, moved_at=HALF_PAST_NINE - 14 * HOUR, moved_role="door")
    assert out is not None
    assert (out.severity, out.is_hint) == ("low", True)


def test_one_night_out_changes_nothing_of_what_is_usual() -> None:
    usual, with_one_out = usually([460.0] * 28).any, usually([*[460.0] * 27, 900.0]).any
    assert usual is not None
    assert with_one_out is not None
    assert with_one_out.until == usual.until


def test_before_a_week_is_known_nothing_is_usual() -> None:
    assert usually([460.0] * 6) == Mornings()
    assert morning(HALF_PAST_NINE, Mornings()) is None


def test_an_hour_that_was_set_needs_no_week() -> None:
    assert morning(HALF_PAST_NINE, Mornings(), settings=Settings(no_motion_by=time(9)))


def test_who_has_moved_this_morning_is_left_alone() -> None:
    usual = usually([460.0] * 28)
    assert morning(HALF_PAST_NINE, usual, moved_at=HALF_PAST_NINE - 2 * HOUR) is None
    assert morning(HALF_PAST_NINE, usual, moved_at=HALF_PAST_NINE - 8 * HOUR)  # at half past one, in the night


def test_who_is_away_as_told_is_not_missed() -> None:
    away = Settings(away=((HALF_PAST_NINE - HOUR, HALF_PAST_NINE + HOUR),))
    assert morning(HALF_PAST_NINE, usually([460.0] * 28), settings=away) is None


def test_who_went_out_by_the_door_is_told_of_softly() -> None:
    found = morning(HALF_PAST_NINE, usually([460.0] * 28), moved_at=HALF_PAST_NINE - 14 * HOUR, moved_role="door")
    assert found is not None
    assert (found.severity, found.explanation["went_out"]) == ("low", True)


def test_week_ends_are_apart_when_enough_is_known_of_them() -> None:
    first = date(2026, 2, 2)
    dated = [(first + timedelta(days=number), 420.0 if number % 7 < 5 else 600.0) for number in range(28)]
    usual = learn(dated)
    saturday, monday = usual.on(date(2026, 3, 7)), usual.on(date(2026, 3, 9))
    assert saturday is not None
    assert monday is not None
    assert (saturday.middle, monday.middle) == (600.0, 420.0)


@given(st.lists(st.floats(240, 1200), min_size=7, max_size=28), st.integers(0, 6), st.floats(240, 1679))
def test_one_day_moves_what_is_usual_no_further_than_to_the_next_day(
    minutes: list[float], index: int, odd: float
) -> None:
    before, usual = sorted(minutes), usually([*minutes[:index], odd, *minutes[index + 1 :]]).any
    assert usual is not None
    count = len(before)
    assert before[(count - 1) // 2 - 1] - 0.1 <= usual.middle <= before[count // 2 + 1] + 0.1
    assert mornings.LEAST_MARGIN <= round(usual.until - usual.middle, 3) <= mornings.MOST_MARGIN


@pytest.mark.parametrize("day", [date(2026, 3, 28), date(2026, 3, 29), date(2026, 10, 25)])
def test_the_clock_on_the_wall_decides_also_when_it_is_changed(day: date) -> None:
    noon = datetime.combine(day, time(12), BERLIN).astimezone(UTC)
    due = mornings.deadline(Settings(no_motion_by=time(9)), Mornings(), noon, BERLIN)
    assert due is not None
    assert due.astimezone(BERLIN).time() == time(9)
    assert due.astimezone(BERLIN).date() == day


@given(INSTANTS)
def test_a_morning_is_before_its_instant_and_no_more_than_a_day_and_an_hour(at: datetime) -> None:
    for zone in (SHANGHAI, BERLIN):
        began = morning_before(at, zone)
        assert began <= at < began + timedelta(hours=25)
        assert began.astimezone(zone).time() == time(4)


@given(INSTANTS)
def test_the_next_night_is_night_and_never_before(at: datetime) -> None:
    settings = Settings()
    night = settings.night_at_or_after(at, BERLIN)
    assert night >= at
    assert settings.is_night(night, BERLIN)
    assert night - at <= timedelta(hours=25)


# Silence.


def snapshot(**values: Any) -> Snapshot:
    given: dict[str, Any] = {
        "zone": SHANGHAI,
        "settings": Settings(),
        "usual": Mornings(),
        "watched_since": NOON - timedelta(days=30),
        "moved_at": NOON,
        "moved_role": "motion",
        "last_seen_at": NOON - 20 * MINUTE,
        "heard_every": 5 * MINUTE,
        "silent_since": None,
    }
    return Snapshot(**{**given, **values})


ALL_ALONG = Listening([(NOON - timedelta(days=3), NOON)])


def test_a_home_is_silent_after_thrice_what_is_usual() -> None:
    assert look(snapshot(), NOON, ALL_ALONG.between).fell_silent
    assert not look(snapshot(last_seen_at=NOON - 14 * MINUTE), NOON, ALL_ALONG.between).fell_silent


def test_a_home_that_chatters_may_be_quiet_for_ten_minutes() -> None:
    chatty = snapshot(heard_every=timedelta(seconds=5), last_seen_at=NOON - 9 * MINUTE)
    assert not look(chatty, NOON, ALL_ALONG.between).fell_silent


def test_nobody_is_silent_while_we_do_not_listen() -> None:
    down = Listening([(NOON - timedelta(days=3), NOON - 19 * MINUTE)])
    assert not look(snapshot(), NOON, down.between).fell_silent


def test_hubs_get_a_while_to_come_back_after_us() -> None:
    back = Listening([(NOON - 3 * HOUR, NOON - HOUR), (NOON - 16 * MINUTE, NOON)])
    assert not look(snapshot(last_seen_at=NOON - HOUR), NOON, back.between).fell_silent


def test_gateways_that_restart_do_not_hide_a_silence_for_ever() -> None:
    restarts = Listening([(NOON - n * 10 * MINUTE, NOON - n * 10 * MINUTE + 8 * MINUTE) for n in range(1, 12)])
    assert look(snapshot(last_seen_at=NOON - HOUR), NOON, restarts.between).fell_silent


@given(
    st.lists(st.tuples(st.integers(0, 500), st.integers(1, 100)), max_size=10), st.integers(0, 600), st.integers(0, 600)
)
def test_we_never_listened_longer_than_time_passed(stretches: list[tuple[int, int]], one: int, other: int) -> None:
    heard = Listening([(NOON + s * MINUTE, NOON + (s + length) * MINUTE) for s, length in stretches])
    first, last = sorted((one, other))
    middle = (first + last) // 2
    whole = heard.between(NOON + first * MINUTE, NOON + last * MINUTE)
    parts = heard.between(NOON + first * MINUTE, NOON + middle * MINUTE) + heard.between(
        NOON + middle * MINUTE, NOON + last * MINUTE
    )
    assert timedelta(0) <= whole <= (last - first) * MINUTE
    assert whole == parts


def test_a_silent_homes_morning_is_not_judged() -> None:
    quiet = snapshot(moved_at=None, usual=usually([460.0] * 28), silent_since=NOON - 30 * MINUTE)
    assert look(quiet, NOON, ALL_ALONG.between).no_motion is None


def test_what_ended_unheard_is_found_over() -> None:
    smoke = OpenIncident("smoke", IT, NOON - HOUR, "off")
    on = OpenIncident("water", IT, NOON - HOUR, "on")
    unknown = OpenIncident("gas", IT, NOON - HOUR, None)
    assert look(snapshot(incidents=(smoke, on, unknown)), NOON, ALL_ALONG.between).ended == (smoke,)


@pytest.mark.parametrize(
    ("silent", "homes", "together"),
    [(1, 1, False), (1, 2, False), (2, 2, True), (2, 4, True), (2, 5, False), (3, 90, True)],
)
def test_three_homes_or_half_of_a_building_are_the_building(silent: int, homes: int, together: bool) -> None:
    assert silences.are_out_together(silent, homes) is together


# Days.


@dataclass(frozen=True)
class Seen:
    """A movement."""

    at: datetime
    room_id: uuid.UUID | None = KITCHEN
    is_bathroom: bool = False


def test_a_day_is_summed_up_by_rooms_and_quarters_with_the_night_before() -> None:
    day = date(2026, 3, 3)
    midnight = datetime(2026, 3, 2, 16, tzinfo=UTC)
    found = days.summed_up(
        [
            Seen(midnight - HOUR, BATHROOM, is_bathroom=True),
            Seen(midnight - HOUR + 6 * MINUTE, BEDROOM),
            Seen(midnight + 2 * HOUR, BATHROOM, is_bathroom=True),
            Seen(midnight + 2 * HOUR + 4 * MINUTE, BEDROOM),
            Seen(midnight + 7 * HOUR),
            Seen(midnight + 7 * HOUR + 16 * MINUTE),
        ],
        day,
        SHANGHAI,
        Settings(),
    )
    assert found.night_visits == 2
    assert found.stays == [4]
    assert found.first_at == midnight + 7 * HOUR
    assert found.rooms[str(KITCHEN)][28:30] == [1, 1]
    assert sum(map(sum, found.rooms.values())) == 4


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 5, 1), 24)])
def test_a_day_on_which_clocks_are_changed_keeps_every_movement(day: date, hours: int) -> None:
    since, until = days.bounds(day, BERLIN)
    assert until.timestamp() - since.timestamp() == hours * 3600
    moved = [Seen(since.astimezone(UTC) + number * 30 * MINUTE) for number in range(hours * 2)]
    found = days.summed_up(moved, day, BERLIN, Settings())
    assert sum(found.rooms[str(KITCHEN)]) == hours * 2


@given(st.lists(st.tuples(st.integers(0, 1439), st.booleans()), max_size=60))
def test_no_movement_of_a_day_is_lost_and_none_is_made_up(moved: list[tuple[int, bool]]) -> None:
    midnight = datetime(2026, 3, 2, 16, tzinfo=UTC)
    seen = [Seen(midnight + m * MINUTE, BATHROOM if b else KITCHEN, is_bathroom=b) for m, b in sorted(moved)]
    found = days.summed_up(seen, date(2026, 3, 3), SHANGHAI, Settings())
    assert sum(map(sum, found.rooms.values())) == len(moved)
    assert found.night_visits <= len(found.stays)
    assert all(1 <= minutes <= days.LONGEST_STAY for minutes in found.stays)
