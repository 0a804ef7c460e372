"""The pictures of the guide about payments show the states there are, and no other ones."""

import re
from itertools import product
from pathlib import Path
from typing import Any, Final, get_args

import pytest
import sqlalchemy as sa

from app.billing.authorizations.models import AUTHORIZATIONS, CARD_PAYMENTS, CARD_REFUNDS
from app.billing.authorizations.rules import CARD_TRANSITIONS
from app.billing.disputes import rules as disputes
from app.billing.disputes.models import DISPUTES
from app.billing.payouts.models import TRANSFERS

_GUIDE: Final = (Path(__file__).parents[2] / "docs/payments.md").read_text()
_ARROW: Final = re.compile(r"^ +(\S+) --> (\w+|\[\*\])", re.MULTILINE)
_BEGINNING: Final = "[*]"


def arrows(begins: str) -> set[tuple[str, str]]:
    """Return the arrows between states of the picture whose first state is ``begins``, after some words."""
    found = re.search(rf"{re.escape(begins)}.*?```mermaid\nstateDiagram-v2\n(.*?)```", _GUIDE, re.DOTALL)
    assert found, begins
    pairs = [(one[1], one[2]) for one in _ARROW.finditer(found[1])]
    assert len(set(pairs)) == len(pairs)
    return {pair for pair in pairs if _BEGINNING not in pair}


def kept(table: sa.Table) -> set[str]:
    """Return the states a table takes."""
    checks = [
        one for one in table.constraints if isinstance(one, sa.CheckConstraint) and "state IN" in str(one.sqltext)
    ]
    (check,) = (one for one in checks if str(one.sqltext).startswith("state IN"))
    return set(re.findall(r"'(\w+)'", str(check.sqltext)))


@pytest.mark.parametrize(
    ("begins", "table"),
    [
        ("An **authorization**", AUTHORIZATIONS),
        ("A **card payment**", CARD_PAYMENTS),
        ("A **card refund**", CARD_REFUNDS),
        ("A **dispute**", DISPUTES),
        ("A **transfer**", TRANSFERS),
    ],
)
def test_every_state_is_in_its_picture(begins: str, table: Any) -> None:
    assert {state for pair in arrows(begins) for state in pair} == kept(table)


def test_a_card_payment_goes_on_as_in_its_picture() -> None:
    assert arrows("A **card payment**") == {
        (before, after) for before, following in CARD_TRANSITIONS.items() for after in following
    }


def test_a_dispute_goes_on_as_in_its_picture() -> None:
    pairs = product(get_args(disputes.State), repeat=2)
    assert arrows("A **dispute**") == {pair for pair in pairs if disputes.leads_on(*pair)}
