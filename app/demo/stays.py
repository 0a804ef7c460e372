"""Who of the demo's people is in hospital and who travels: on any day somebody is, and somebody else."""

from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Final, Literal
from zoneinfo import ZoneInfo

from app.core import clock
from app.demo.client import Attempt, Later, Phones
from app.demo.community import TIME_ZONE, Resident, Village

_ZONE: Final = ZoneInfo(TIME_ZONE)
_TURNS: Final[dict[Literal["hospital", "away"], tuple[int, int]]] = {"hospital": (3, 6), "away": (11, 13)}
"""Numbers of residents who are gone every other week, each when the other is not."""
_BEGINS: Final = time(10)
_ENDS: Final = time(11)


class Stays:
    """Who leaves on a Monday, and comes back on the next."""

    def __init__(self, phones: Phones, village: Village, later: Later, attempt: Attempt) -> None:
        self._phones = phones
        self._village = village
        self._later = later
        self._attempt = attempt

    def begin_day(self, day: date) -> None:
        """Look forward to who leaves on a day, or has left already and did not say so."""
        week = day.isocalendar().week
        for kind, turns in _TURNS.items():
            resident = self._village.numbered(turns[week % len(turns)])
            if resident is not None:
                at = datetime.combine(day, _BEGINS, _ZONE) if day.weekday() == 0 else clock.now()
                self._later(at, partial(self._leave, resident, kind, day + timedelta(days=7 - day.weekday())))

    async def _leave(self, resident: Resident, kind: str, until: date) -> None:
        path = "/v1/me/check-in-pauses"
        now = clock.now()
        for stated in (await self._phones.ask(resident.actor, "GET", path))["items"]:
            begins, ends = (datetime.fromisoformat(stated[name]) for name in ("starts_at", "ends_at"))
            if stated["ended_at"] is None and begins <= now < ends:
                return
        ends_at = datetime.combine(until, _ENDS, _ZONE)
        await self._attempt(resident.actor, path, {"kind": kind, "ends_at": ends_at.isoformat()})
