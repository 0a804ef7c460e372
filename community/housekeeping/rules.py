"""What a visit costs: pure decisions on a provider's tariff, in whole minor units of its currency.

A price is the sum of its lines, each of which says what it is for. Shares of a hundred are taken of the work itself
(what is done, and the options), never of another surcharge, and rounded half up, each line for itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal

from app.dispatch.api import Place, distance

Category = Literal[
    "cleaning", "repair", "meals", "personal_care", "escort", "laundry", "haircut", "shopping", "company", "other"
]
Unit = Literal["visit", "hour"]
LineKind = Literal["work", "option", "weekend", "holiday", "area", "minimum"]
DayKind = Literal["workday", "weekend", "holiday"]
Odds = Literal["area", "duration", "option", "quantity"]

_SATURDAY: Final = 6
_TICK: Final = timedelta(microseconds=1)
_HOUR: Final = timedelta(hours=1) // _TICK


@dataclass(frozen=True, slots=True)
class Area:
    """Where a provider comes to: within ``radius`` metres of a place, for ``amount`` more."""

    code: str
    place: Place
    radius: int
    amount: int


@dataclass(frozen=True, slots=True)
class Option:
    """Something more that can be wanted, up to ``most`` times: what each costs, and how much longer it takes."""

    code: str
    amount: int
    duration: timedelta
    most: int


@dataclass(frozen=True, slots=True)
class Tariff:
    """What a provider takes for a service.

    By the visit the work takes ``shortest`` and costs ``amount``. By the hour it can be wanted in steps of ``step``
    from ``shortest`` to ``longest``, and each hour costs ``amount``. A visit costs at least ``minimum`` before what
    the area adds. ``weekend`` and ``holiday`` are the hundredths of the work that are added on such days.
    """

    unit: Unit
    amount: int
    shortest: timedelta
    longest: timedelta
    step: timedelta
    minimum: int
    weekend: int
    holiday: int
    areas: Sequence[Area]
    options: Sequence[Option]


@dataclass(frozen=True, slots=True)
class Wish:
    """What is wanted: how long (by the hour), which options how often, on which day, where."""

    duration: timedelta | None
    options: Mapping[str, int]
    day: DayKind
    place: Place


@dataclass(frozen=True, slots=True)
class Line:
    """A part of a price; ``code`` is the option's or the area's."""

    kind: LineKind
    amount: int
    code: str | None = None
    quantity: int = 1


@dataclass(frozen=True, slots=True)
class Price:
    """What a visit costs, line by line, and how long it takes."""

    lines: tuple[Line, ...]
    duration: timedelta

    @property
    def total(self) -> int:
        """Return the sum of the lines, in minor units."""
        return sum(line.amount for line in self.lines)


class NotSoldSoError(ValueError):
    """A wish a tariff has no price for; ``odds`` says what of it, ``code`` which option."""

    def __init__(self, odds: Odds, code: str | None = None) -> None:
        super().__init__(odds)
        self.odds: Odds = odds
        self.code = code


def day_kind(day: date, special: Mapping[date, bool]) -> DayKind:
    """Return what kind of day it is where the home is; ``special`` says of some days whether they are workdays.

    A make-up workday on a weekend is a workday: many countries move workdays around long holidays.
    """
    if day in special:
        return "workday" if special[day] else "holiday"
    return "weekend" if day.isoweekday() >= _SATURDAY else "workday"


def price(tariff: Tariff, wish: Wish) -> Price:
    """Return what a wish costs; raises ``NotSoldSoError`` where the tariff has no price for it."""
    area = _area(tariff, wish)
    duration, amount = _work(tariff, wish.duration)
    chosen = _options(tariff, wish.options)
    lines = [Line("work", amount)]
    lines += [Line("option", option.amount * count, option.code, count) for option, count in chosen]
    work = sum(line.amount for line in lines)
    share = {"workday": 0, "weekend": tariff.weekend, "holiday": tariff.holiday}[wish.day]
    if share and wish.day != "workday":
        lines.append(Line(wish.day, hundredths(work, share)))
    lines += _up_to(tariff.minimum, sum(line.amount for line in lines))
    if area.amount:
        lines.append(Line("area", area.amount, area.code))
    longer = sum((option.duration * count for option, count in chosen), timedelta())
    return Price(tuple(lines), duration + longer)


def hundredths(amount: int, share: int) -> int:
    """Return ``share`` hundredths of an amount, rounded half up to a whole minor unit."""
    return (amount * share + 50) // 100


def _work(tariff: Tariff, wanted: timedelta | None) -> tuple[timedelta, int]:
    if tariff.unit == "visit":
        if wanted not in (None, tariff.shortest):
            raise NotSoldSoError("duration")
        return tariff.shortest, tariff.amount
    duration = tariff.shortest if wanted is None else wanted
    if not tariff.shortest <= duration <= tariff.longest or (duration - tariff.shortest) % tariff.step:
        raise NotSoldSoError("duration")
    # Half up, as hundredths are, in whole microseconds.
    return duration, (tariff.amount * (duration // _TICK) + _HOUR // 2) // _HOUR


def _options(tariff: Tariff, wanted: Mapping[str, int]) -> list[tuple[Option, int]]:
    known = {option.code: option for option in tariff.options}
    for code, count in wanted.items():
        if code not in known:
            raise NotSoldSoError("option", code)
        if not 1 <= count <= known[code].most:
            raise NotSoldSoError("quantity", code)
    return [(option, wanted[option.code]) for option in tariff.options if option.code in wanted]


def _up_to(minimum: int, so_far: int) -> list[Line]:
    return [Line("minimum", minimum - so_far)] if so_far < minimum else []


def _area(tariff: Tariff, wish: Wish) -> Area:
    """Return the cheapest area the home is in; of two as cheap the one named first."""
    around = [area for area in tariff.areas if distance(area.place, wish.place) <= area.radius]
    if not around:
        raise NotSoldSoError("area")
    return min(around, key=lambda area: area.amount)
