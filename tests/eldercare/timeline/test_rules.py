"""Everything in the timeline has words in every language, and weeks follow each other."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.identity.api import LANGUAGES
from eldercare.alarms.models import AlarmKind
from eldercare.goals.rules import ACHIEVEMENTS, LIFECYCLES
from eldercare.timeline.rules.kinds import KINDS
from eldercare.timeline.rules.sentences import tell
from eldercare.timeline.rules.weeks import last_week, next_summary
from eldercare.vitals.rules.codes import SIGNS


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_alarm_and_every_vital_sign_has_words(language: str) -> None:
    alarms = {tell(language, "alarm_raised", {"alarm": str(kind), "is_test": False}) for kind in AlarmKind}
    assert len(alarms) == len(AlarmKind)
    assert not any("_" in said for said in alarms)
    readings = [
        tell(language, "reading", {"name": sign.name, "value": 1, "unit": sign.unit, "side": side})
        for sign in SIGNS.values()
        for side in (None, "low", "high")
    ]
    assert len(set(readings)) == 3 * len(SIGNS)
    assert not any("_" in said for said in readings)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_turn_of_a_kind_has_a_sentence_of_its_own(language: str) -> None:
    turns: list[Any] = [
        *(("check_in_answered", {"answer": a, "late": late}) for a in ("ok", "needs_help") for late in (True, False)),
        ("check_in_answered", {"answer": "ok", "how": "home", "late": False}),
        *(("check_in_missed", {"was_asked": asked}) for asked in (True, False)),
        *(("pause_started", {"pause": pause}) for pause in ("away", "hospital")),
        ("pause_ended", {}),
        ("alarm_raised", {"alarm": "sos", "is_test": True}),
        ("alarm_closed", {"state": "resolved", "is_test": True}),
        *(("alarm_closed", {"state": state, "is_test": False}) for state in ("resolved", "cancelled")),
        *(("dose_taken", {"late": late}) for late in (True, False)),
        *(("goal_changed", {"status": status}) for status in LIFECYCLES),
        *(("goal_judged", {"status": status}) for status in ACHIEVEMENTS),
        *((kind, {}) for kind in KINDS if kind.startswith(("dose_sk", "dose_m", "visit", "circle"))),
    ]
    said = [tell(language, kind, data) for kind, data in turns]
    assert len(set(said)) == len(turns)


@given(
    st.integers(0, 366 * 24 * 60).map(lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)),
    st.sampled_from(["UTC", "Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]),
)
def test_weeks_follow_each_other_without_a_gap_whenever_somebody_tells_of_them(at: datetime, time_zone: str) -> None:
    since, until = last_week(at, time_zone)
    assert since < until <= at
    assert next_summary(since, time_zone) == until
    ahead = next_summary(at, time_zone)
    assert next_summary(until, time_zone) == ahead
    assert last_week(ahead + timedelta(minutes=20), time_zone) == (until, ahead)
