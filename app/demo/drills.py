"""The desk's exercise in the demo: once a week an alarm that is none, about a resident who does not mind."""

from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

from app.core import clock
from app.demo.client import Attempt, Later
from app.demo.community import TIME_ZONE, Resident, Village

_WEEKDAY: Final = 0
_AT: Final = time(10)
_LASTS: Final = timedelta(minutes=50)
_ABOUT: Final = 2
"""The resident's number: not the visitors' own, who would be alarmed."""


class Drills:
    """What the dispatcher of the early shift means to practise."""

    def __init__(self, village: Village, later: Later, attempt: Attempt) -> None:
        self._desk = village.staff["dispatcher"][0]
        self._about = village.numbered(_ABOUT)
        self._later = later
        self._attempt = attempt

    def begin_day(self, day: date) -> None:
        """Look forward to the exercise, if it is the day for it."""
        at = datetime.combine(day, _AT, ZoneInfo(TIME_ZONE))
        if day.weekday() == _WEEKDAY and at >= clock.now() and self._about is not None:
            self._later(at, partial(self._start, self._about))

    async def _start(self, about: Resident) -> None:
        wanted = {"resident_id": str(about.id), "kind": "fall", "severity": "high"}
        drill = await self._attempt(self._desk, "/v1/drills", wanted)
        if drill is not None:
            self._later(clock.now() + _LASTS, partial(self._finish, drill["id"]))

    async def _finish(self, drill_id: str) -> None:
        await self._attempt(self._desk, f"/v1/drills/{drill_id}/finish", None)
