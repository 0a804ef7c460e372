"""What the demo's people measure of a morning, and the limits the practice watches them by."""

from datetime import date, datetime, timedelta
from typing import Any, Final

from app.demo.behaviour import chance
from app.demo.client import Phones, Refused
from app.demo.community import Village
from app.demo.people import Neighbour

_EVERY: Final = 4
_BAD_MORNING: Final = 0.004
_LIMITS: Final = {"code": "8480-6", "low": 90, "high": 180, "hysteresis": 5, "severity": "medium"}


def measures(neighbour: Neighbour) -> bool:
    """Say whether somebody measures at all: some of those with an app, the visitors' resident among them."""
    return neighbour.has_app and neighbour.number % _EVERY == 0


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
    values = [
        ("8480-6", "mm[Hg]", systolic),
        ("8462-4", "mm[Hg]", round(systolic * 0.62)),
        ("8867-4", "/min", round(usual.gauss(72, 6) + dice.gauss(0, 4))),
        ("2708-6", "%", min(99, round(usual.gauss(96, 1) + dice.random()))),
        ("29463-7", "kg", round(usual.gauss(72, 9) + dice.gauss(0, 0.3), 1)),
    ]
    readings = [
        {"code": code, "unit": unit, "value": value, "measured_at": at.isoformat(), "device": f"cuff-{number}"}
        for code, unit, value in values
    ]
    return {"mode": "partial", "readings": readings}


async def arrange_limits(phones: Phones, village: Village) -> None:
    """Name the practice's physician as responsible, and set limits for those who measure, unless it is done."""
    physician = village.staff["clinician"][0]
    named = (await phones.ask(village.operator, "GET", "/v1/responsible-clinicians"))["items"]
    if not any(one["is_in_force"] for one in named):
        naming = {"account_id": str(physician.id), "organization_id": str(physician.memberships[0].organization_id)}
        await phones.ask(village.operator, "POST", "/v1/responsible-clinicians", naming)
    for resident in village.residents.values():
        path = f"/v1/residents/{resident.id}/vital-thresholds"
        if not measures(resident.neighbour):
            continue
        try:
            if not (await phones.ask(physician, "GET", path))["items"]:
                await phones.ask(physician, "POST", path, _LIMITS)
        except Refused as refusal:
            # A community that was founded before there were limits has no agreement about them.
            if refusal.status not in (403, 404):
                raise
