"""Which vital signs there are: LOINC codes, canonical UCUM units, conversions, and what no body can show."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, get_args

from app.core import clock

FUTURE_TOLERANCE: Final = timedelta(minutes=2)
"""How far a device's clock may be ahead of ours."""
OLDEST: Final = timedelta(days=3653)
"""How old a reading may be when it is brought: as long as readings are kept."""

Level = Literal["A", "C", "V", "P", "U"]
_LEVELS: Final[tuple[Level, ...]] = get_args(Level)
ACVPU: Final = "".join(_LEVELS)
"""Consciousness: alert, new confusion, responds to voice, to pain, unresponsive. Stored as its place in this order."""


@dataclass(frozen=True, slots=True)
class Conversion:
    """To the canonical unit: ``value * factor + offset``."""

    factor: float
    offset: float = 0.0


@dataclass(frozen=True, slots=True)
class VitalSign:
    """A kind of reading; values outside of ``low`` to ``high`` are mistakes of measuring or typing, not findings."""

    code: str
    name: str
    unit: str
    low: float
    high: float
    decimals: int
    others: Mapping[str, Conversion]
    is_coded: bool = False
    """Whether its value is a letter of ``ACVPU`` rather than a number."""


class Refused(ValueError):  # noqa: N818 - says what happened
    """A reading that cannot be taken: a stable ``code`` and a sentence."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code, self.detail = code, detail


HEART_RATE: Final = "8867-4"
RESPIRATION: Final = "9279-1"
SPO2: Final = "2708-6"
TEMPERATURE: Final = "8310-5"
SYSTOLIC: Final = "8480-6"
DIASTOLIC: Final = "8462-4"
WEIGHT: Final = "29463-7"
HEIGHT: Final = "8302-2"
BMI: Final = "39156-5"
GLUCOSE: Final = "2339-0"
CONSCIOUSNESS: Final = "67775-7"
OXYGEN_FLOW: Final = "3151-8"

_KPA: Final = Conversion(7.500616827)  # mm[Hg] of 133.322387415 Pa
_GLUCOSE_MMOL: Final = Conversion(18.0156)  # C6H12O6, 180.156 g/mol

_SIGNS: Final = (
    VitalSign(HEART_RATE, "heart_rate", "/min", 15, 300, 1, {"{beats}/min": Conversion(1)}),
    VitalSign(RESPIRATION, "respiratory_rate", "/min", 2, 80, 1, {"{breaths}/min": Conversion(1)}),
    VitalSign(SPO2, "oxygen_saturation", "%", 40, 100, 1, {}),
    VitalSign(TEMPERATURE, "body_temperature", "Cel", 25, 45, 2, {"[degF]": Conversion(5 / 9, -160 / 9)}),
    VitalSign(SYSTOLIC, "blood_pressure_systolic", "mm[Hg]", 40, 300, 1, {"kPa": _KPA}),
    VitalSign(DIASTOLIC, "blood_pressure_diastolic", "mm[Hg]", 20, 200, 1, {"kPa": _KPA}),
    VitalSign(WEIGHT, "body_weight", "kg", 20, 400, 2, {"g": Conversion(0.001), "[lb_av]": Conversion(0.45359237)}),
    VitalSign(HEIGHT, "body_height", "cm", 80, 250, 1, {"m": Conversion(100), "[in_i]": Conversion(2.54)}),
    VitalSign(BMI, "body_mass_index", "kg/m2", 8, 100, 2, {}),
    VitalSign(GLUCOSE, "blood_glucose", "mg/dL", 10, 1000, 1, {"mmol/L": _GLUCOSE_MMOL}),
    VitalSign(CONSCIOUSNESS, "consciousness", "{ACVPU}", 0, len(ACVPU) - 1, 0, {}, is_coded=True),
    VitalSign(OXYGEN_FLOW, "supplemental_oxygen", "L/min", 0, 60, 1, {}),  # 0 is air
)
SIGNS: Final[Mapping[str, VitalSign]] = {sign.code: sign for sign in _SIGNS}
"""LOINC code → what it means here. Oxygen without a device is a flow of 0."""

ALIASES: Final[Mapping[str, str]] = {
    "59408-5": SPO2,  # by pulse oximetry
    "15074-8": GLUCOSE,  # moles per volume
    "3141-9": WEIGHT,  # measured
}
"""Codes that say the same of what is measured at home; stored under the one they stand for."""

_OF_CODE: Final[Mapping[str, VitalSign]] = {**SIGNS, **{alias: SIGNS[code] for alias, code in ALIASES.items()}}
_LEVEL_NEEDED: Final = "one letter of ACVPU: alert, new confusion, voice, pain, unresponsive"


def sign_of(code: str) -> VitalSign:
    """Return what a LOINC code (or an alias) means; raises ``Refused``."""
    sign = _OF_CODE.get(code)
    if sign is None:
        raise Refused("unknown_code", "not a vital sign that is kept here")
    return sign


@dataclass(frozen=True, slots=True)
class Measure:
    """A vital sign in one of its units: what turns a value into the canonical unit, and what it must lie between."""

    sign: VitalSign
    factor: float
    offset: float
    low: float
    high: float
    decimals: int


_MEASURES: Final = {
    (code, unit): Measure(
        sign,
        conversion.factor,
        conversion.offset,
        # No number is a letter: nothing lies between these.
        math.inf if sign.is_coded else sign.low,
        sign.high,
        sign.decimals,
    )
    for code, sign in _OF_CODE.items()
    for unit, conversion in {sign.unit: Conversion(1), **sign.others}.items()
}


def measure_of(code: str, unit: str) -> Measure:
    """Return what a LOINC code and a UCUM unit mean together; raises ``Refused`` for another quantity's unit."""
    measure = _MEASURES.get((code, unit))
    if measure is None:
        sign = sign_of(code)
        known = ", ".join([sign.unit, *sign.others])
        raise Refused("unit_mismatch", f"not a unit of this vital sign; known: {known}")
    return measure


@dataclass(frozen=True, slots=True)
class Window:
    """When a reading can have been measured that is brought now: between these numbers of ids."""

    first: int
    end: int


def window_at(now: datetime) -> Window:
    """Return the window of readings that are brought at ``now``."""
    end = now + FUTURE_TOLERANCE + timedelta(microseconds=1)
    return Window(clock.id_floor(now - OLDEST).int, clock.id_floor(end).int)


def check_time(number: int, window: Window) -> None:
    """Raise ``Refused`` for a reading, by the number of its id, that was measured later than now or too long ago."""
    if number >= window.end:
        raise Refused("in_the_future", "measured later than now")
    if number < window.first:
        raise Refused("too_old", "measured longer ago than readings are kept")


def taken(measure: Measure, value: float | str) -> float:
    """Return the canonical value of a reading; raises ``Refused`` for what no body can show.

    Rounded to the sign's decimals: what a conversion adds behind them was not measured.
    """
    if isinstance(value, str):
        return _place(measure.sign, value)
    found = value * measure.factor + measure.offset
    if measure.low <= found <= measure.high:  # NaN is in no range
        return round(found, measure.decimals)
    raise _refusal(measure.sign, value)


def _refusal(sign: VitalSign, value: float) -> Refused:
    if sign.is_coded:
        return Refused("not_a_level", _LEVEL_NEEDED)
    if not math.isfinite(value):
        return Refused("not_a_number", "neither infinity nor NaN was measured")
    return Refused("implausible", f"must lie between {sign.low:g} and {sign.high:g} {sign.unit}")


def _place(sign: VitalSign, value: str) -> float:
    if not sign.is_coded:
        raise Refused("not_a_number", "this vital sign is a number")
    if len(value) != 1 or value not in ACVPU:
        raise Refused("not_a_level", _LEVEL_NEEDED)
    return float(ACVPU.index(value))


def shown(code: str, value: float) -> float | Level:
    """Return a stored value as it is shown: a number, or the letter of a level of consciousness."""
    return _LEVELS[int(value)] if code == CONSCIOUSNESS else value
