"""What is on a panel, what its topics mean, and which presses count."""

from datetime import UTC, datetime, timedelta

import orjson
from hypothesis import given
from hypothesis import strategies as st

from app.home_assistant.api import panel
from community.home_panels import rules

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
KEY = "abcdefghijklmnop"


def test_what_is_not_shown_is_taken_off_the_wall_by_saying_nothing_but_its_kind() -> None:
    made = panel(KEY, rules.names("en"), software="1", with_message=False)
    components = orjson.loads(rules.announcement(made, ["sos", "alarm"]))["components"]
    assert set(components["sos"]) > {"platform", "command_topic"}
    assert components["next_dose"] == {"platform": "sensor"}
    assert components["fine"] == {"platform": "button"}


def test_everything_is_called_by_its_name_in_every_language() -> None:
    assert set(rules.NAMES["en"]) == set(rules.NAMES["zh-CN"])
    assert rules.names("fr") == rules.NAMES["en"]


def test_only_our_own_topics_are_presses() -> None:
    assert rules.pressed(f"hearthline/{KEY}/sos/press") == (KEY, "sos")
    for topic in ("hearthline/x/sos/press", f"hearthline/{KEY}/alarm/state", f"a/hearthline/{KEY}/sos/press"):
        assert rules.pressed(topic) is None


def test_nothing_of_medicine_or_visits_is_kept_unless_it_is_to_be_seen() -> None:
    usual = rules.payloads(rules.USUAL, alarm=True, dose=NOW, visit=NOW)
    assert usual == {"alarm": "ON"}
    assert rules.look_at(rules.USUAL, NOW, dose=NOW, visit=NOW) is None
    assert rules.payloads(["next_dose", "next_visit"], alarm=True, dose=NOW, visit=None) == {
        "next_dose": NOW.isoformat(),
        "next_visit": "None",
    }


@given(st.floats(0, 100_000), st.booleans())
def test_a_press_counts_unless_it_can_only_be_the_last_one_again(seconds: float, is_repeated: bool) -> None:
    counts = rules.is_new_press(NOW, NOW + timedelta(seconds=seconds), is_repeated=is_repeated)
    assert counts or seconds < (60 if is_repeated else 1)
    assert rules.is_new_press(None, NOW, is_repeated=is_repeated)


def test_what_is_next_is_asked_when_it_is_over_and_at_least_every_hour() -> None:
    soon, late = NOW + timedelta(minutes=20), NOW + timedelta(days=1)
    assert rules.look_at(["next_dose"], NOW, dose=soon, visit=None) == soon
    assert rules.look_at(["next_dose"], NOW, dose=late, visit=soon) == NOW + timedelta(hours=1)
    assert rules.look_at(["next_visit"], NOW, dose=None, visit=None) == NOW + timedelta(hours=1)
