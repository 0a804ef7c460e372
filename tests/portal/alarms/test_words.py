"""The words of the alarm pages, and what they advise."""

import re
from typing import get_args

import pytest

from app.portal.alarms.advice import ADVICE, SERVICES, advice, emergency_number, group_of, numbers_to_call
from app.portal.alarms.routes import _ACTS
from app.portal.alarms.texts import WORDS
from app.portal.ground.alarms import LOOKS, OUTCOMES
from app.portal.ground.pages import words_of
from app.portal.push.texts import WORDS as PUSH_WORDS
from eldercare.alarms.models import AlarmKind, AlarmState
from eldercare.progress.rules import Act, CameOfIt, Reach
from eldercare.response.schemas import Outcome

_PLACE = re.compile(r"{\w+}")


@pytest.mark.parametrize("words", [WORDS, PUSH_WORDS])
def test_both_languages_say_the_same_things_with_the_same_places_for_names(words: dict[str, dict[str, str]]) -> None:
    assert words["en"].keys() == words["zh-CN"].keys()
    for key, text in words["en"].items():
        assert sorted(_PLACE.findall(text)) == sorted(_PLACE.findall(words["zh-CN"][key])), key


def test_there_are_words_for_whatever_the_api_can_say() -> None:
    assert OUTCOMES
    assert set(OUTCOMES) == set(get_args(Outcome))
    assert {*_ACTS, "take_over", "resolve"} == set(get_args(Act))
    wanted = [f"outcome_{one}" for one in OUTCOMES]
    wanted += [f"act_{one}" for one in get_args(Act)] + [f"done_{one}" for one in get_args(Act)]
    wanted += [f"came_{one}" for one in get_args(CameOfIt)] + [f"reach_{one}" for one in get_args(Reach)]
    wanted += [f"state_{state}" for state in AlarmState] + [f"short_{state}" for state in AlarmState]
    assert [key for key in wanted if key not in words_of(WORDS, "en")] == []
    assert set(LOOKS) == set(AlarmState)


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_every_kind_of_alarm_has_advice_with_the_numbers_of_the_community(language: str) -> None:
    numbers = {"medical": "120", "fire": "119", "police": "110"}
    for kind in AlarmKind:
        said = advice(language, kind, numbers)
        assert said
        assert "{" not in "".join(said)
    assert ADVICE["en"].keys() == ADVICE["zh-CN"].keys()
    assert "119" in advice(language, "smoke", numbers)[0]
    assert "112" in "".join(advice(language, "fall", {"any": "112"}))
    assert "None" not in "".join(advice(language, "fall", {}))


def test_the_number_this_kind_needs_comes_first_and_each_number_once() -> None:
    numbers = {"medical": "120", "fire": "119", "police": "110"}
    assert numbers_to_call("smoke", numbers)[0] == ("fire", "119")
    assert numbers_to_call("intrusion", numbers)[0] == ("police", "110")
    assert numbers_to_call("fall", numbers)[0] == ("medical", "120")
    assert numbers_to_call("fall", {"any": "112"}) == [("any", "112")]
    assert numbers_to_call("fall", {}) == []
    assert emergency_number({"any": "112", "police": "110"}, "police") == "110"
    assert all(f"service_{name}" in words_of(WORDS, "en") for name in (*SERVICES, "any"))


def test_both_languages_advise_the_same_number_of_things_that_need_the_same_service() -> None:
    for group, lines in ADVICE["en"].items():
        theirs = ADVICE["zh-CN"][group]
        assert set(_PLACE.findall("".join(lines))) == set(_PLACE.findall("".join(theirs))), group
    assert group_of("no such kind") == "other"
