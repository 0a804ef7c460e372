"""Who of the demo's people wears a tracker, where they are to stay by day, and where they go."""

from datetime import date, datetime, timedelta
from typing import Any, Final

from app.demo.behaviour import chance
from app.demo.client import Phones
from app.demo.community import Village
from app.demo.people import Neighbour

_EVERY: Final = 40
_FIRST: Final = 7
_ASTRAY: Final = 0.03
_HOURS: Final = range(4, 15)
"""Hours after the day begins at which a tracker reports: from nine in the morning to seven in the evening."""
_FIXES: Final = 4
_RADIUS: Final = 400  # metres
_DEGREE: Final = 111_195.0  # metres of a degree of latitude
WANDERER: Final = 7
_ROUND: Final = 9
_WANDERS_ON: Final = 1
"""Of every nine days since the community was founded, the one on which the first of the wearers leaves the zone."""
_WANDERS_AT: Final = 13
_MAY: Final = ("location:read", "zones:manage")


def wears(neighbour: Neighbour) -> bool:
    """Say whether somebody wears a tracker: a few of those who have an app and somebody to look for them."""
    return neighbour.number % _EVERY == _FIRST and neighbour.has_app and bool(neighbour.circle)


def reports(neighbour: Neighbour, begins: datetime, age: int) -> list[tuple[datetime, dict[str, Any]]]:
    """Return what a tracker sends on a day that begins at ``begins``, ``age`` days after the founding, and when."""
    strays_at = _strays(neighbour.number, begins.date(), age)
    hours = [begins + timedelta(hours=hour) for hour in _HOURS]
    return [(at, _hour(neighbour, at, is_away=at.hour == strays_at)) for at in hours]


def _hour(neighbour: Neighbour, at: datetime, *, is_away: bool) -> dict[str, Any]:
    """Return an hour's fixes: near home, or beyond the zone in the hour in which somebody goes astray."""
    dice = chance("positions", neighbour.number, at)
    home = _home(neighbour)
    fixes = []
    for place in range(_FIXES):
        north = dice.uniform(700, 900) if is_away and place else dice.uniform(-120, 120)
        observed_at = at - timedelta(minutes=15 * (_FIXES - 1 - place))
        fix = {
            "observed_at": observed_at.isoformat(),
            "latitude": home[0] + north / _DEGREE,
            "longitude": home[1] + dice.uniform(-80, 80) / _DEGREE,
            "accuracy": round(dice.uniform(5, 40), 1),
            "battery": dice.randint(40, 100),
            "source": "gnss",
        }
        fixes.append(fix)
    return {"device": f"tracker-{neighbour.number}", "positions": fixes}


def _home(neighbour: Neighbour) -> tuple[float, float]:
    household = neighbour.create["household"]
    return household["latitude"], household["longitude"]


def _strays(number: int, today: date, age: int) -> int | None:
    """Return the hour of the day in which somebody goes astray, if they do."""
    if number == WANDERER:
        return _WANDERS_AT if age % _ROUND == _WANDERS_ON else None
    dice = chance("astray", number, today)
    return dice.randint(10, 17) if dice.random() < _ASTRAY else None


async def arrange_zones(phones: Phones, village: Village) -> None:
    """Let the first of a wearer's circle see where they are and set a zone around home, unless there is one."""
    for resident in village.residents.values():
        if not wears(resident.neighbour):
            continue
        if (await phones.ask(resident.actor, "GET", "/v1/me/safe-zones"))["items"]:
            continue
        relative = resident.circle[0].actor
        grants = (await phones.ask(resident.actor, "GET", "/v1/me/grants"))["items"]
        grant = next(one for one in grants if one["grantee"]["account_id"] == str(relative.id))
        scopes = {"scopes": sorted({*grant["scopes"], *_MAY})}
        await phones.ask(resident.actor, "PATCH", f"/v1/me/grants/{grant['id']}", scopes)
        latitude, longitude = _home(resident.neighbour)
        zone = {
            "name": "Home and the way to the lake",
            "shape": {
                "kind": "circle",
                "centre": {"latitude": latitude, "longitude": longitude},
                "radius": _RADIUS,
            },
            "hours": [{"weekdays": [1, 2, 3, 4, 5, 6, 7], "start": "09:00", "end": "19:30"}],
            "silence_after": "PT2H",
        }
        await phones.ask(relative, "POST", f"/v1/residents/{resident.id}/safe-zones", zone)
