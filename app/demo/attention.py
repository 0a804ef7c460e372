"""Relatives of the demo who look how somebody is: what drifted is seen to by one of the circle in the evening."""

from datetime import date, datetime, time
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

from app.core import clock
from app.demo.behaviour import TIRES
from app.demo.client import Attempt, Later, Phones
from app.demo.community import TIME_ZONE, Resident, Village

_AT: Final = time(19, 30)


class Attention:
    """The first of the circle of somebody who tires."""

    def __init__(self, phones: Phones, village: Village, later: Later, attempt: Attempt) -> None:
        self._phones = phones
        self._about = village.numbered(TIRES)
        self._later = later
        self._attempt = attempt

    def begin_day(self, day: date) -> None:
        """Look forward to the evening."""
        at = datetime.combine(day, _AT, ZoneInfo(TIME_ZONE))
        if self._about is not None and at >= clock.now():
            self._later(at, partial(self._look, self._about))

    async def _look(self, about: Resident) -> None:
        relative, path = about.circle[0].actor, f"/v1/residents/{about.id}/wellbeing/flags"
        for flag in (await self._phones.ask(relative, "GET", path))["items"]:
            if flag["state"] == "open":
                await self._attempt(relative, f"{path}/{flag['id']}/acknowledgement", None)
