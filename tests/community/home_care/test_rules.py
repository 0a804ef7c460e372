"""The rules, read aloud: what is noticed, after how long, how bad it is, and what is nothing."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import strategies as st

from community.home_care.rules.acts import Act, Moved, Near, Raise, Settle, Unwatch, Watch
from community.home_care.rules.checks import Standing, Watched, check
from community.home_care.rules.noticing import Surroundings, celsius, notice
from community.home_care.rules.settings import Settings

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)  # in Shanghai
NIGHT = datetime(2026, 3, 2, 18, tzinfo=UTC)  # two in the morning there
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
BATHROOM, KITCHEN, BEDROOM, HALL, BALCONY = (uuid.UUID(int=number) for number in range(1, 6))
ROOMS = {BATHROOM: "bathroom", KITCHEN: "kitchen", BEDROOM: "bedroom", HALL: "hall", BALCONY: "balcony"}
IT = uuid.UUID(int=99)
INSTANTS = st.integers(0, 365 * 24 * 60).map(
    lambda minute: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)
)


@dataclass(frozen=True)
class Said:
    """A change."""

    role: str
    new: str | None
    at: datetime = NOON
    old: str | None = None
    room_id: uuid.UUID | None = None
    number: float | None = None
    is_fresh: bool = True
    entity_id: uuid.UUID = IT


def home(**values: Any) -> Surroundings:
    given = {"zone": SHANGHAI, "lives_alone": True, "rooms": ROOMS, "seen_rooms": frozenset((BATHROOM, KITCHEN))}
    return Surroundings(**{**given, **values})


def acts(said: Said, where: Surroundings | None = None) -> list[Act]:
    return list(notice(said, where or home()))


def raised(found: Sequence[Act]) -> list[Raise]:
    return [act for act in found if isinstance(act, Raise)]


def watches(found: Sequence[Act]) -> dict[str, timedelta]:
    return {act.kind: act.check_at - act.started_at for act in found if isinstance(act, Watch)}


@pytest.mark.parametrize("role", ["smoke", "gas", "carbon_monoxide"])
def test_smoke_and_gas_are_critical_at_once(role: str) -> None:
    assert [(one.kind, one.severity, one.is_hint) for one in raised(acts(Said(role, "on")))] == [
        (role, "critical", False)
    ]


def test_water_is_high_at_once_and_may_be_switched_off() -> None:
    assert raised(acts(Said("water", "on")))[0].severity == "high"
    assert acts(Said("water", "on"), home(settings=Settings(off=frozenset({"water"})))) == []


@pytest.mark.parametrize("kind", ["smoke", "gas", "carbon_monoxide", "fall", "sos"])
def test_nobody_can_switch_off_what_saves_lives(kind: str) -> None:
    assert Settings(off=frozenset({kind})).watches(kind)


@pytest.mark.parametrize("said", ["alarm", "Smoke detected", "smoke_detected", "triggered", "fire", "True"])
def test_smoke_is_smoke_in_the_words_of_a_sensor_that_says_more_than_on_and_off(said: str) -> None:
    assert raised(acts(Said("smoke", said, old="normal")))[0].severity == "critical"
    assert raised(acts(Said("smoke", said, old=None, is_fresh=False)))[0].explanation == {"found_on": True}
    assert raised(acts(Said("smoke", said, old="on", is_fresh=False))) == []


@pytest.mark.parametrize(
    "said", ["normal", "no smoke", "not_detected", "clear", "alarm test", "silenced", "fault", "3"]
)
def test_a_sensor_that_says_anything_else_calls_nobody(said: str) -> None:
    assert raised(acts(Said("smoke", said, old=None))) == []


def test_smoke_that_is_found_on_after_a_silence_counts_and_says_so() -> None:
    found = raised(acts(Said("smoke", "on", old=None, is_fresh=False)))
    assert found[0].explanation == {"found_on": True}


def test_smoke_that_was_known_to_be_on_is_not_told_of_again_by_a_brokers_memory() -> None:
    assert raised(acts(Said("smoke", "on", old="on", is_fresh=False))) == []


@pytest.mark.parametrize("role", ["bed", "door", "stove", "motion", "temperature"])
def test_what_a_broker_remembers_of_anything_else_raises_and_starts_nothing(role: str) -> None:
    found = acts(Said(role, "on", NIGHT, old="off", room_id=KITCHEN, number=40.0, is_fresh=False))
    assert not [act for act in found if isinstance(act, Raise | Watch | Moved)]


def test_smoke_that_has_gone_is_over() -> None:
    assert acts(Said("smoke", "off", old="on")) == [Settle("smoke", IT)]


@pytest.mark.parametrize(
    "said", ["clear", "no smoke", "not_detected", "undetected", "Smoke cleared", "alarm_off", "dry", "no leak", "safe"]
)
def test_smoke_that_has_gone_is_over_in_the_words_of_a_sensor_that_says_more(said: str) -> None:
    assert acts(Said("smoke", said, old="smoke_detected")) == [Settle("smoke", IT)]


@pytest.mark.parametrize("said", ["alarm test", "silenced", "muted", "fault", "unknown", "3", "low_battery", None])
def test_a_detector_that_was_silenced_or_is_broken_takes_nothing_back(said: str | None) -> None:
    assert acts(Said("smoke", said, old="smoke_detected")) == []


def test_a_fall_is_high_and_looked_at_again_in_five_minutes() -> None:
    found = acts(Said("fall", "on"))
    assert raised(found)[0].severity == "high"
    assert watches(found) == {"motionless_fall": 5 * MINUTE}


@pytest.mark.parametrize("said", ["fall", "maybe_fall", "True", "action fall", "fallen", "detected"])
def test_a_fall_is_one_whatever_the_sensor_or_the_pendant_calls_it(said: str) -> None:
    assert raised(acts(Said("fall", said, old=None)))[0].severity == "high"


_ON_THEIR_FEET = ("No fall detected", "not_detected", "undetected", "cleared", "fall_ended")


@pytest.mark.parametrize(
    "said", ["off", "", None, "none", "normal", "False", "no_fall", "unavailable", "4", *_ON_THEIR_FEET]
)
def test_what_says_that_nobody_fell_calls_nobody(said: str | None) -> None:
    assert raised(acts(Said("fall", said, old="fall", number=4.0 if said == "4" else None))) == []


@pytest.mark.parametrize(
    "said", ["walking", "Sitting", "standing", "occupied", "not_worn", "ready", "low_battery", "test"]
)
def test_what_a_fall_sensor_says_besides_is_no_fall_and_takes_none_back(said: str) -> None:
    assert acts(Said("fall", said, old="fall")) == []


def test_when_somebody_fell_last_is_a_fall_where_it_is_news_alone() -> None:
    last = "2024-05-05T10:00:00+00:00"
    assert raised(acts(Said("fall", last, old="2024-05-01T10:00:00+00:00")))
    assert raised(acts(Said("fall", last, old=None, is_fresh=False))) == [], "nobody knows how long ago"


def test_a_fall_after_which_nothing_moves_is_critical() -> None:
    fall = Watched("motionless_fall", IT, None, NOON)
    verdict = check(fall, Standing(home(), moved_at=NOON + timedelta(seconds=20)), NOON + 5 * MINUTE)
    assert verdict.incident is not None
    assert (verdict.incident.kind, verdict.incident.severity) == ("fall", "critical")
    assert check(fall, Standing(home(), moved_at=NOON + 3 * MINUTE), NOON + 5 * MINUTE).incident is None


@pytest.mark.parametrize("said", ["sos", "on", "single", "press", "2026-03-02T04:00:00+00:00"])
def test_a_press_of_the_button_is_critical_whatever_it_is_called(said: str) -> None:
    assert raised(acts(Said("sos_button", said)))[0].severity == "critical"


@pytest.mark.parametrize("said", ["off", "", None, "idle", "unavailable", "False", "normal"])
def test_a_button_that_is_let_go_calls_nobody(said: str | None) -> None:
    assert raised(acts(Said("sos_button", said))) == []


def test_out_of_bed_at_night_is_looked_at_after_twenty_minutes() -> None:
    assert watches(acts(Said("bed", "off", NIGHT, old="on"))) == {"bed_exit": 20 * MINUTE}
    assert watches(acts(Said("bed", "off", NOON, old="on"))) == {}


def test_back_in_bed_ends_it() -> None:
    found = acts(Said("bed", "on", NIGHT, old="off"))
    assert Unwatch("bed_exit", IT) in found
    assert Settle("bed_exit", IT) in found


def test_out_of_bed_is_a_hint_and_being_back_is_nothing() -> None:
    left = Watched("bed_exit", IT, BEDROOM, NIGHT)
    verdict = check(left, Standing(home(), state="off"), NIGHT + 20 * MINUTE)
    assert verdict.incident is not None
    assert (verdict.incident.severity, verdict.incident.is_hint) == ("medium", True)
    assert verdict.incident.explanation["minutes"] == 20
    assert check(left, Standing(home(), state="on"), NIGHT + 20 * MINUTE).incident is None


def test_a_bed_that_is_not_heard_any_more_calms_nobody() -> None:
    assert check(Watched("bed_exit", IT, None, NIGHT), Standing(home(), state=None), NIGHT + 20 * MINUTE).incident


def test_a_door_opened_in_the_evening_counts_from_when_the_night_begins() -> None:
    evening = datetime(2026, 3, 2, 13, 30, tzinfo=UTC)  # half past nine
    assert watches(acts(Said("door", "on", evening, old="off", room_id=HALL))) == {
        "door_open_at_night": 30 * MINUTE + 10 * MINUTE
    }
    assert watches(acts(Said("door", "on", NIGHT, old="off", room_id=HALL))) == {"door_open_at_night": 10 * MINUTE}


def test_the_kitchens_door_may_stand_open_all_night() -> None:
    assert "door_open_at_night" not in watches(acts(Said("door", "on", NIGHT, old="off", room_id=KITCHEN)))


def test_a_stay_in_the_bathroom_is_looked_at_after_what_is_set_or_thrice_what_is_usual() -> None:
    said = Said("motion", "on", room_id=BATHROOM, old="off")
    assert watches(acts(said)) == {"bathroom_stay": 45 * MINUTE}
    assert watches(acts(said, home(usual_stay=20.0))) == {"bathroom_stay": 60 * MINUTE}
    assert watches(acts(said, home(usual_stay=5.0))) == {"bathroom_stay": 45 * MINUTE}
    assert watches(acts(said, home(usual_stay=500.0))) == {"bathroom_stay": 180 * MINUTE}


def test_whose_stay_it_is_nobody_knows_where_two_live() -> None:
    assert watches(acts(Said("motion", "on", room_id=BATHROOM, old="off"), home(lives_alone=False))) == {}


def test_who_moves_elsewhere_has_left_the_bathroom() -> None:
    assert Unwatch("bathroom_stay") in acts(Said("motion", "on", room_id=KITCHEN, old="off"))
    assert Unwatch("bathroom_stay") in acts(Said("presence", "off", room_id=BATHROOM, old="on"))


def test_a_stove_is_looked_at_after_a_quarter_of_an_hour_or_an_hour_where_nobody_can_be_seen() -> None:
    assert watches(acts(Said("stove", "on", old="off", room_id=KITCHEN))) == {"stove_unattended": 15 * MINUTE}
    assert watches(acts(Said("stove", "on", old="off", room_id=HALL))) == {"stove_unattended": HOUR}


def test_whoever_is_near_the_stove_puts_it_off_and_ends_what_was_told() -> None:
    found = acts(Said("motion", "on", room_id=KITCHEN, old="off"), home(unattended={IT: KITCHEN}))
    assert Near(KITCHEN, NOON + 15 * MINUTE) in found
    assert Settle("stove_unattended", IT) in found
    assert watches(found) == {"stove_unattended": 15 * MINUTE}


def test_a_stove_that_somebody_stands_at_is_looked_at_later() -> None:
    on = Watched("stove_unattended", IT, KITCHEN, NOON)
    assert check(on, Standing(home(), state="on", is_somebody_there=True), NOON + 15 * MINUTE).again_at
    assert check(on, Standing(home(), state="on"), NOON + 15 * MINUTE).incident
    assert check(on, Standing(home(), state="off"), NOON + 15 * MINUTE).incident is None


@pytest.mark.parametrize(
    ("degrees", "kinds"),
    [
        (22.0, set()),
        (30.0, {"heat"}),
        (35.5, {"heat", "severe_heat"}),
        (16.0, {"cold"}),
        (11.0, {"cold", "severe_cold"}),
    ],
)
def test_heat_and_cold_are_watched_by_degrees(degrees: float, kinds: set[str]) -> None:
    assert set(watches(acts(Said("temperature", str(degrees), room_id=BEDROOM, number=degrees)))) == kinds


def test_degrees_fahrenheit_are_degrees_too() -> None:
    assert celsius(86, "°F") == pytest.approx(30)
    where = home(units={IT: "°F"})
    assert watches(acts(Said("temperature", "75", room_id=BEDROOM, number=75.0), where)) == {}


def test_a_freezer_is_not_a_cold_room_and_a_balcony_is_not_lived_in() -> None:
    assert acts(Said("temperature", "-18", room_id=KITCHEN, number=-18.0)) == []
    assert acts(Said("temperature", "2", room_id=BALCONY, number=2.0)) == []
    assert acts(Said("temperature", "2", room_id=None, number=2.0)) == []


def test_heat_that_lasted_is_medium_and_a_hint_severe_heat_is_high() -> None:
    hot = Standing(home(), number=36.0, reported_at=NOON)
    kinds = {
        kind: check(Watched(kind, IT, BEDROOM, NOON - HOUR), hot, NOON).incident for kind in ("heat", "severe_heat")
    }
    assert {kind: one and (one.kind, one.severity, one.is_hint) for kind, one in kinds.items()} == {
        "heat": ("heat", "medium", True),
        "severe_heat": ("heat", "high", False),
    }


def test_a_temperature_nobody_confirmed_for_hours_is_none() -> None:
    old = Standing(home(), number=36.0, reported_at=NOON - 4 * HOUR)
    assert check(Watched("heat", IT, BEDROOM, NOON - HOUR), old, NOON).incident is None


def test_only_who_lives_alone_and_is_up_by_day_counts_as_active() -> None:
    def is_everyday(at: datetime, **values: Any) -> bool:
        found = acts(Said("motion", "on", at, room_id=KITCHEN, old="off"), home(**values))
        return next(act.is_everyday for act in found if isinstance(act, Moved))

    assert is_everyday(NOON)
    assert not is_everyday(NIGHT)
    assert not is_everyday(NOON, lives_alone=False)
    assert not is_everyday(NOON, settings=Settings(away=((NOON - HOUR, NOON + HOUR),)))


def test_light_and_power_are_nobodys_movement() -> None:
    assert acts(Said("light", "on", old="off", room_id=KITCHEN)) == []
