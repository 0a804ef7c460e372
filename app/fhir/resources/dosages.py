"""Dosage and Timing: what of them is structured here, shown and taken; all else stands in words."""

from datetime import date
from typing import Any, Final

from pydantic import ValidationError

from app.fhir.elements import UCUM, Json, filled
from app.fhir.problems import bad_parameter, not_processable
from app.fhir.registry import Parameter, Query
from telemedicine.api import DosageTiming, Quantity

DRUG_SYSTEMS: Final = (
    "http://www.whocc.no/atc",
    "http://snomed.info/sct",
    "http://www.nlm.nih.gov/research/umls/rxnorm",
)
"""Where a bare code is looked for."""
CODE: Final = Parameter(
    "code", "token", f"The medication's code, exactly: system|code, or a bare one of {', '.join(DRUG_SYSTEMS)}"
)
_DOSAGE: Final = frozenset({"id", "sequence", "text", "timing", "asNeededBoolean", "doseAndRate"})
_REPEAT: Final = frozenset({"boundsPeriod", "frequency", "period", "periodUnit", "timeOfDay"})
_DAYS: Final = {"d": 1, "wk": 7}
_HOURS: Final = 24
_MOST_TIMES: Final = 12
_LONGEST: Final = 31


def quantity(value: float, unit: str) -> Json:
    """Return an amount in a unit of UCUM's."""
    return {"value": value, "unit": unit, "system": UCUM, "code": unit}


def quantity_sent(element: Json, path: str) -> Quantity:
    """Return the amount an element says; raises ``NotProcessable`` for one without a unit of UCUM's."""
    if element.get("system") != UCUM or not element.get("code") or "value" not in element:
        raise not_processable(path, "a value with its UCUM code and system", "required")
    if element.get("comparator"):
        raise not_processable(f"{path}.comparator", "a value, not a bound", "not-supported")
    try:
        return Quantity(value=float(element["value"]), unit=element["code"])
    except ValidationError:
        raise not_processable(f"{path}.code", "a code of UCUM's", "value") from None


def dosage(text: str, timing: DosageTiming | None, dose: Quantity | None, starts_on: date | None) -> Json:
    """Return how something is taken: in words, and as far as it is structured."""
    repeat: Json = filled(boundsPeriod={"start": starts_on.isoformat()} if starts_on else None)
    if timing is not None and (timing.frequency is not None or timing.times_of_day):
        repeat |= {"frequency": timing.frequency or len(timing.times_of_day)}
        repeat |= {"period": timing.period_days, "periodUnit": "d"}
        repeat |= filled(timeOfDay=[f"{at}:00" for at in timing.times_of_day])
    return filled(
        text=text,
        timing={"repeat": repeat} if repeat else None,
        asNeededBoolean=True if timing is not None and timing.as_needed else None,
        doseAndRate=[{"doseQuantity": quantity(dose.value, dose.unit)}] if dose is not None else None,
    )


def dosage_sent(element: Json, path: str) -> dict[str, Any]:
    """Return ``dosage``, ``timing``, ``dose`` and ``starts_on`` of a prescription; raises ``NotProcessable``."""
    check_kept(element, _DOSAGE, path)
    if not element.get("text"):
        raise not_processable(f"{path}.text", "how it is taken, as it stands on the label", "required")
    timing, starts_on = _timing(element.get("timing", {}), f"{path}.timing")
    if element.get("asNeededBoolean"):
        timing["as_needed"] = True
    doses = element.get("doseAndRate", [])
    for index, one in enumerate(doses):
        if index or set(one) != {"doseQuantity"}:
            raise not_processable(f"{path}.doseAndRate[{index}]", "one doseQuantity", "not-supported")
    amount = quantity_sent(doses[0]["doseQuantity"], f"{path}.doseAndRate[0].doseQuantity") if doses else None
    return {"dosage": element["text"], "timing": timing or None, "dose": amount, "starts_on": starts_on}


def _timing(element: Json, path: str) -> tuple[dict[str, Any], str | None]:
    check_kept(element, frozenset({"repeat"}), path)
    repeat = element.get("repeat", {})
    check_kept(repeat, _REPEAT, f"{path}.repeat")
    bounds = repeat.get("boundsPeriod", {})
    check_kept(bounds, frozenset({"start"}), f"{path}.repeat.boundsPeriod")
    found: dict[str, Any] = {}
    if repeat.keys() & {"frequency", "period", "periodUnit"}:
        found = _frequency(repeat, f"{path}.repeat")
    times = [_wall_time(text, f"{path}.repeat.timeOfDay") for text in repeat.get("timeOfDay", [])]
    if times:
        found["times_of_day"] = times
        if found.get("period_days", 1) > 1 and len(times) != found["frequency"]:
            raise not_processable(f"{path}.repeat.timeOfDay", "as many times as the frequency says", "value")
    return found, day_sent(bounds["start"], f"{path}.repeat.boundsPeriod.start") if bounds else None


def _wall_time(text: str, path: str) -> str:
    if not text.endswith(":00"):
        raise not_processable(path, "whole minutes: HH:MM:00", "value")
    return text[:5]


def _frequency(repeat: Json, path: str) -> dict[str, Any]:
    """Return how often in how many days; of hours that a day has a whole number of times, how often a day.

    A period is never guessed: eight of what nobody said may be hours or days.
    """
    for name in ("period", "periodUnit"):
        if name not in repeat:
            raise not_processable(f"{path}.{name}", "a period with its unit", "required")
    frequency, period, unit = repeat.get("frequency", 1), float(repeat["period"]), repeat["periodUnit"]
    if unit == "h" and period > 0 and (_HOURS / period).is_integer():
        frequency, period, unit = frequency * int(_HOURS / period), 1.0, "d"
    days = period * _DAYS.get(unit, 0)
    if not days.is_integer() or not 1 <= days <= _LONGEST or not 1 <= frequency <= _MOST_TIMES:
        raise not_processable(path, "so many times in so many days; say others in the text", "not-supported")
    return {"frequency": frequency, "period_days": int(days)}


def day_sent(text: str, path: str) -> str:
    """Return the day an element says; raises ``NotProcessable`` for a month, a year or an instant."""
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise not_processable(path, "a day: YYYY-MM-DD", "value") from None


def check_kept(element: Json, kept: frozenset[str], path: str) -> None:
    """Raise ``NotProcessable`` for what an element says beside what is kept: nothing is lost in silence."""
    for name in sorted(element.keys() - kept):
        raise not_processable(
            f"{path}.{name}", "this is not kept here: say it in the text, or leave it out", "not-supported"
        )


def exact_codes(query: Query) -> list[tuple[str, str]] | None:
    """Return the wanted codes, each with its system: a bare code in each of ``DRUG_SYSTEMS``, as codes are kept sealed.

    Raises ``BadSearch`` for a system without a code, and for a code in none.
    """
    if "code" not in query.tokens:
        return None
    found: list[tuple[str, str]] = []
    for token in query.tokens["code"]:
        if not token.code or token.system == "":
            raise bad_parameter("code", "a code, with its system if it is another than the usual ones", "required")
        found += [(token.system, token.code)] if token.system else [(system, token.code) for system in DRUG_SYSTEMS]
    return found
