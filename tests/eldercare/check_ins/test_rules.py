"""What may become of a check-in, and what an answer does: decisions without I/O."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eldercare.check_ins import rules


def test_after_an_absence_planning_does_not_reach_back_for_days() -> None:
    now = datetime(2026, 3, 9, tzinfo=UTC)
    assert rules.planning_range(None, now) == (now, now + rules.HORIZON)
    assert rules.planning_range(now - timedelta(days=6), now)[0] == now - rules.CATCH_UP
    assert rules.planning_range(now + timedelta(hours=24), now)[0] == now + timedelta(hours=24)


def test_every_state_but_the_answer_can_become_answered() -> None:
    assert set(rules.sources("answered")) == set(rules.TRANSITIONS) - {"answered"}


NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("state", "before", "answer", "due_in", "fit"),
    [
        ("prompted", None, "ok", 0, "accept"),
        ("missed", None, "ok", -90, "accept"),
        ("excused", None, "needs_help", -90, "accept"),
        ("scheduled", None, "ok", 60, "accept"),
        ("scheduled", None, "ok", 61, "too_early"),
        ("scheduled", None, "needs_help", 600, "accept"),
        ("answered", "ok", "ok", 0, "repeat"),
        ("answered", "needs_help", "needs_help", 0, "repeat"),
        ("answered", "ok", "needs_help", 0, "escalate"),
        ("answered", "needs_help", "ok", 0, "contradict"),
    ],
)
def test_what_an_answer_does(
    state: rules.State, before: rules.Answer | None, answer: rules.Answer, due_in: int, fit: rules.Fit
) -> None:
    standing = rules.Standing(state, before, NOW + timedelta(minutes=due_in))
    assert rules.fit(standing, answer, NOW) == fit


@given(
    st.sampled_from(sorted(rules.TRANSITIONS)), st.sampled_from([None, "ok", "needs_help"]), st.integers(-9999, 9999)
)
def test_a_call_for_help_is_never_refused(state: rules.State, before: rules.Answer | None, due_in: int) -> None:
    standing = rules.Standing(state, before if state == "answered" else None, NOW + timedelta(minutes=due_in))
    assert rules.fit(standing, "needs_help", NOW) in ("accept", "repeat", "escalate")


@pytest.mark.parametrize(
    ("kind", "value", "fits"),
    [
        ("mood", 1, True),
        ("mood", 0, False),
        ("mood", True, False),
        ("pain", 0, True),
        ("pain", 11, False),
        ("medication", True, True),
        ("medication", 1, False),
        ("text", "slept badly", True),
        ("text", "", False),
        ("text", "x" * 501, False),
        ("sleep", "3", False),
    ],
)
def test_answers_fit_their_questions(kind: str, value: bool | int | str, fits: bool) -> None:
    assert rules.is_answer_to(kind, value) is fits
