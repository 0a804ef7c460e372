"""However a number is typed, it is one number; its check symbols are held against the standards' own examples."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.clock import new_id
from community.citizen_cards.rules import Shape, card_digest, ends_at, hidden, is_of, normalized

DIGITS = Shape("digits", 4, 40, "luhn")
IDENTITY = Shape("alphanumeric", 18, 18, "mod11_2")


@pytest.mark.parametrize("typed", ["dis-2026-0042", " DIS 2026 0042 ", "\uff24\uff29\uff33\uff0d2026\uff0d0042"])
def test_a_number_is_the_same_however_it_is_typed(typed: str) -> None:
    place = new_id()

    assert normalized(typed) == "DIS20260042"
    assert card_digest(place, "disability", typed) == card_digest(place, "disability", "DIS20260042")


def test_a_number_is_another_in_another_scheme_and_another_community() -> None:
    here, there = new_id(), new_id()

    assert (
        len({card_digest(here, "a", "12345"), card_digest(here, "b", "12345"), card_digest(there, "a", "12345")}) == 3
    )


@pytest.mark.parametrize(
    ("shape", "number", "fits"),
    [
        (DIGITS, "79927398713", True),
        (DIGITS, "79927398710", False),
        (DIGITS, "7992739871A", False),
        (DIGITS, "18", False),
        (IDENTITY, "11010519491231002X", True),
        (IDENTITY, "110105194912310021", False),
        (IDENTITY, "X10105194912310021", False),
        (Shape("alphanumeric", 4, 40, "mod97_10"), "79444", True),
        (Shape("alphanumeric", 4, 40, "mod97_10"), "79445", False),
        (Shape("alphanumeric", 4, 8, "none"), "AB12", True),
        (Shape("alphanumeric", 4, 8, "none"), "AB12AB12A", False),
        (Shape("digits", 4, 8, "none"), "AB12", False),
    ],
)
def test_a_number_is_held_against_its_check_symbols(shape: Shape, number: str, *, fits: bool) -> None:
    assert is_of(shape, number) is fits


@given(st.integers(min_value=10**6, max_value=10**15), st.integers(min_value=0, max_value=5), st.integers(1, 9))
def test_one_wrong_digit_is_found(number: int, place: int, by: int) -> None:
    body = str(number)
    right = next(f"{body}{last}" for last in range(10) if is_of(DIGITS, f"{body}{last}"))
    wrong = right[:place] + str((int(right[place]) + by) % 10) + right[place + 1 :]

    assert not is_of(DIGITS, wrong)


def test_a_last_day_ends_on_the_wall_of_the_community() -> None:
    assert ends_at(date(2026, 3, 31), "Asia/Shanghai") == datetime(2026, 3, 31, 16, tzinfo=UTC)
    assert ends_at(date(2026, 3, 28), "Europe/Berlin") == datetime(2026, 3, 28, 23, tzinfo=UTC)


def test_of_a_number_its_end_is_shown() -> None:
    assert hidden("DIS20260042") == "…0042"
