"""What the demo's people measure of a morning, and the limits the practice watches them by."""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from app.demo.behaviour import ROUND, chance
from app.demo.client import Phones, Refused
from app.demo.community import Village
from app.demo.people import Neighbour

_EVERY: Final = 4
_BAD_MORNING: Final = 0.004
_LIMITS: Final[dict[str, Any]] = {"code": "8480-6", "low": 90, "high": 180, "hysteresis": 5, "severity": "medium"}
_WATCHED: Final = 14
"""The number of a resident whom the practice gave a whole set of devices, and looks after by early warning scores."""
_OXYGEN: Final[dict[str, Any]] = {"code": "2708-6", "low": 92, "hysteresis": 1, "severity": "medium"}
_SETS_AT: Final = (time(6, 30), time(12, 30), time(20))
"""When a set is measured: at no moment is the latest older than a score may be (12 hours)."""

_SHORT_OF_BREATH_ON: Final = 16
"""Days after the founding on which oxygen is below the limit at noon, and in the evening is not."""


def measures(neighbour: Neighbour) -> bool:
    """Say whether somebody measures at all: some of those with an app, the visitors' resident among them."""
    return neighbour.has_app and neighbour.number % _EVERY == 0


def watched(neighbour: Neighbour) -> bool:
    """Say whether somebody measures what an early warning score is made of, several times a day."""
    return neighbour.number == _WATCHED and neighbour.has_app


def sets(number: int, begins: datetime, age: int) -> list[tuple[datetime, dict[str, Any]]]:
    """Return the whole sets of a day that begins at ``begins``, ``age`` days after the founding, and when they are."""
    moments = [datetime.combine(begins.date(), wall, begins.tzinfo) for wall in _SETS_AT]
    is_bad = age % ROUND == _SHORT_OF_BREATH_ON
    return [(at, _set(number, at, is_bad=is_bad and at.hour == _SETS_AT[1].hour)) for at in moments]


def _set(number: int, at: datetime, *, is_bad: bool) -> dict[str, Any]:
    dice = chance("set", number, at)
    values: list[tuple[str, str, float | str]] = [
        ("9279-1", "/min", 23 if is_bad else dice.randint(14, 18)),
        ("2708-6", "%", 89 if is_bad else dice.randint(96, 98)),
        ("3151-8", "L/min", 0),
        ("8480-6", "mm[Hg]", dice.randint(122, 138)),
        ("8462-4", "mm[Hg]", dice.randint(72, 84)),
        ("8867-4", "/min", 98 if is_bad else dice.randint(66, 82)),
        ("67775-7", "{ACVPU}", "A"),
        ("8310-5", "Cel", round(dice.uniform(36.3, 37.2), 1)),
    ]
    return _batch(f"kit-{number}", at, values)


def _batch(device: str, at: datetime, values: Iterable[tuple[str, str, float | str]]) -> dict[str, Any]:
    readings = [
        {"code": code, "unit": unit, "value": value, "measured_at": at.isoformat(), "device": device}
        for code, unit, value in values
    ]
    return {"mode": "partial", "readings": readings}


def rises(number: int, today: date) -> timedelta:
    """Return how long after the day begins somebody puts the cuff on."""
    return timedelta(minutes=chance("cuff", number, today).randrange(60, 300))


def morning(number: int, at: datetime) -> dict[str, Any]:
    """Return the readings of a morning, as the app sends them."""
    dice = chance("vitals", number, at.date())
    usual = chance("usual", number)
    systolic = round(usual.gauss(128, 8) + dice.gauss(0, 6))
    if dice.random() < _BAD_MORNING:
        systolic = 190
    values: list[tuple[str, str, float | str]] = [
        ("8480-6", "mm[Hg]", systolic),
        ("8462-4", "mm[Hg]", round(systolic * 0.62)),
        ("8867-4", "/min", round(usual.gauss(72, 6) + dice.gauss(0, 4))),
        ("2708-6", "%", min(99, round(usual.gauss(96, 1) + dice.random()))),
        ("29463-7", "kg", round(usual.gauss(72, 9) + dice.gauss(0, 0.3), 1)),
    ]
    return _batch(f"cuff-{number}", at, values)


def _limits(neighbour: Neighbour) -> tuple[dict[str, Any], ...]:
    if watched(neighbour):
        return _LIMITS, _OXYGEN
    return (_LIMITS,) if measures(neighbour) else ()


async def arrange_limits(phones: Phones, village: Village) -> None:
    """Name the practice's physician as responsible, and set limits for those who measure, unless it is done."""
    physician = village.staff["clinician"][0]
    named = (await phones.ask(village.operator, "GET", "/v1/responsible-clinicians"))["items"]
    if not any(one["is_in_force"] for one in named):
        naming = {"account_id": str(physician.id), "organization_id": str(physician.memberships[0].organization_id)}
        await phones.ask(village.operator, "POST", "/v1/responsible-clinicians", naming)
    for resident in village.residents.values():
        path = f"/v1/residents/{resident.id}/vital-thresholds"
        limits = _limits(resident.neighbour)
        if not limits:
            continue
        try:
            known = {limit["code"] for limit in (await phones.ask(physician, "GET", path))["items"]}
            for limit in limits:
                if limit["code"] not in known:
                    await phones.ask(physician, "POST", path, limit)
        except Refused as refusal:
            # A community that was founded before there were limits has no agreement about them.
            if refusal.status not in (403, 404):
                raise
