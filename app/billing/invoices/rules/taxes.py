"""Tax that is contained in amounts: by rate, rounded once for each, and given back so that it adds up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.billing.charges.rules import shares


@dataclass(frozen=True, slots=True)
class TaxGroup:
    """What is taxed at a rate of ten-thousandths, in minor units: ``gross`` with its ``tax`` in it."""

    rate: int
    gross: int
    tax: int

    def as_json(self) -> dict[str, int]:
        """Return the group as a document keeps it."""
        return {"rate": self.rate, "gross": self.gross, "tax": self.tax}


def contained(gross: int, rate: int) -> int:
    """Return the tax that is in a gross amount, rounded half up to a whole minor unit."""
    return (2 * gross * rate + 10_000 + rate) // (2 * (10_000 + rate))


def taxes(lines: Sequence[Mapping[str, Any]]) -> list[TaxGroup]:
    """Return the tax of lines by rate, the lowest first."""
    gross: dict[int, int] = {}
    for line in lines:
        gross[line["tax_rate"]] = gross.get(line["tax_rate"], 0) + line["amount"]
    return [TaxGroup(rate, amount, contained(amount, rate)) for rate, amount in sorted(gross.items())]


def credited(of: Sequence[TaxGroup], before: Sequence[TaxGroup], amount: int) -> list[TaxGroup]:
    """Return the tax of an amount that is waived of what ``of`` came to, after ``before`` was.

    Each rate bears its part of what is left at it. When all of it is waived, so is all of the tax.
    """
    waived = {group.rate: 0 for group in of}
    for group in before:
        waived[group.rate] += group.gross
    left = [group.gross - waived[group.rate] for group in of]
    found = []
    for group, was, share in zip(of, left, shares(amount, left), strict=True):
        if share:
            tax = contained(was, group.rate) - contained(was - share, group.rate)
            found.append(TaxGroup(group.rate, share, tax))
    return found


def groups_of(content: Mapping[str, Any]) -> list[TaxGroup]:
    """Return the taxes that a document was issued with."""
    return [TaxGroup(one["rate"], one["gross"], one["tax"]) for one in content["taxes"]]
