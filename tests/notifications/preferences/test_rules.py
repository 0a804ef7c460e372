"""Quiet hours, digests and mutes as rules: over time changes, in every zone, and never for what is critical."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from notifications.account.notices import ACCOUNT
from notifications.preferences.rules import (
    Choices,
    DigestPeriod,
    Hold,
    QuietHours,
    QuietPeriod,
    decide,
    next_digest,
    quiet_until,
)
from notifications.templates.categories import DIGESTS, Category
from tests.notifications.notices import DEVICES, TESTS

BERLIN = "Europe/Berlin"
NIGHT = QuietHours(QuietPeriod(time(22), time(2, 30)))
# Half-hour steps, no steps, a day that never was, a time change at midnight, one on the other half of the globe.
ZONES = [
    BERLIN,
    "Asia/Shanghai",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "America/Sao_Paulo",
    "America/New_York",
]

walls = st.times().map(lambda wall: wall.replace(second=0, microsecond=0))
periods = st.builds(QuietPeriod, walls, walls)
quiet_hours = st.builds(QuietHours, periods, st.none() | periods)
instants = st.integers(1_293_840_000, 1_893_456_000).map(
    lambda second: datetime.fromtimestamp(second, UTC)
)  # 2011 to 2030
zones = st.sampled_from(ZONES)
digest_periods = st.builds(DigestPeriod, st.none() | walls)
channels = st.sampled_from(["push", "sms", "voice", "mail"])
choices = st.builds(
    Choices,
    st.frozensets(st.tuples(st.sampled_from(["tests", "tests_devices", "account"]), channels)),
    st.dictionaries(st.sampled_from(["tests", "tests_devices", "account"]), digest_periods),
    st.none() | quiet_hours,
)
some_category = st.sampled_from([TESTS, DEVICES, DIGESTS])


def at(text: str, zone: str = BERLIN) -> datetime:
    """Return an instant by its wall time."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-03-27T21:59", "2026-03-27T21:59"),
        ("2026-03-27T22:00", "2026-03-28T02:30"),
        ("2026-03-28T02:29", "2026-03-28T02:30"),
        ("2026-03-28T02:30", "2026-03-28T02:30"),
        ("2026-03-28T22:00", "2026-03-29T03:30"),  # 02:30 is in the gap: it moves by the gap
        ("2026-03-29T01:59", "2026-03-29T03:30"),
        ("2026-10-24T22:00", "2026-10-25T02:30"),  # doubled: the first of the two
    ],
)
def test_quiet_hours_over_time_changes_end_as_the_calendar_standard_says(now: str, until: str) -> None:
    assert quiet_until(NIGHT, BERLIN, at(now)) == at(until)


def test_the_second_of_a_doubled_time_is_quiet_no_more() -> None:
    second = datetime(2026, 10, 25, 2, 10, tzinfo=ZoneInfo(BERLIN), fold=1).astimezone(UTC)
    assert second > at("2026-10-25T02:30")
    assert quiet_until(NIGHT, BERLIN, second) == second


def test_a_night_has_the_hours_of_the_day_it_ends_on() -> None:
    quiet = QuietHours(QuietPeriod(time(22), time(7)), QuietPeriod(time(23), time(9)))
    friday, saturday, sunday = "2026-03-06", "2026-03-07", "2026-03-08"
    assert quiet_until(quiet, BERLIN, at(f"{friday}T22:30")) == at(f"{friday}T22:30")
    assert quiet_until(quiet, BERLIN, at(f"{friday}T23:30")) == at(f"{saturday}T09:00")
    assert quiet_until(quiet, BERLIN, at(f"{sunday}T22:30")) == at("2026-03-09T07:00")


def test_a_person_who_moves_has_the_same_hours_elsewhere() -> None:
    quiet, now = QuietHours(QuietPeriod(time(22), time(7))), at("2026-03-02T23:00", "Asia/Shanghai")
    assert quiet_until(quiet, "Asia/Shanghai", now) == at("2026-03-03T07:00", "Asia/Shanghai")
    assert quiet_until(quiet, BERLIN, now) == now


@given(quiet_hours, zones, instants)
def test_what_waits_for_quiet_hours_is_released_when_it_is_not_quiet(
    quiet: QuietHours, zone: str, now: datetime
) -> None:
    until = quiet_until(quiet, zone, now)
    assert until >= now
    assert quiet_until(quiet, zone, until) == until or until - now > timedelta(days=7)


@given(periods, zones, instants)
def test_the_same_hours_every_day_never_hold_longer_than_a_day_and_its_time_change(
    period: QuietPeriod, zone: str, now: datetime
) -> None:
    # The day that Samoa left out is the one exception: a period then ends a day later.
    assume(not (zone == "Pacific/Apia" and now.year == 2011))
    until = quiet_until(QuietHours(period), zone, now)
    assert until - now <= timedelta(days=1, hours=1)
    if until > now:
        wall = until.astimezone(ZoneInfo(zone)).time()
        assert wall == period.ends or (wall > period.ends)


@given(quiet_hours, zones, instants, st.timedeltas(timedelta(0), timedelta(hours=30)))
def test_who_is_told_later_is_released_no_earlier(
    quiet: QuietHours, zone: str, now: datetime, later: timedelta
) -> None:
    assert quiet_until(quiet, zone, now) <= quiet_until(quiet, zone, now + later)


@given(digest_periods, zones, instants)
def test_a_digest_is_due_within_its_period(period: DigestPeriod, zone: str, now: datetime) -> None:
    assume(not (zone == "Pacific/Apia" and now.year == 2011))
    due = next_digest(period, zone, now)
    longest = timedelta(hours=1) if period.at is None else timedelta(days=1, hours=1)
    assert timedelta(0) < due - now <= longest
    if period.at is None:
        assert due.astimezone(ZoneInfo(zone)).minute in (0, 30)  # Lord Howe steps by half an hour


@given(
    category=some_category,
    channel=channels,
    chosen=choices,
    zone=zones,
    now=instants,
    was_held=st.booleans(),
)
def test_what_is_critical_is_sent_at_once_whatever_was_chosen(
    category: Category, channel: str, chosen: Choices, zone: str, now: datetime, *, was_held: bool
) -> None:
    assert decide(category, channel, "critical", chosen, zone, now, was_held=was_held) is None


@given(channels, st.sampled_from(["high", "normal", "low"]), choices, zones, instants)
def test_alarms_questions_and_the_account_are_told_at_once_whatever_was_chosen(
    channel: str, urgency: str, chosen: Choices, zone: str, now: datetime
) -> None:
    assert decide(ACCOUNT, channel, urgency, chosen, zone, now) is None


@given(some_category, channels, choices, zones, instants)
def test_a_message_is_muted_sent_or_waits_for_a_time_that_is_not_quiet(
    category: Category, channel: str, chosen: Choices, zone: str, now: datetime
) -> None:
    decision = decide(category, channel, "normal", chosen, zone, now)
    is_muted = (category.key, channel) in chosen.muted and category.mutable
    assert (decision == "muted") == is_muted
    if isinstance(decision, Hold):
        assert decision.release_at > now
        over = quiet_until(chosen.quiet, zone, decision.release_at)
        assert over == decision.release_at or decision.release_at - now > timedelta(days=7)
    elif decision is None:
        assert quiet_until(chosen.quiet, zone, now) == now
        assert category.key not in chosen.digests or not category.digestible


def test_what_was_held_waits_for_no_further_digest_but_for_quiet_hours() -> None:
    chosen = Choices(digests={"tests": DigestPeriod()}, quiet=NIGHT)
    day, night = at("2026-03-02T12:10"), at("2026-03-02T21:30")
    assert decide(TESTS, "push", "low", chosen, BERLIN, day) == Hold("digest", at("2026-03-02T13:00"))
    assert decide(TESTS, "push", "low", chosen, BERLIN, day, was_held=True) is None
    assert decide(TESTS, "push", "low", chosen, BERLIN, night) == Hold("quiet_hours", at("2026-03-03T02:30"))
    late = at("2026-03-02T23:00")
    assert decide(TESTS, "push", "low", chosen, BERLIN, late, was_held=True) == Hold(
        "quiet_hours", at("2026-03-03T02:30")
    )
