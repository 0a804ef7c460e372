"""What a home notices has words, severities and an end: whatever it is, a hazard reaches somebody."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.clock import new_id
from app.identity.api import LANGUAGES
from community.home_care.models import KINDS as NOTICED
from eldercare.alarms.models import AlarmKind, Severity
from eldercare.alarms.rules import Reason, stands_alone, takes_back
from eldercare.alarms.rules.words import WORDS
from eldercare.duty_desk.rules import built_in
from eldercare.home_watch import rules
from eldercare.home_watch.rules import Known, Notice, Settled

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
minutes = st.integers(0, 60).map(lambda number: NOW + timedelta(minutes=number))


def notice(kind: str, severity: Severity = Severity.LOW, *, is_hint: bool = False, at: datetime = NOW) -> Notice:
    return Notice(new_id(), new_id(), new_id(), new_id(), kind, severity, is_hint, at)


def test_what_is_a_hazard_what_settles_and_what_is_mute_is_said_here_once_more() -> None:
    """Whoever changes one of these decides whether somebody is called."""
    assert {"smoke", "gas", "carbon_monoxide", "water", "fall", "sos"} == rules.HAZARDS
    assert {"no_motion", "bathroom_stay", "bed_exit"} == rules.MUTED_AWAY
    assert {"cold", "heat"} == rules.KINDS.keys() - rules.HAZARDS - rules.SETTLING


def test_every_kind_a_home_notices_is_an_alarm_of_a_kind_with_words_and_a_script() -> None:
    assert rules.KINDS.keys() == set(NOTICED)
    assert set(NOTICED) >= rules.HAZARDS | rules.SETTLING | rules.MUTED_AWAY
    for language in LANGUAGES:
        assert {str(kind) for kind in AlarmKind} == WORDS[language].keys()
        assert {str(kind) for kind in rules.KINDS.values()} <= built_in(language).keys()


@given(st.sampled_from(sorted(rules.HAZARDS)), st.sampled_from(Severity), st.booleans(), st.booleans(), st.booleans())
def test_a_hazard_calls_whoever_lives_there_and_is_never_a_hint(
    kind: str, severity: Severity, is_hint: bool, is_in_care: bool, is_away: bool
) -> None:
    one = notice(kind, severity, is_hint=is_hint)
    assert rules.concerns(one, is_in_care=is_in_care, is_away=is_away)
    assert not rules.signal(one).is_hint
    assert kind not in rules.SETTLING


@given(st.sampled_from(sorted(rules.KINDS)), st.sampled_from(Severity), st.booleans())
def test_an_absence_mutes_only_what_says_that_nobody_moves(kind: str, severity: Severity, is_in_care: bool) -> None:
    one = notice(kind, severity)
    here, away = (rules.concerns(one, is_in_care=is_in_care, is_away=is_away) for is_away in (False, True))
    assert away == (here and kind not in rules.MUTED_AWAY)


def test_a_kind_nobody_has_heard_of_is_a_concern() -> None:
    assert rules.signal(notice("earthquake")).kind == AlarmKind.CONCERN


def test_a_press_of_the_button_stands_alone_and_has_no_countdown() -> None:
    pressed = rules.signal(notice("sos", Severity.HIGH, is_hint=True))
    assert stands_alone(pressed.kind, is_test=False)
    assert (pressed.severity, pressed.countdown, pressed.is_hint) == (Severity.CRITICAL, None, False)


@pytest.mark.parametrize(
    ("known", "at", "severity", "is_hint", "says_more"),
    [
        (None, 0, Severity.LOW, False, True),
        (Known(None, False, None, NOW), 0, Severity.LOW, False, True),
        (Known(Severity.HIGH, False, NOW, None), 0, Severity.HIGH, False, False),
        (Known(Severity.HIGH, False, NOW, None), 9, Severity.LOW, False, True),
        (Known(Severity.LOW, False, NOW, None), 0, Severity.HIGH, False, True),
        (Known(Severity.LOW, True, NOW, None), 0, Severity.LOW, False, True),
        (Known(Severity.LOW, True, NOW, None), 0, Severity.LOW, True, False),
        (Known(Severity.LOW, False, NOW, NOW + timedelta(minutes=5)), 6, Severity.LOW, False, True),
        (Known(Severity.LOW, False, NOW, NOW + timedelta(minutes=5)), 0, Severity.LOW, False, False),
    ],
)
def test_what_says_more_than_is_known(
    known: Known | None, at: int, severity: Severity, is_hint: bool, says_more: bool
) -> None:
    one = notice("no_motion", severity, is_hint=is_hint, at=NOW + timedelta(minutes=at))
    assert rules.is_new(one, known) == says_more


def test_each_further_press_of_the_button_calls_again() -> None:
    known = Known(Severity.CRITICAL, False, NOW, None)
    assert rules.is_new(notice("sos", Severity.CRITICAL, at=NOW + timedelta(seconds=30)), known)
    assert not rules.is_new(notice("sos", Severity.CRITICAL), known)


@given(st.sampled_from(sorted(rules.KINDS)), st.none() | minutes, st.none() | minutes)
def test_only_the_end_after_the_last_notice_ends_and_no_hazard_at_all(
    kind: str, noticed_at: datetime | None, settled_at: datetime | None
) -> None:
    is_over = rules.is_over(kind, noticed_at, settled_at)
    assert is_over == (
        kind in rules.SETTLING and settled_at is not None and (noticed_at is None or noticed_at <= settled_at)
    )


@given(st.sampled_from(sorted(rules.SETTLING)), st.sampled_from(AlarmKind), minutes)
def test_a_home_takes_back_its_own_incidents_and_nothing_else(kind: str, other: AlarmKind, at: datetime) -> None:
    one = notice(kind)
    word = rules.taken_back(
        Settled(one.community_id, one.resident_id, one.incident_id, kind, NOW + timedelta(hours=2)), frozenset()
    )
    own = Reason(str(rules.KINDS[kind]), one.incident_id, one.noticed_at)
    assert takes_back(word, [own])
    assert not takes_back(word, [own, Reason(str(other), new_id(), at)])
