"""What tickets come to: nothing is lost in dividing, and a ticket never costs less than nothing."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from community.ticket_orders import rules
from community.vouchers import rules as vouchers

_AMOUNTS = st.lists(st.integers(0, 10**6), min_size=1, max_size=30)


@given(_AMOUNTS, st.integers(1, 100))
def test_what_a_percentage_takes_off_is_divided_to_the_last_unit(amounts: list[int], percent: int) -> None:
    taken = vouchers.discount(amounts, percent, None)
    shares = rules.spread(taken, amounts)

    assert sum(shares) == taken <= sum(amounts)
    assert abs(2 * taken * 50 - sum(amounts) * percent) <= 50
    for share, amount in zip(shares, amounts, strict=True):
        assert 0 <= share <= amount
        assert abs(share * sum(amounts) - taken * amount) < max(sum(amounts), 1)


@given(_AMOUNTS, st.integers(1, 10**7))
def test_an_amount_takes_off_no_more_than_there_is(amounts: list[int], amount: int) -> None:
    taken = vouchers.discount(amounts, None, amount)

    assert taken == min(amount, sum(amounts)) == sum(rules.spread(taken, amounts))


@given(st.integers(0, 10**6), st.integers(0, 100))
def test_what_is_given_back_is_never_more_than_was_agreed(price: int, percent: int) -> None:
    back = rules.refund_amount(price, percent)

    assert back * 100 <= price * percent < (back + 1) * 100


def test_more_than_there_is_cannot_be_divided() -> None:
    with pytest.raises(ValueError, match="more than there is"):
        rules.spread(3, [1, 1])


def test_a_cart_is_the_same_whatever_the_order_of_its_items() -> None:
    one, two = {"slot": "a", "quantity": 1}, {"quantity": 2, "slot": "b"}

    assert rules.cart_digest([one, two]) == rules.cart_digest([two, dict(reversed(one.items()))])
    assert rules.cart_digest([one, two]) != rules.cart_digest([one, two | {"quantity": 3}])


def test_a_cart_waits_no_longer_than_one_may_enter() -> None:
    now = datetime(2026, 3, 5, tzinfo=UTC)

    assert rules.hold_ends(now, 15, now + timedelta(hours=1)) == now + timedelta(minutes=15)
    assert rules.hold_ends(now, 15, now + timedelta(minutes=5)) == now + timedelta(minutes=5)


@pytest.mark.parametrize("typed", ["SPRING-24", "spring 24", "Ｓｐｒｉｎｇ２４"])
def test_a_code_is_the_same_however_it_is_typed(typed: str) -> None:
    assert vouchers.normalized(typed) == "SPRING24"
