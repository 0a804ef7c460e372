"""How much of a medicine is taken, in words."""

import pytest

from app.portal.ground.amounts import amount
from eldercare.medication.rules import UNITS


@pytest.mark.parametrize(
    ("quantity", "unit", "english", "chinese"),
    [
        (1.0, "{tablet}", "1 tablet", "1 片"),
        (0.5, "{tablet}", "0.5 tablets", "0.5 片"),
        (2, "{suppository}", "2 suppositories", "2 枚"),
        (20, "[drp]", "20 drops", "20 滴"),
        (2.5, "mL", "2.5 mL", "2.5 mL"),
        (1, "{scoop}", "1 scoop", "1 scoop"),
        (1, "", "1", "1"),
    ],
)
def test_an_amount_is_said_as_a_reader_says_it(quantity: float, unit: str, english: str, chinese: str) -> None:
    assert amount("en", quantity, unit) == english
    assert amount("zh-CN", quantity, unit) == chinese


def test_no_unit_a_dose_can_have_is_shown_in_braces_or_brackets() -> None:
    assert [unit for unit in UNITS if set(amount("en", 2, unit)) & set("{}[]*")] == []
    counted = [unit for unit in UNITS if unit.startswith("{")]
    assert [unit for unit in counted if amount("zh-CN", 2, unit).isascii()] == []
