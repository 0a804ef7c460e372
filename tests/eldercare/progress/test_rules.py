"""What came of telling somebody, and what can be done with an alarm: the rules alone."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eldercare.alarms.models import OPEN_STATES, AlarmState
from eldercare.alarms.rules import Action, after
from eldercare.progress.rules import Standing, acts, came_of_it, is_counting_down, is_over, reach

standings = st.builds(
    Standing,
    state=st.sampled_from(AlarmState),
    is_mine=st.booleans(),
    may_respond=st.booleans(),
    may_cancel=st.booleans(),
    is_counting_down=st.booleans(),
)


@given(standings)
def test_nothing_is_offered_that_the_state_machine_refuses(standing: Standing) -> None:
    for act in acts(standing):
        # Whoever sets out without having taken the alarm takes it with that.
        before = standing.state
        if before == AlarmState.RAISED and act != "cancel":
            before = AlarmState.ACKNOWLEDGED if act != "acknowledge" else before
        assert after(before, Action(act)) is not None


@given(standings)
def test_what_is_over_or_not_theirs_to_answer_offers_nothing(standing: Standing) -> None:
    if standing.state not in OPEN_STATES or not (standing.may_respond or standing.may_cancel):
        assert acts(standing) == []


@pytest.mark.parametrize(
    ("state", "is_mine", "offered"),
    [
        ("raised", False, ["acknowledge", "depart", "arrive", "resolve"]),
        ("acknowledged", True, ["depart", "arrive", "resolve", "release"]),
        ("acknowledged", False, ["take_over", "arrive", "resolve"]),
        ("en_route", True, ["arrive", "resolve", "release"]),
        ("en_route", False, ["take_over", "arrive", "resolve"]),
        ("on_scene", True, ["resolve"]),
        ("on_scene", False, ["resolve"]),
        ("resolved", True, []),
    ],
)
def test_what_is_offered_is_in_the_order_of_the_way_there(state: str, is_mine: bool, offered: list[str]) -> None:
    assert acts(Standing(AlarmState(state), is_mine=is_mine, may_respond=True, may_cancel=False)) == offered


def test_a_resident_can_only_take_it_back_while_the_countdown_runs() -> None:
    counting = Standing(AlarmState.RAISED, is_mine=False, may_respond=False, may_cancel=True, is_counting_down=True)
    assert acts(counting) == ["cancel"]
    now = datetime(2026, 3, 1, tzinfo=UTC)
    assert is_counting_down(now + timedelta(seconds=1), 0, now)
    assert not is_counting_down(now, 0, now)
    assert not is_counting_down(now + timedelta(seconds=1), 1, now)


@pytest.mark.parametrize(
    ("reached", "acted", "over", "came"),
    [
        (["pending", "sent"], [], False, "waiting"),
        (["delivered", "failed"], [], False, "arrived"),
        (["seen", "sent"], [], False, "seen"),
        (["seen", "sent"], [], True, "no_answer"),
        (["failed", "unreachable"], [], False, "not_reached"),
        (["failed", "unreachable"], [], True, "not_reached"),
        (["seen"], ["acknowledged", "en_route"], True, "took_it"),
        (["seen"], ["acknowledged", "released"], True, "gave_back"),
        (["seen"], ["acknowledged", "lapsed", "acknowledged"], True, "took_it"),
    ],
)
def test_what_they_did_counts_more_than_how_far_the_message_got(
    reached: list[str],
    acted: list[str],
    over: bool,
    came: str,
) -> None:
    assert came_of_it(reached, acted, is_over=over) == came  # type: ignore[arg-type]  # words of the table


def test_a_message_that_was_seen_was_seen_whatever_the_provider_said() -> None:
    assert reach("unconfirmed", has_arrived=True, is_opened=True) == "seen"
    assert reach("failed", has_arrived=True, is_opened=False) == "delivered"
    assert reach("parked", has_arrived=False, is_opened=False) == "failed"
    assert reach("held", has_arrived=False, is_opened=False) == "pending"


def test_the_time_to_answer_is_over_when_the_next_are_told_or_it_has_ended() -> None:
    assert is_over((1, 1), (1, 2), AlarmState.RAISED)
    assert not is_over((1, 2), (1, 2), AlarmState.RAISED)
    assert is_over((1, 2), (1, 2), AlarmState.RESOLVED)
