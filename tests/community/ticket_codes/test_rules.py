"""The code of a ticket says the same to every scanner, and nobody else makes one."""

import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from community.ticket_codes import rules
from community.ticket_codes.rules import Code, CodeRefused
from tests.community.ticket_codes.vectors import FILE, vectors

VECTORS: Final[dict[str, Any]] = json.loads(FILE.read_text())
LISTED: Final = rules.loaded({key["number"]: bytes.fromhex(key["public"]) for key in VECTORS["keys"] if key["listed"]})
SEED: Final = bytes(range(32))
KEYS: Final = rules.loaded({7: rules.public_key(SEED)})
CODE: Final = Code(
    ticket_id=uuid.UUID(int=1),
    attraction_id=uuid.UUID(int=2),
    valid_from=datetime(2026, 5, 1, 9, tzinfo=UTC),
    valid_until=datetime(2026, 5, 1, 17, tzinfo=UTC),
)
_instants = st.integers(0, 230 * 365 * 24 * 3600).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
_codes = st.builds(
    Code,
    ticket_id=st.uuids(),
    attraction_id=st.uuids(),
    valid_from=_instants,
    valid_until=_instants,
    persons=st.integers(0, 255),
    revision=st.integers(0, 255),
    name_checked=st.booleans(),
    entitlement_shown=st.booleans(),
    may_return=st.booleans(),
)


def verdict(text: str, at: datetime, tag: bytes) -> str:
    """Return what a scanner at the attraction says of a text."""
    try:
        found = rules.verify(text, LISTED)
    except CodeRefused as refused:
        return refused.reason
    return rules.untimely(found, tag, at) or "valid"


def test_the_file_of_vectors_is_what_the_layout_says() -> None:
    assert vectors() == VECTORS


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["name"])
def test_vectors(case: dict[str, Any]) -> None:
    tag = rules.attraction_tag(uuid.UUID(VECTORS["attraction_id"]))
    assert tag.hex() == VECTORS["attraction_tag"]
    assert verdict(case["text"], datetime.fromisoformat(case["at"]), tag) == case["expected"]
    if case["expected"] == "valid":
        found = rules.verify(case["text"], LISTED)
        assert rules.decode(case["text"]).hex() == case["payload"]
        assert str(found.ticket_id) == case["ticket_id"]
        assert case["says"] == {
            "key": found.key_number,
            "valid_from": found.valid_from.isoformat(),
            "valid_until": found.valid_until.isoformat(),
            "persons": found.persons,
            "revision": found.revision,
            "flags": found.flags,
        }


def test_a_code_signed_by_us_is_the_vector() -> None:
    good = VECTORS["cases"][0]
    code = Code(
        ticket_id=uuid.UUID(good["ticket_id"]),
        attraction_id=uuid.UUID(VECTORS["attraction_id"]),
        valid_from=datetime.fromisoformat(good["says"]["valid_from"]),
        valid_until=datetime.fromisoformat(good["says"]["valid_until"]),
    )
    seed = bytes.fromhex(VECTORS["keys"][1]["seed"])
    assert rules.encode(rules.sign(seed, 2, code)) == good["text"]


@given(_codes)
def test_what_was_signed_is_read_and_no_minute_is_lost(code: Code) -> None:
    text = rules.encode(rules.sign(SEED, 7, code))
    found = rules.verify(text, KEYS)

    assert (len(text), len(rules.decode(text))) == (151, 98)
    assert set(text.encode()) <= set(rules.ALPHABET)
    assert (found.ticket_id, found.persons, found.revision) == (code.ticket_id, code.persons, code.revision)
    assert found.attraction_tag == rules.attraction_tag(code.attraction_id)
    assert timedelta() <= code.valid_from - found.valid_from < timedelta(minutes=1)
    assert timedelta() <= found.valid_until - code.valid_until < timedelta(minutes=1)
    flags = (code.name_checked, code.entitlement_shown, code.may_return)
    known = (rules.CHECK_NAME, rules.SHOW_ENTITLEMENT, rules.MAY_RETURN)
    assert flags == tuple(bool(found.flags & flag) for flag in known)


@given(st.binary(min_size=98, max_size=98))
def test_base45_gives_back_what_it_was_given(payload: bytes) -> None:
    assert rules.decode(rules.encode(payload)) == payload


@given(st.integers(0, 97), st.integers(1, 255))
def test_whatever_byte_is_changed_it_opens_nothing(place: int, change: int) -> None:
    raw = bytearray(rules.sign(SEED, 7, CODE))
    raw[place] ^= change
    with pytest.raises(CodeRefused) as refused:
        rules.verify(rules.encode(bytes(raw)), KEYS)
    assert refused.value.reason == {0: "wrong_version", 1: "unknown_key"}.get(place, "forged")


@given(st.text(max_size=200))
@example("HL1:" + "0" * 147)
@settings(max_examples=200)
def test_any_text_is_answered(text: str) -> None:
    with pytest.raises(CodeRefused):
        rules.verify(text, KEYS)


@given(st.integers(0, 150), st.characters())
def test_any_other_character_is_another_text(place: int, character: str) -> None:
    text = rules.encode(rules.sign(SEED, 7, CODE))
    changed = text[:place] + character + text[place + 1 :]
    if changed != text:
        with pytest.raises(CodeRefused):
            rules.verify(changed, KEYS)


def test_what_has_no_room_is_said() -> None:
    code = Code(CODE.ticket_id, CODE.attraction_id, CODE.valid_from, CODE.valid_until, persons=256)
    with pytest.raises(ValueError, match="no room"):
        rules.sign(SEED, 7, code)
