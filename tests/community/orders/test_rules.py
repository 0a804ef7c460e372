"""No way leads out of a closed order, somebody looks after every open one, and calling off costs what was agreed."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from community.housekeeping.rules import LineKind
from community.orders.rules import (
    DEADLINE,
    LATE,
    OVER,
    WAYS,
    WITH_WORKER,
    State,
    Times,
    Transition,
    Who,
    concerns_operator,
    deadlines,
    extra_amount,
    fee,
    first_staff_look,
    may,
    next_overdue,
    next_staff_look,
    shows_door,
)

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
TWO_HOURS = Times(NOON, NOON + timedelta(hours=2))
A_DAY = timedelta(days=1)
STATES: tuple[State, ...] = get_args(State)
instants = st.integers(0, 365 * 24 * 60).map(lambda minutes: NOON + timedelta(minutes=minutes))
lengths = st.timedeltas(timedelta(minutes=5), timedelta(hours=12))


@given(st.sampled_from(get_args(Transition)), st.sampled_from(STATES), st.sampled_from(get_args(Who)))
def test_there_is_no_way_out_of_a_closed_order(transition: Transition, state: State, who: Who) -> None:
    assert not (state in OVER and may(transition, state, who))


@given(st.lists(st.sampled_from(get_args(Transition)), max_size=12))
def test_however_it_goes_an_order_is_where_the_table_says(steps: list[Transition]) -> None:
    state: State = "held"
    for step in steps:
        if state in WAYS[step].sources:
            state = WAYS[step].target

    assert state in STATES
    assert (state in OVER) == (state not in DEADLINE)


def test_every_open_state_can_be_reached_and_left() -> None:
    reached = {"held"} | {way.target for way in WAYS.values()}

    assert reached == set(STATES)
    assert all(any(state in way.sources for way in WAYS.values()) for state in set(STATES) - OVER)


def test_whoever_waits_can_call_off_until_somebody_is_there() -> None:
    assert {state for state in STATES if may("cancel", state, "resident")} == {
        "held",
        "placed",
        "assigned",
        "on_the_way",
    }


@given(st.sampled_from(STATES), instants, lengths, instants)
def test_every_open_state_has_a_deadline_and_no_other(
    state: State, starts_at: datetime, length: timedelta, now: datetime
) -> None:
    found = deadlines(state, Times(starts_at, starts_at + length), now)
    main = {name: getattr(found, name) for name in ("hold_until", "miss_at", "overdue_at", "unpaid_at")}

    assert {name for name, at in main.items() if at is not None} == ({DEADLINE[state]} if state in DEADLINE else set())
    assert (found.staff_by is not None) == (state == "placed")
    assert found.hold_until is None or found.hold_until <= starts_at
    assert found.overdue_at is None or found.overdue_at > now


@given(instants, instants)
def test_somebody_hears_that_nobody_is_assigned_before_it_is_late(now: datetime, starts_at: datetime) -> None:
    looks = [first_staff_look(now, starts_at)]
    while (at := next_staff_look(looks[-1], starts_at)) is not None:
        looks.append(at)

    assert looks == sorted(set(looks))
    assert len(looks) <= 3
    if now < starts_at:
        assert all(now <= look < starts_at + LATE for look in looks)
        assert concerns_operator(looks[-1], starts_at)


@given(instants, st.integers(0, 50))
def test_work_that_does_not_end_is_heard_of_again_and_again(now: datetime, step: int) -> None:
    assert now < next_overdue(now, step) <= now + A_DAY


@pytest.mark.parametrize(
    ("before", "state", "owed"),
    [
        (A_DAY, "assigned", 0),
        (A_DAY - timedelta(seconds=1), "assigned", 4_000),
        (timedelta(hours=1), "placed", 4_000),
        (timedelta(hours=1), "held", 0),
        (timedelta(), "on_the_way", 4_000),
        # Nobody has come: it is not the resident who is late.
        (-LATE, "assigned", 0),
    ],
)
def test_calling_off_late_costs_its_share(before: timedelta, state: State, owed: int) -> None:
    assert fee(8_000, TWO_HOURS, (NOON - A_DAY, 50), NOON - before, state) == owed


def test_more_time_costs_what_the_work_costs_and_not_the_way() -> None:
    lines: list[tuple[LineKind, int]] = [("work", 10_000), ("weekend", 2_000), ("area", 5_000), ("minimum", 900)]

    assert extra_amount(lines, timedelta(hours=2), timedelta(minutes=30)) == 3_000
    assert extra_amount([("work", 1)], timedelta(hours=2), timedelta(hours=1)) == 1
    assert extra_amount([("work", 1)], timedelta(hours=3), timedelta(hours=1)) == 0


@pytest.mark.parametrize(
    ("at", "is_shown"),
    [
        (NOON - timedelta(hours=2, seconds=1), False),
        (NOON - timedelta(hours=2), True),
        (NOON + timedelta(hours=2, seconds=-1), True),
        (NOON + timedelta(hours=2), False),
    ],
)
def test_the_door_is_shown_around_the_visit_only(at: datetime, is_shown: bool) -> None:
    assert shows_door("assigned", TWO_HOURS, at) is is_shown
    assert not any(shows_door(state, TWO_HOURS, at) for state in set(STATES) - set(WITH_WORKER))


def test_the_guide_has_the_table_of_states() -> None:
    guide = (Path(__file__).parents[3] / "docs" / "home-orders.md").read_text()
    rows = [
        f"| `{name}` | {', '.join(sorted(way.sources))} | {way.target} | {', '.join(sorted(way.who))} |"
        for name, way in WAYS.items()
    ]

    assert [line for line in guide.splitlines() if line.startswith("| `")] == rows
