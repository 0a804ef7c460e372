"""The rules of alarms: what may follow what, and that joining never makes anything later."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from app.identity.api import LANGUAGES
from eldercare.alarms.models import OPEN_STATES, AlarmKind, AlarmState, Severity
from eldercare.alarms.rules import (
    HINTS_NEEDED,
    PROGRESS_WITHIN,
    TRANSITIONS,
    Action,
    Reason,
    Standing,
    Word,
    after,
    believable,
    call_together,
    join,
    lateness,
    takes_back,
)
from eldercare.alarms.rules.words import RULE_WORDS, WORDS, Cause, explain

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
seconds = st.integers(min_value=0, max_value=7200).map(lambda number: timedelta(seconds=number))

CLOSED = {AlarmState.RESOLVED, AlarmState.CANCELLED}


class AlarmLife(RuleBasedStateMachine):
    """Any sequence of actions keeps an alarm in a state from which a human is still called, or ends it for good."""

    def __init__(self) -> None:
        super().__init__()
        self.state = AlarmState.RAISED
        self.path = [self.state]

    @rule(action=st.sampled_from(Action))
    def act(self, action: Action) -> None:
        before = self.state
        following = after(before, action)
        if following is None:
            return
        assert before not in CLOSED, "nothing reopens a closed alarm"
        self.state = following
        self.path.append(following)

    @precondition(lambda self: self.state in OPEN_STATES)
    @rule()
    def can_always_end(self) -> None:
        assert after(self.state, Action.STAND_DOWN) == AlarmState.RESOLVED

    @precondition(lambda self: self.state == AlarmState.ON_SCENE)
    @rule()
    def was_taken_before_somebody_was_there(self) -> None:
        assert AlarmState.ACKNOWLEDGED in self.path

    @invariant()
    def an_answer_has_a_deadline(self) -> None:
        if self.state in OPEN_STATES - {AlarmState.RAISED}:
            assert PROGRESS_WITHIN[self.state] > timedelta()
            assert after(self.state, Action.LAPSE) == AlarmState.RAISED

    @invariant()
    def only_an_untaken_alarm_can_be_cancelled(self) -> None:
        assert (after(self.state, Action.CANCEL) is not None) == (self.state == AlarmState.RAISED)


TestAlarmLife = AlarmLife.TestCase


def test_every_state_but_the_first_is_reached_by_an_action() -> None:
    assert {transition.target for transition in TRANSITIONS.values()} == set(AlarmState)


@given(
    severity=st.sampled_from(Severity),
    is_told=st.booleans(),
    due_in=seconds,
    countdown_left=st.none() | seconds,
    kind=st.sampled_from(AlarmKind),
    joining=st.sampled_from(Severity),
    countdown=st.none() | seconds,
)
def test_joining_never_postpones_and_never_calms(
    *,
    severity: Severity,
    is_told: bool,
    due_in: timedelta,
    countdown_left: timedelta | None,
    kind: AlarmKind,
    joining: Severity,
    countdown: timedelta | None,
) -> None:
    until = None if countdown_left is None else NOW + countdown_left
    standing = Standing(severity, is_told, 2 if is_told else 0, 1, NOW + due_in, until)

    joined = join(standing, kind, joining, countdown, NOW)

    assert joined.next_step_at <= standing.next_step_at
    assert joined.severity == max(severity, joining)
    assert joined.countdown_until is None or joined.countdown_until <= (until or NOW)
    calls_again = is_told and (kind == AlarmKind.SOS or joining > severity)
    assert joined.renewed == calls_again
    if calls_again:
        assert (joined.round, joined.next_step_at) == (2, min(NOW, standing.next_step_at))
    else:
        assert joined.round == standing.round
    assert joined.step == standing.step, "a ladder never goes back to where it began"


def test_a_second_sos_in_the_countdown_keeps_the_first_ones_end() -> None:
    ends = NOW + timedelta(seconds=4)
    standing = Standing(Severity.CRITICAL, False, 0, 1, ends, ends)

    joined = join(standing, AlarmKind.SOS, Severity.CRITICAL, timedelta(seconds=10), NOW)

    assert (joined.next_step_at, joined.countdown_until, joined.renewed) == (ends, ends, False)


def test_a_fall_in_the_countdown_of_an_sos_ends_it() -> None:
    ends = NOW + timedelta(seconds=4)
    standing = Standing(Severity.CRITICAL, False, 0, 1, ends, ends)

    joined = join(standing, AlarmKind.FALL, Severity.HIGH, None, NOW)

    assert (joined.next_step_at, joined.countdown_until) == (NOW, NOW)


@pytest.mark.parametrize(
    ("ago", "expected"),
    [
        (timedelta(), True),
        (timedelta(hours=24), True),
        (timedelta(hours=24, seconds=1), False),
        (timedelta(seconds=-1), False),
    ],
)
def test_a_clients_time_is_believed_within_a_day(ago: timedelta, expected: bool) -> None:
    assert believable(NOW - ago, NOW) is expected


def test_lateness_is_told_only_when_it_matters() -> None:
    assert lateness(NOW - timedelta(seconds=4), NOW) is None
    assert lateness(NOW - timedelta(minutes=3), NOW) == 180


def test_a_word_takes_back_what_it_answers_and_what_was_before_it() -> None:
    answered, other = uuid.UUID(int=1), uuid.UUID(int=2)
    word = Word(frozenset({AlarmKind.CHECK_IN_MISSED}), answers=answered, given_at=NOW)
    later = NOW + timedelta(seconds=1)
    assert takes_back(word, [Reason("check_in_missed", answered, later), Reason("check_in_missed", other, NOW)])
    assert not takes_back(word, [Reason("check_in_missed", answered, later), Reason("check_in_missed", other, later)])
    assert not takes_back(word, [Reason("check_in_missed", answered, NOW), Reason("sos", None, NOW)])


def test_a_word_takes_back_what_was_answered_before_it() -> None:
    answered, before, open_still = uuid.UUID(int=1), uuid.UUID(int=2), uuid.UUID(int=3)
    word = Word(frozenset({AlarmKind.MEDICATION}), answers=answered, given_at=NOW, also_answers=frozenset({before}))
    later = NOW + timedelta(seconds=1)
    assert takes_back(word, [Reason("medication", answered, later), Reason("medication", before, later)])
    assert not takes_back(word, [Reason("medication", answered, later), Reason("medication", open_still, later)])


@given(st.lists(st.sampled_from(AlarmKind), min_size=1))
def test_an_explanation_names_every_signal_in_every_language(kinds: list[AlarmKind]) -> None:
    for language in LANGUAGES:
        said = explain(language, map(Cause, kinds)).lower()
        assert all(WORDS[language][kind].lower() in said for kind in kinds)
        assert set(WORDS[language]) == {str(kind) for kind in AlarmKind}


def test_an_explanation_names_the_rules_that_called_each_once() -> None:
    causes = [
        Cause("medication", "regimen", "1"),
        Cause("check_in_missed", "check_in_plan", "2"),
        Cause("medication", "regimen", "1"),
        Cause("medication", "regimen", "3"),
        Cause("sos"),
    ]
    assert explain("en", causes) == (
        "5 signals: a dose was not recorded (3 times; 2 medication plans); "
        "a check-in was not answered (check-in plan); called for help."
    )
    assert explain("zh-CN", causes) == (
        "5 个信号：有一次用药未记录（3 次；依据：2 个用药方案）；未回应平安签到（依据：签到计划）；本人求助。"
    )
    assert explain("en", [Cause("fall", "a_rule_without_words", "1")]) == "A fall (a_rule_without_words)."
    assert explain("en", [Cause("fall"), Cause("fall")]) == "A fall (2 times)."


def test_every_rule_has_words_in_every_language() -> None:
    assert set(RULE_WORDS) == set(WORDS)
    assert len({frozenset(words) for words in RULE_WORDS.values()}) == 1


@given(st.lists(st.sampled_from(AlarmKind)))
def test_the_same_small_thing_again_never_calls_anybody(kinds: list[AlarmKind]) -> None:
    assert call_together(kinds) == (len(set(kinds)) >= HINTS_NEEDED)
    assert call_together(kinds * 2) == call_together(kinds)


def test_a_word_ends_what_would_have_called_nobody_without_what_it_speaks_of() -> None:
    answered = uuid.UUID(int=1)
    word = Word(frozenset({AlarmKind.CHECK_IN_MISSED}), answers=answered, given_at=NOW)
    missed = Reason("check_in_missed", answered, NOW)
    one, other = Reason("low_activity", None, NOW, is_hint=True), Reason("medication", None, NOW, is_hint=True)
    assert takes_back(word, [missed, one])
    assert not takes_back(word, [missed, one, other]), "the two together call somebody"
    assert not takes_back(word, [missed, replace(one, is_hint=False)])
