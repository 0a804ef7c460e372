"""What happens to somebody of the demo within the minute: what their plans then say, as the API takes it."""

from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

WINDOW: Final = "PT5M"
"""How long an answer is waited for: no plan but the demo's own waits so briefly."""
MEDICINE: Final = "Vitamin B12"
"""What is due when a visitor wants something to be due; nobody of the demo takes it otherwise."""
_NOT_AT_ONCE: Final = timedelta(minutes=15)
_READY_AFTER: Final = timedelta(seconds=5)


def next_minute(now: datetime) -> datetime:
    """Return the next full minute there is time for: plans know the minutes of a wall clock, no seconds."""
    return (now + _READY_AFTER).replace(second=0, microsecond=0) + timedelta(minutes=1)


def check_in_plan(at: datetime, zone: ZoneInfo) -> dict[str, Any]:
    """Return a plan by which somebody is asked at an instant, and at that time of each day."""
    local = at.astimezone(zone)
    return {
        "channel": "app",
        "times": [f"{local:%H:%M}"],
        "starts_on": f"{local:%Y-%m-%d}",
        "time_zone": zone.key,
        "answer_window": WINDOW,
        "reminders": ["PT2M"],
    }


def regimen(at: datetime, zone: ZoneInfo) -> dict[str, Any]:
    """Return a regimen of one dose, due at an instant: missed a quarter of an hour later, the soonest there is."""
    local = at.astimezone(zone)
    day = f"{local:%Y-%m-%d}"
    return {
        "drug": {"name": MEDICINE, "strength": "1000 ug", "form": "tablet", "route": "oral"},
        "quantity": 1,
        "unit": "{tablet}",
        "timing": "times",
        "times": [f"{local:%H:%M}"],
        "starts_on": day,
        "ends_on": day,
        "time_zone": zone.key,
        "dose_window": "PT15M",
        "reminders": ["PT5M"],
    }


def order(now: datetime, offer_id: str) -> dict[str, Any]:
    """Return what is wanted of an offer: at once would be late already, and a quarter of an hour is soon enough."""
    return {"offer_id": offer_id, "starts_at": (next_minute(now) + _NOT_AT_ONCE).isoformat()}


def is_own(regimen: dict[str, Any]) -> bool:
    """Say whether a regimen is the demo's own, and goes on."""
    return bool(regimen["drug"]["name"] == MEDICINE and regimen["state"] != "stopped")
