"""When an automation fires, as a pure function: each trigger and condition, clocks that change, histories cut up."""

import itertools
import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from community.home_automations.rules.definitions import Definition
from community.home_automations.rules.engine import Firing, advance, begin
from community.home_automations.rules.memory import AVAILABILITY, Care, Change, Heard, Memory, Seen, dump, load
from community.home_automations.rules.sun import Place, next_event

SHANGHAI: Final = Place("Asia/Shanghai", 31.23, 121.47)
BERLIN: Final = Place("Europe/Berlin", 52.52, 13.4)
TROMSO: Final = Place("Europe/Oslo", 69.65, 18.96)
START: Final = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)  # 16:00 in Shanghai
MINUTE: Final = timedelta(minutes=1)
DOOR, HALL, KITCHEN, MEI, LI = (uuid.UUID(int=n) for n in range(1, 6))
ACT: Final = [{"kind": "notice", "to_resident": True}]


def automation(*triggers: Any, conditions: Any = (), **more: Any) -> Definition:
    """Return an automation that tells the resident."""
    return Definition.model_validate({"triggers": triggers, "conditions": conditions, "actions": ACT} | more)


def says(entity_id: uuid.UUID, value: str | None, minutes: float = 0, **more: Any) -> Change:
    """Return that a thing says something so many minutes after the start."""
    number = more.pop("number", None)
    return Change(entity_id, more.pop("attribute", "state"), value, number, START + minutes * MINUTE, **more)


def degrees(value: float, minutes: float = 0, **more: Any) -> Change:
    """Return that the hall has so many degrees."""
    return says(HALL, str(value), minutes, number=value, **more)


def run(
    definition: Definition,
    *heard: Heard,
    until: float | None = None,
    seen: dict[Any, Seen] | None = None,
    place: Place = SHANGHAI,
    start: datetime = START,
) -> list[Firing]:
    """Return what fires, from the start on, ``until`` so many minutes after it."""
    memory = begin(definition, place, start, seen or {})
    return advance(definition, place, memory, heard, None if until is None else start + until * MINUTE)


def minutes(firings: list[Firing]) -> list[float]:
    """Return how many minutes after the start something fired."""
    return [(one.at - START) / MINUTE for one in firings]


OPEN: Final = {"kind": "state", "entity_id": str(DOOR), "to": "on"}
CLOSED: Final = {(DOOR, "state"): Seen("off", None, START)}


def test_a_door_that_opens_fires_once_and_one_that_is_open_does_not() -> None:
    firings = run(automation(OPEN), says(DOOR, "on", 1), says(DOOR, "on", 2), says(DOOR, "off", 3), seen=CLOSED)
    assert minutes(firings) == [1]
    assert firings[0].trigger() == {"index": 0, "kind": "state", "entity_id": str(DOOR), "from": "off", "to": "on"}


def test_what_is_heard_again_after_a_silence_fires_nothing() -> None:
    assert not run(automation(OPEN), says(DOOR, "on", 1, is_fresh=False), seen=CLOSED)


def test_a_button_that_is_pressed_twice_fires_twice() -> None:
    pressed = automation({"kind": "state", "entity_id": str(DOOR), "to": "press"})
    firings = run(pressed, says(DOOR, "press", 1, is_event=True), says(DOOR, "press", 2, is_event=True))
    assert minutes(firings) == [1, 2]


def test_where_it_comes_from_counts() -> None:
    from_closed = automation(OPEN | {"from": "off"})
    assert minutes(run(from_closed, says(DOOR, "on", 1), seen=CLOSED)) == [1]
    assert not run(from_closed, says(DOOR, None, 1), says(DOOR, "on", 2), seen=CLOSED)


def test_a_door_that_stays_open_fires_when_it_has_been_open_for_so_long() -> None:
    held = automation(OPEN | {"held_for": "PT5M"})
    assert minutes(run(held, says(DOOR, "on", 1), until=10, seen=CLOSED)) == [6]
    assert not run(held, says(DOOR, "on", 1), says(DOOR, "off", 3), until=10, seen=CLOSED)
    assert minutes(
        run(held, says(DOOR, "on", 1), says(DOOR, "off", 3), says(DOOR, "on", 4), until=20, seen=CLOSED)
    ) == [9]


def test_what_falls_due_before_a_change_fires_before_it_is_heard() -> None:
    held = automation(OPEN | {"held_for": "PT5M"})
    assert minutes(run(held, says(DOOR, "on", 1), says(DOOR, "off", 8), seen=CLOSED)) == [6]


def test_what_is_so_already_holds_from_when_one_begins_to_look() -> None:
    held = automation(OPEN | {"held_for": "PT5M"})
    assert minutes(run(held, until=10, seen={(DOOR, "state"): Seen("on", None, START)})) == [5]


COLD: Final = {"kind": "numeric", "entity_id": str(HALL), "below": 15, "reset": 17}


def test_a_figure_around_its_level_fires_once_until_it_was_back() -> None:
    firings = run(
        automation(COLD), degrees(16), degrees(14, 1), degrees(16, 2), degrees(14, 3), degrees(17, 4), degrees(14, 5)
    )
    assert minutes(firings) == [1, 5]


def test_a_figure_that_is_beyond_at_first_fires_only_after_it_was_back() -> None:
    seen = {(HALL, "state"): Seen("14", 14.0, START)}
    assert minutes(run(automation(COLD), degrees(13, 1), degrees(18, 2), degrees(14, 3), seen=seen)) == [3]


def test_a_figure_has_to_stay_beyond_its_level_if_it_is_to() -> None:
    held = automation(COLD | {"held_for": "PT10M"})
    assert minutes(run(held, degrees(20), degrees(14, 1), degrees(13, 5), until=30)) == [11]
    assert not run(held, degrees(20), degrees(14, 1), degrees(16, 5), until=30)


def test_above_is_the_mirror_of_below() -> None:
    hot = automation({"kind": "numeric", "entity_id": str(HALL), "above": 28, "reset": 26})
    assert minutes(
        run(hot, degrees(27), degrees(29, 1), degrees(27, 2), degrees(29, 3), degrees(26, 4), degrees(29, 5))
    ) == [1, 5]


def test_a_time_comes_by_the_homes_clocks_on_its_weekdays() -> None:
    weekdays = automation({"kind": "time", "at": "08:30", "weekdays": [2, 3]})
    firings = run(weekdays, until=7 * 24 * 60)
    assert [one.at for one in firings] == [datetime(2026, 3, day, 0, 30, tzinfo=UTC) for day in (3, 4)]


def test_in_the_night_the_clocks_change_a_time_comes_once() -> None:
    at = automation({"kind": "time", "at": "02:30"})
    spring = datetime(2026, 3, 28, 12, tzinfo=UTC)
    assert [one.at for one in run(at, until=36 * 60, place=BERLIN, start=spring)] == [
        datetime(2026, 3, 29, 1, 30, tzinfo=UTC)  # 03:30: the hour before it does not exist
    ]
    autumn = datetime(2026, 10, 24, 12, tzinfo=UTC)
    assert [one.at for one in run(at, until=36 * 60, place=BERLIN, start=autumn)] == [
        datetime(2026, 10, 25, 0, 30, tzinfo=UTC)  # the first of the two
    ]


def test_the_sun_sets_and_half_an_hour_before_it_something_is_done() -> None:
    sets = run(automation({"kind": "sun", "event": "sunset"}), until=24 * 60)
    before = run(automation({"kind": "sun", "event": "sunset", "offset": "-PT30M"}), until=24 * 60)
    assert len(sets) == len(before) == 1
    assert sets[0].at - before[0].at == 30 * MINUTE
    assert abs(sets[0].at - datetime(2026, 3, 2, 9, 52, tzinfo=UTC)) < MINUTE  # 17:52 in Shanghai


def test_where_the_sun_does_not_rise_for_weeks_nothing_fires_until_it_does() -> None:
    night = datetime(2026, 12, 1, tzinfo=UTC)
    first = next_event("sunrise", TROMSO, night, timedelta(0))
    assert first is not None
    assert datetime(2027, 1, 10, tzinfo=UTC) < first < datetime(2027, 1, 20, tzinfo=UTC)
    assert not run(automation({"kind": "sun", "event": "sunrise"}), until=30 * 24 * 60, place=TROMSO, start=night)
    assert not run(automation({"kind": "sun", "event": "sunrise"}), until=24 * 60, place=Place("Asia/Shanghai"))


HOME: Final = {"kind": "presence", "entity_ids": [str(MEI), str(LI)], "becomes": "nobody"}
BOTH: Final = {(MEI, "state"): Seen("home", None, START), (LI, "state"): Seen("home", None, START)}


def test_nobody_is_home_once_the_last_has_left_and_not_while_one_is_unknown() -> None:
    leaves = automation(HOME)
    assert minutes(run(leaves, says(MEI, "not_home", 1), says(LI, "not_home", 2), seen=BOTH)) == [2]
    assert not run(leaves, says(MEI, "not_home", 1), says(LI, None, 2), seen=BOTH)
    lost = says(LI, "offline", 1, attribute=AVAILABILITY)
    assert not run(leaves, lost, says(MEI, "not_home", 2), seen=BOTH)


def test_somebody_comes_home_of_whom_nobody_was() -> None:
    comes = automation(HOME | {"becomes": "somebody"})
    out = {(MEI, "state"): Seen("not_home", None, START), (LI, "state"): Seen("not_home", None, START)}
    assert minutes(run(comes, says(MEI, "home", 1), says(LI, "home", 2), seen=out)) == [1]


def test_an_event_of_care_fires_what_waits_for_it() -> None:
    missed = automation({"kind": "care", "event": "check_in_missed"})
    firings = run(missed, Care("check_in_answered", START), Care("check_in_missed", START + MINUTE))
    assert minutes(firings) == [1]


def judged(condition: Any, *heard: Heard, at: float = 60, seen: dict[Any, Seen] | None = None) -> bool | None:
    """Return whether a condition holds, so many minutes after the start."""
    definition = automation({"kind": "care", "event": "alarm_raised"}, conditions=[condition])
    (firing,) = run(definition, *heard, Care("alarm_raised", START + at * MINUTE), seen=seen)
    return firing.conditions[0].holds


IS_OPEN: Final = {"kind": "state", "entity_id": str(DOOR), "is": ["on"]}


def test_a_state_holds_fails_or_is_not_known() -> None:
    assert judged(IS_OPEN, says(DOOR, "on")) is True
    assert judged(IS_OPEN, says(DOOR, "off")) is False
    assert judged(IS_OPEN) is None
    assert judged(IS_OPEN, says(DOOR, "on"), says(DOOR, "offline", 1, attribute=AVAILABILITY)) is None
    assert judged(IS_OPEN | {"held_for": "PT2H"}, says(DOOR, "on")) is False
    assert judged(IS_OPEN | {"held_for": "PT1H"}, says(DOOR, "on")) is True


def test_a_figure_lies_between_two_levels() -> None:
    between = {"kind": "numeric", "entity_id": str(HALL), "above": 18, "below": 22}
    assert [judged(between, degrees(value)) for value in (18, 20, 22)] == [False, True, False]
    assert judged(between) is None


def test_a_time_of_day_may_lie_across_midnight() -> None:
    at_night = {"kind": "time", "after": "22:00", "before": "06:00"}
    # 16:00 in Shanghai at the start.
    assert [judged(at_night, at=60 * hours) for hours in (5.9, 6, 13.9, 14)] == [False, True, True, False]
    assert judged({"kind": "time"}) is True
    assert judged({"kind": "time", "weekdays": [2]}) is False


def test_the_sun_is_up_or_down() -> None:
    assert judged({"kind": "sun", "is": "up"}, at=60) is True
    assert judged({"kind": "sun", "is": "down"}, at=180) is True
    assert judged({"kind": "sun", "is": "down", "elevation": -6}, at=125) is False  # twilight


def test_what_is_not_known_makes_neither_a_condition_nor_its_contrary_true() -> None:
    open_or_dark = {"kind": "any", "conditions": [IS_OPEN, {"kind": "sun", "is": "up"}]}
    both = {"kind": "all", "conditions": [IS_OPEN, {"kind": "sun", "is": "up"}]}
    assert judged({"kind": "not", "condition": IS_OPEN}) is None
    assert judged(open_or_dark) is True
    assert judged(both) is None
    assert judged({"kind": "all", "conditions": [IS_OPEN, {"kind": "sun", "is": "down"}]}) is False
    assert judged({"kind": "presence", "entity_ids": [str(MEI)], "is": "nobody"}) is None


def test_conditions_see_the_home_as_it_was_at_that_moment() -> None:
    definition = automation(OPEN, conditions=[{"kind": "state", "entity_id": str(KITCHEN), "is": ["on"]}])
    kitchen_on, kitchen_off = says(KITCHEN, "on", 1), says(KITCHEN, "off", 3)
    met = run(definition, kitchen_on, says(DOOR, "on", 2), kitchen_off, seen=CLOSED)
    assert [one.is_met for one in met] == [True]
    late = run(definition, kitchen_on, kitchen_off, says(DOOR, "on", 4), seen=CLOSED)
    assert [one.is_met for one in late] == [False]
    assert late[0].conditions[0].saw["value"] == "off"


def _nots(depth: int) -> Any:
    return {"kind": "not", "condition": _nots(depth - 1)} if depth else IS_OPEN


@pytest.mark.parametrize(
    "wrong",
    [
        {"triggers": [{"kind": "state", "entity_id": str(DOOR)}]},
        {"triggers": [{"kind": "state", "entity_id": str(DOOR), "from": "on", "held_for": "PT5M"}]},
        {"triggers": [COLD | {"above": 3}]},
        {"triggers": [COLD | {"reset": 10}]},
        {"triggers": [{"kind": "time", "at": "25:00"}]},
        {"triggers": [{"kind": "time", "at": "08:00", "weekdays": [1, 1]}]},
        {"triggers": [OPEN | {"to": "a\nb"}]},
        {"triggers": []},
        {"actions": []},
        {"actions": [*ACT, {"kind": "delay", "lasts": "PT5M"}]},
        {"actions": [{"kind": "notice", "text": "free words", "to_resident": True}]},
        {"actions": [{"kind": "notice"}]},
        {"conditions": [_nots(4)]},
        {"conditions": [{"kind": "all", "conditions": [{"kind": "any", "conditions": [IS_OPEN] * 10}] * 5}]},
        {"surprise": 1},
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_no_automation(wrong: Any) -> None:
    right = {"triggers": [OPEN], "actions": ACT}
    Definition.model_validate(right)
    with pytest.raises(ValidationError):
        Definition.model_validate(right | wrong)


_TRIGGERS: Final = st.lists(
    st.sampled_from(
        [
            OPEN,
            OPEN | {"held_for": "PT7M"},
            OPEN | {"from": "off"},
            COLD,
            COLD | {"held_for": "PT10M"},
            {"kind": "time", "at": "16:20"},
            {"kind": "sun", "event": "sunset"},
            HOME,
            HOME | {"held_for": "PT4M"},
            {"kind": "care", "event": "alarm_raised"},
        ]
    ),
    min_size=1,
    max_size=4,
)
_CONDITIONS: Final = st.lists(
    st.sampled_from(
        [
            IS_OPEN | {"held_for": "PT3M"},
            {"kind": "not", "condition": {"kind": "numeric", "entity_id": str(HALL), "above": 16}},
            {"kind": "time", "after": "16:10", "before": "17:00"},
            {"kind": "presence", "entity_ids": [str(MEI)], "is": "somebody"},
        ]
    ),
    max_size=2,
)


@st.composite
def _histories(draw: st.DrawFn) -> list[Heard]:
    at, found = 0.0, list[Heard]()
    for _ in range(draw(st.integers(0, 25))):
        at += draw(st.sampled_from([0, 0.5, 1, 3, 7, 10]))
        what = draw(st.sampled_from(["door", "hall", "mei", "li", "care", "reach"]))
        fresh = draw(st.booleans())
        match what:
            case "door":
                found.append(says(DOOR, draw(st.sampled_from(["on", "off", None])), at, is_fresh=fresh))
            case "hall":
                found.append(degrees(draw(st.sampled_from([12.0, 15.0, 16.0, 17.0, 20.0])), at, is_fresh=fresh))
            case "mei" | "li":
                who = MEI if what == "mei" else LI
                found.append(says(who, draw(st.sampled_from(["home", "not_home", None])), at))
            case "care":
                found.append(Care("alarm_raised", START + at * MINUTE))
            case _:
                found.append(says(DOOR, draw(st.sampled_from(["online", "offline"])), at, attribute=AVAILABILITY))
    return found


def _told(firings: list[Firing]) -> list[Any]:
    return [(one.at, one.trigger(), [each.as_json() for each in one.conditions], one.is_met) for one in firings]


@given(_TRIGGERS, _CONDITIONS, _histories(), st.lists(st.integers(0, 25), max_size=6), st.booleans())
def test_the_live_home_and_a_trial_run_agree_however_a_history_is_cut_up(
    triggers: list[Any], conditions: list[Any], heard: list[Heard], cuts: list[int], ticks: bool
) -> None:
    definition = automation(*triggers, conditions=conditions)
    end = START + timedelta(hours=6)
    trial = advance(definition, SHANGHAI, begin(definition, SHANGHAI, START, CLOSED), heard, end)
    # The live home: batch by batch, its memory written down as JSON in between, a worker looking at the clock.
    kept = json.dumps(dump(begin(definition, SHANGHAI, START, CLOSED)))
    live: list[Firing] = []
    bounds = sorted({0, len(heard), *(min(cut, len(heard)) for cut in cuts)})
    for first, last in itertools.pairwise(bounds):
        memory: Memory = load(json.loads(kept))
        batch = heard[first:last]
        live += advance(definition, SHANGHAI, memory, batch, batch[-1].at if ticks else None)
        kept = json.dumps(dump(memory))
    live += advance(definition, SHANGHAI, load(json.loads(kept)), [], end)
    assert _told(live) == _told(trial)


@given(_TRIGGERS, _histories())
def test_nothing_fires_before_its_time_and_time_never_goes_back(triggers: list[Any], heard: list[Heard]) -> None:
    firings = run(automation(*triggers), *heard, until=360)
    times = [one.at for one in firings]
    assert times == sorted(times)
    assert all(START <= at <= START + timedelta(hours=6) for at in times)


@given(st.lists(st.floats(5, 25), min_size=1, max_size=40))
def test_between_two_firings_a_figure_was_back(values: list[float]) -> None:
    heard = [degrees(value, n) for n, value in enumerate(values)]
    fired = [round(at) for at in minutes(run(automation(COLD), *heard))]
    for one, following in itertools.pairwise(fired):
        assert any(value >= 17 for value in values[one:following])
