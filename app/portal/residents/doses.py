"""What somebody takes: today's doses, the last two weeks at a glance, and what runs out."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final

from app.core import clock
from app.portal.charts.strips import KINDS, DoseKind, StripDay, StripDose, StripWords, adherence_strip
from app.portal.ground.asking import Refused
from app.portal.ground.moments import instant
from app.portal.residents.knowing import Known

SKIP_REASONS: Final = ("refused", "unwell", "not_available", "on_advice", "other")
HELPS: Final = ("gave", "saw", "told")
_DAYS: Final = 14
_MOST: Final = 600
_OPEN: Final = ("scheduled", "reminded", "missed")
_EARLY: Final = timedelta(hours=2)


async def doses(person: Known, words: Mapping[str, str]) -> dict[str, Any]:
    """Return today's doses, the strip of two weeks and stock that runs low; raises ``Refused``."""
    today = person.their.today()
    first = today - timedelta(days=_DAYS - 1)
    since, until = person.their.midnight(first), person.their.midnight(today + timedelta(days=1))
    found, regimens = await asyncio.gather(
        person.visit.api.pages(f"/v1/residents/{person.id}/doses", _MOST, **{"from": since, "to": until}),
        person.ask("regimens"),
    )
    active = [regimen for regimen in regimens["items"] if regimen["state"] == "active"]
    return {
        "today": [_shown(person, dose) for dose in found if person.their.date_of(dose["due_at"]) == today],
        "strip": adherence_strip(
            _days(person, found, first), _strip_words(person, words), language=person.visit.language
        ),
        "stocks": await _stocks(person, active),
        "regimens": active,
        "reasons": SKIP_REASONS,
        "helps": HELPS,
    }


def kind_of(dose: Mapping[str, Any]) -> DoseKind:
    """Return the shape a dose has in the strip."""
    match dose["state"]:
        case "taken":
            return "late" if dose["late"] else "taken"
        case "skipped":
            return "skipped"
        case "missed":
            return "missed"
        case "excused":
            return "excused"
        case _:
            return "planned"


def _shown(person: Known, dose: Mapping[str, Any]) -> dict[str, Any]:
    soon = instant(dose["due_at"]) - _EARLY <= clock.now()
    return {
        **dose,
        "drug": " ".join(filter(None, (dose["drug_name"], dose["drug_strength"]))),
        "shape": kind_of(dose),
        "can_record": person.may_write("medication:record") and dose["state"] in _OPEN and soon,
    }


def _days(person: Known, found: Sequence[Mapping[str, Any]], first: date) -> list[StripDay]:
    by_day: dict[date, list[StripDose]] = defaultdict(list)
    for dose in found:
        label = f"{person.their.clock(dose['due_at'])} {dose['drug_name']}"
        by_day[person.their.date_of(dose["due_at"])].append(StripDose(kind_of(dose), label))
    return [StripDay(day, by_day[day]) for day in (first + timedelta(days=n) for n in range(_DAYS))]


def _strip_words(person: Known, words: Mapping[str, str]) -> StripWords:
    return StripWords(
        words["strip_title"],
        words["strip_description"].format(name=person.name),
        words["day"],
        words["tab_doses"],
        {kind: words[f"dose_{kind}"] for kind in KINDS},
        words["no_doses"],
    )


async def _stocks(person: Known, regimens: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return what is kept of each drug, what runs out first at the top; drugs nobody counts are left out."""
    kept = await asyncio.gather(*(_stock(person, regimen) for regimen in regimens))
    return sorted((stock for stock in kept if stock), key=lambda stock: stock["runs_out_at"] or "9")


async def _stock(person: Known, regimen: Mapping[str, Any]) -> dict[str, Any] | None:
    try:
        stock = await person.ask(f"regimens/{regimen['id']}/stock")
    except Refused as refusal:
        if refusal.status in (404, 409):
            return None
        raise
    ends = stock["runs_out_at"]
    is_low = ends is not None and instant(ends) <= clock.now() + timedelta(days=stock["remind_days"])
    return {**stock, "name": regimen["drug"]["name"], "is_low": is_low}
