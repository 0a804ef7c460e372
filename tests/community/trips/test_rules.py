"""What may become of somebody's going along, whose word counts, and when somebody hears again."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from community.trips import rules
from community.trips.rules import Mark, Whereabouts

NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
MARKS: tuple[Mark, ...] = ("present", "missing", "left")


def test_every_state_is_reached_and_who_is_off_stays_off() -> None:
    reached = {way.target for way in rules.WAYS.values()} | {"held", "waiting"}
    assert reached == {"held", "waiting", "offered", "going", "missing", "left", "expired", "cancelled", "called_off"}
    assert not any(way.sources & rules.OFF for way in rules.WAYS.values())
    assert not rules.may("find", "missing", "hearthline")
    assert not rules.may("cancel", "missing", "resident")


def test_only_the_residents_late_calling_off_costs_something() -> None:
    terms = (NOON, 30)
    assert rules.fee(1_000, terms, NOON, "going", "resident") == 0
    assert rules.fee(1_000, terms, NOON + MINUTE, "going", "resident") == 300
    assert rules.fee(1_000, terms, NOON + MINUTE, "held", "resident") == 0
    assert rules.fee(1_000, terms, NOON + MINUTE, "going", "organizer") == 0


def test_a_place_is_offered_as_long_as_somebody_can_still_come() -> None:
    assert rules.offer_ends(NOON, NOON + timedelta(days=2)) == NOON + rules.OFFER
    assert rules.offer_ends(NOON, NOON + timedelta(hours=3)) == NOON + timedelta(hours=2)
    assert rules.offer_ends(NOON, NOON + timedelta(hours=1)) is None


@pytest.mark.parametrize(("ahead", "found"), [(timedelta(hours=3), -5), (-timedelta(hours=3), -5), (10 * MINUTE, -5)])
def test_a_list_says_by_its_own_clock_how_long_ago_it_was(ahead: timedelta, found: int) -> None:
    marked = rules.by_our_clock(NOON + ahead + found * MINUTE, NOON + ahead, NOON)
    assert marked == NOON + found * MINUTE
    assert rules.by_our_clock(NOON + 20 * MINUTE, NOON, NOON) == NOON


@given(st.permutations([(at, mark) for at, mark in enumerate(("present", "missing", "left", "present", "missing"))]))
def test_the_latest_word_counts_whichever_is_heard_first(heard: list[tuple[int, Mark]]) -> None:
    known = Whereabouts("going", None, None, None)
    for at, mark in heard:
        marked = NOON + at * MINUTE
        if rules.outcome(mark, 1, marked, known) == "applied":
            transition = rules.MARKED.get((mark, known.state))
            state = rules.WAYS[transition].target if transition else known.state
            known = Whereabouts(state, marked, marked if state == "missing" else None, None)
    assert known.state == "missing"


@given(
    st.integers(1, 5),
    st.integers(1, 5),
    st.integers(-600, 600),
    st.sampled_from(MARKS),
)
def test_only_a_list_of_that_stop_or_farther_on_finds_afterwards_whom_nobody_had_counted(
    missed: int, stop: int, minutes: int, mark: Mark
) -> None:
    known = Whereabouts("missing", None, NOON, missed)
    found = rules.outcome(mark, stop, NOON + minutes * MINUTE, known)
    late_list = mark == "present" and stop >= missed
    assert found == ("applied" if late_list or minutes >= 0 else "superseded")


def test_who_never_travelled_is_not_counted() -> None:
    for state in ("held", "waiting", "offered", *rules.OFF):
        assert rules.outcome("missing", 1, NOON, Whereabouts(state, None, None, None)) == "not_travelling"


def test_words_come_more_seldom_and_never_stop() -> None:
    waits = [rules.next_word(rules.REMINDING, step, NOON) - NOON for step in range(1, 9)]
    assert waits == sorted(waits)
    assert waits[-1] == timedelta(hours=1)
