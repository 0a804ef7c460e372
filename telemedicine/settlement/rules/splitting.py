"""How the local insurer splits a bill: deductible, rate by tier of the clinic, yearly cap, catalogue, other cities.

The amounts and rates are made up, and published in ``schemes.json``; their shape is that of China's basic medical
insurance: a deductible a year, more paid at community clinics than at hospitals, more for older people, a cap a year,
a catalogue of what is not paid. Away from home the rates of home apply to the catalogue of where one is treated, less
so without a registration (2022 interim measures on direct settlement of medical treatment in other provinces).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any, Final, Literal

Tier = Literal["community", "secondary", "tertiary"]
TIERS: Final[Mapping[str, Tier]] = {"community": "community", "secondary": "secondary", "tertiary": "tertiary"}
Reason = Literal["covered", "within_deductible", "excluded", "exempt", "over_cap"]

FULL: Final = 10_000
"""A rate of everything: rates are in ten-thousandths."""


@dataclass(frozen=True, slots=True)
class Scheme:
    """An insurance's published rules; amounts in minor units of its currency, rates in ten-thousandths."""

    key: str
    name: str
    city: str
    currency: str
    deductible: Mapping[Tier, int]
    rate: Mapping[Tier, int]
    yearly_cap: int
    senior_age: int
    senior_uplift: int
    registered_reduction: int
    unregistered_reduction: int


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What a city's catalogue says of codes: paid never, or paid in full and from the first unit on."""

    excluded: frozenset[str] = frozenset()
    exempt: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Treated:
    """Where, when and how somebody was treated, as far as it changes what is paid."""

    city: str
    tier: Tier
    day: date
    birth_date: date | None = None
    registered: bool = False


@dataclass(frozen=True, slots=True)
class Used:
    """What of the year's deductible and cap is used up."""

    deductible: int = 0
    paid: int = 0


@dataclass(frozen=True, slots=True)
class Share:
    """What is paid of a line, and why not more."""

    amount: int
    eligible: int
    insured: int
    reason: Reason

    @property
    def own(self) -> int:
        """Return what is left."""
        return self.amount - self.insured


@dataclass(frozen=True, slots=True)
class Split:
    """What is paid of a bill, line by line, and what it uses up of the year's deductible."""

    shares: tuple[Share, ...]
    deductible: int = 0
    insured: int = field(init=False)
    eligible: int = field(init=False)

    def __post_init__(self) -> None:
        """Add up the lines."""
        object.__setattr__(self, "insured", sum(share.insured for share in self.shares))
        object.__setattr__(self, "eligible", sum(share.eligible for share in self.shares))


@cache
def schemes() -> Mapping[str, Scheme]:
    """Return the published schemes, by key."""
    return {one["key"]: Scheme(**one) for one in _published()["schemes"]}


def catalogue(city: str) -> Catalogue:
    """Return the catalogue of a city; of one without, everything is paid by the rates."""
    found = _published()["catalogues"].get(city, {})
    return Catalogue(frozenset(found.get("excluded", ())), frozenset(found.get("exempt", ())))


@cache
def _published() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(files(__package__).joinpath("schemes.json").read_text("utf-8"))
    return found


def rate(scheme: Scheme, treated: Treated) -> int:
    """Return how much of what is above the deductible is paid, in ten-thousandths."""
    found = scheme.rate[treated.tier]
    if treated.birth_date is not None and _age(treated.birth_date, treated.day) >= scheme.senior_age:
        found += scheme.senior_uplift
    if treated.city != scheme.city:
        found -= scheme.registered_reduction if treated.registered else scheme.unregistered_reduction
    return max(0, min(found, FULL))


def split(scheme: Scheme, treated: Treated, lines: Sequence[tuple[str, int]], used: Used, listed: Catalogue) -> Split:
    """Split the ``lines`` of a bill (code, amount) into what is paid and what is left, to the minor unit.

    The deductible is taken from the lines in their order, and so is the cap. What is left of a unit is the resident's.
    """
    paid_rate = rate(scheme, treated)
    open_deductible = max(0, scheme.deductible[treated.tier] - used.deductible)
    open_cap = max(0, scheme.yearly_cap - used.paid)
    shares, deducted = [], 0
    for code, amount in lines:
        if code in listed.excluded:
            shares.append(Share(amount, 0, 0, "excluded"))
            continue
        is_exempt = code in listed.exempt
        below = 0 if is_exempt else min(amount, open_deductible)
        open_deductible, deducted = open_deductible - below, deducted + below
        wanted = amount if is_exempt else (amount - below) * paid_rate // FULL
        insured = min(wanted, open_cap)
        open_cap -= insured
        shares.append(Share(amount, amount, insured, _reason(wanted, insured, below, amount, is_exempt=is_exempt)))
    return Split(tuple(shares), deducted)


def _reason(wanted: int, insured: int, below: int, amount: int, *, is_exempt: bool) -> Reason:
    if insured < wanted:
        return "over_cap"
    if is_exempt:
        return "exempt"
    return "within_deductible" if amount and below == amount else "covered"


def _age(born: date, day: date) -> int:
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))
