"""The rules of video visits, by themselves: states, seats, who gives way, what a relay is shown."""

import base64
import hashlib
import hmac
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from app.core.video_settings import VideoSettings
from telemedicine.consultations.rules import OPEN, SEATS, TRANSITIONS, Person, is_polite, seat_for, state_with
from telemedicine.consultations.service.ice import ice_of

AT = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
roles = st.sampled_from(["clinician", "resident", "family", "interpreter"])
people = st.lists(
    st.builds(Person, roles, st.sampled_from(["invited", "waiting", "admitted", "left", "removed"]), st.booleans()),
    max_size=6,
)


@given(st.sampled_from(sorted(TRANSITIONS)), people)
def test_a_visit_only_goes_where_the_table_lets_it(state: Any, there: list[Person]) -> None:
    after = state_with(state, there)
    assert after == state or after in TRANSITIONS[state]
    if after == "in_progress" != state:
        inside = {person.role for person in there if person.is_present and person.state == "admitted"}
        assert "clinician" in inside
        assert len(inside) > 1


def test_what_is_over_stays_over() -> None:
    everybody = [Person("clinician", "admitted", is_present=True), Person("resident", "admitted", is_present=True)]
    assert [state_with(state, everybody) for state in ("ended", "expired")] == ["ended", "expired"]
    assert {"planned", "waiting", "in_progress"} == OPEN


@given(st.lists(roles, max_size=8))
def test_four_at_most_sit_and_those_the_visit_is_between_always_can(asking: list[str]) -> None:
    taken: dict[int, str] = {}
    for role in asking:
        seat = seat_for(role, taken)
        if seat is not None:
            assert seat not in taken
            taken[seat] = role
    assert len(taken) <= SEATS
    assert ("clinician" in asking) == ("clinician" in taken.values())
    assert ("resident" in asking) == ("resident" in taken.values())


@given(st.integers(0, 3), st.integers(0, 3))
def test_of_two_exactly_one_gives_way(one: int, other: int) -> None:
    if one != other:
        assert is_polite(one, other) != is_polite(other, one)


def test_a_relay_finds_our_credentials_good_until_they_end() -> None:
    video = VideoSettings(turn_urls=("turn:relay.example:3478",), turn_secret=SecretStr("north"), relay_only=True)
    user = uuid.UUID(int=7)
    told = ice_of(video, user, AT)
    (server,) = told["iceServers"]
    assert server["username"] == f"{int((AT + timedelta(hours=1)).timestamp())}:{user}"
    expected = hmac.new(b"north", server["username"].encode(), hashlib.sha1).digest()
    assert base64.b64decode(server["credential"]) == expected
    assert told["iceTransportPolicy"] == "relay"


@pytest.mark.parametrize(
    "given_", [{"turn_urls": ("turn:relay.example:3478",)}, {"relay_only": True}, {"turn_minutes": 1}]
)
def test_a_relay_that_is_half_set_up_does_not_start(given_: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        VideoSettings.model_validate(given_)
