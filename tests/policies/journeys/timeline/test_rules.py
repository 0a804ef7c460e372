"""What may be seen of a timeline, and that what telemedicine has in it has words in every language."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.identity.api import LANGUAGES
from app.policies.journeys.timeline.rules.kinds import KINDS, PART_OF, SCOPE_OF, SCOPES, Kind, shown_kinds
from telemedicine.appointments.rules import TRANSITIONS, news


def test_every_kind_is_of_one_domain() -> None:
    assert tuple(PART_OF) == KINDS


@given(st.sets(st.sampled_from(SCOPES)), st.none() | st.lists(st.sampled_from(KINDS)))
def test_nothing_is_shown_that_is_not_both_wanted_and_allowed(held: set[str], wanted: list[Kind] | None) -> None:
    shown = shown_kinds(held, wanted)
    assert {SCOPE_OF[kind] for kind in shown} <= held
    assert wanted is None or set(shown) <= set(wanted)
    assert set(shown) == {kind for kind in KINDS if SCOPE_OF[kind] in held and (wanted is None or kind in wanted)}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_end_of_an_appointment_has_a_sentence_of_its_own(language: str) -> None:
    told = {news(was, status) for was, after in TRANSITIONS.items() for status in after} | {"moved"}
    told.discard(None)
    assert told == {"booked", "moved", "cancelled", "fulfilled", "noshow", "entered-in-error"}
    said = {PART_OF["appointment_changed"].tell(language, "appointment_changed", {"news": one}) for one in told}
    assert len(said) == len(told)


@pytest.mark.parametrize("held", ["pending", "proposed"])
def test_what_was_only_held_is_no_news(held: str) -> None:
    assert {news(held, status) for status in TRANSITIONS[held]} == {"booked", None}
