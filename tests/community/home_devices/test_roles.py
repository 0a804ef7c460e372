"""What care takes an entity for is told from what it is, and a guess errs towards taking it for nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from community.home_devices.models import ROLES
from community.home_devices.rules.roles import Described, role_of, room_kind_of


@pytest.mark.parametrize(
    ("described", "role"),
    [
        (Described("binary_sensor", "smoke", ("Smoke",)), "smoke"),
        (Described("binary_sensor", "gas", ("Carbon monoxide",)), "carbon_monoxide"),
        (Described("binary_sensor", "moisture", (None,), ("Kitchen leak",)), "water"),
        (Described("binary_sensor", "moisture", (None,), ("Soil sensor",)), "other"),
        (Described("binary_sensor", "moisture", (None,), ("Mailbox outdoor",)), "other"),
        (Described("binary_sensor", "moisture", (None,), ("Leak under the kitchen cabinet",)), "water"),
        (Described("binary_sensor", "moisture", ("Water leak",), ("Boiler",)), "water"),
        (Described("binary_sensor", "moisture", (None,), ("Wassermelder Kühlschrank",)), "water"),
        (Described("binary_sensor", "moisture", (None,), ("厨房水槽柜",)), "water"),
        (Described("binary_sensor", "heat", (None,), ("Kitchen heat alarm",)), "smoke"),
        (Described("binary_sensor", "heat", (None,), ("Hitzemelder Küche",)), "smoke"),
        (Described("binary_sensor", "heat", (None,), ("Kitchen stove",)), "stove"),
        (Described("binary_sensor", "heat", (None,), ("Radiator",)), "other"),
        (Described("binary_sensor", "safety", (None,), ("Fire alarm",)), "smoke"),
        (Described("binary_sensor", None, ("火警",)), "smoke"),
        (Described("binary_sensor", None, ("Screen on",), ("Fire TV",)), "other"),
        (Described("binary_sensor", "occupancy", (None,), ("Bad",)), "motion"),
        (Described("binary_sensor", "occupancy", ("Belegung",), ("Bettmatte",)), "bed"),
        (Described("binary_sensor", "vibration", (None,), ("床垫传感器",)), "bed"),
        (Described("binary_sensor", "door", (None,), ("Haustür",)), "door"),
        (Described("binary_sensor", "door", (None,), ("Fenster Küche",)), "window"),
        (Described("binary_sensor", "door", (None,), ("Fridge door",)), "other"),
        (Described("binary_sensor", None, ("Sturz erkannt",)), "fall"),
        (Described("binary_sensor", None, ("Fall detected",)), "fall"),
        (Described("binary_sensor", "safety", (None,), ("SOS button",)), "sos_button"),
        (Described("sensor", None, ("Action",), ("紧急按钮",)), "sos_button"),
        (Described("sensor", "enum", ("Smoke state",), ("Hall",)), "smoke"),
        (Described("sensor", "enum", ("Leak status",)), "water"),
        (Described("sensor", None, ("Smoke density",)), "other"),
        (Described("sensor", "enum", ("Self-test",), ("Smoke alarm",)), "other"),
        (Described("event", None, (None,), ("Panic button",)), "sos_button"),
        (Described("device_automation", None, (None,), ("Notruf Bad",)), "sos_button"),
        (Described("device_automation", None, (None, "emergency"), ("Grandma's pendant",)), "sos_button"),
        (Described("device_automation", None, (None, "single"), ("Grandma's pendant",)), "other"),
        (Described("button", None, ("SOS",)), "other"),
        (Described("sensor", "battery", (None,), ("SOS button",), "diagnostic"), "battery"),
        (Described("sensor", "voltage", (None,), ("SOS button",), "diagnostic"), "other"),
        (Described("sensor", "temperature", (None,), ("Bedroom climate",)), "temperature"),
        (Described("sensor", "temperature", (None,), ("Fridge",)), "other"),
        (Described("sensor", "temperature", (None,), ("冰箱",)), "other"),
        (Described("sensor", "temperature", (None,), ("Backofen",)), "other"),
        (Described("sensor", "temperature", (None,), ("Outdoor",)), "other"),
        (Described("sensor", "temperature", (None,), ("Climate",), None, "balcony"), "other"),
        (Described("sensor", "power", (None,), ("Herd",)), "stove"),
        (Described("sensor", "power", (None,), ("Washing machine",)), "power"),
        (Described("sensor", "energy", (None,), ("Herd",)), "energy"),
        (Described("switch", None, (None,), ("炉灶插座",)), "stove"),
        (Described("switch", None, (None,), ("Lamp",)), "other"),
        (Described("light", None, ("Bed lamp",)), "light"),
        (Described("lock", None, ("Front door",)), "lock"),
        (Described("valve", None, ("Water",)), "valve"),
        (Described("binary_sensor", "tamper", ("Tamper",)), "problem"),
    ],
)
def test_what_care_takes_an_entity_for(described: Described, role: str) -> None:
    assert role_of(described) == role


@given(
    st.sampled_from(["binary_sensor", "sensor", "switch", "event", "light", "button", "odd"]),
    st.none() | st.sampled_from(["door", "smoke", "temperature", "power", "safety", "x"]),
    st.lists(st.none() | st.text(max_size=30), max_size=3),
    st.none() | st.sampled_from(["config", "diagnostic"]),
)
def test_it_is_always_one_of_the_known(
    component: str, device_class: str | None, names: list[str | None], category: str | None
) -> None:
    assert role_of(Described(component, device_class, tuple(names), (), category)) in ROLES


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Bedroom", "bedroom"),
        ("Gäste-WC", "bathroom"),
        ("厨房", "kitchen"),
        ("Wohnzimmer", "living_room"),
        ("Flur", "hall"),
        ("Eingang", "entrance"),
        ("阳台", "balcony"),
        ("Workshop", "other"),
    ],
)
def test_what_kind_of_room_a_name_speaks_of(name: str, kind: str) -> None:
    assert room_kind_of(name) == kind
