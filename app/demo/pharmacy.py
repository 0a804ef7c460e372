"""Who brings the demo's medicines: on Saturdays families look what is left, and fetch what does not last."""

from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

from app.core import clock
from app.demo import medication
from app.demo.client import Attempt, Later, Phones
from app.demo.community import TIME_ZONE, Resident, Village

_ZONE: Final = ZoneInfo(TIME_ZONE)
_WEEKDAY: Final = 5
_AT: Final = time(11)
_LASTS: Final = timedelta(days=7)


class Pharmacy:
    """The first of each circle, at the pharmacy."""

    def __init__(self, phones: Phones, village: Village, later: Later, attempt: Attempt) -> None:
        self._phones = phones
        self._takers = [one for one in village.residents.values() if medication.takes(one.neighbour.number)]
        self._later = later
        self._attempt = attempt

    def begin_day(self, day: date) -> None:
        """Look forward to the errands of a day."""
        at = datetime.combine(day, _AT, _ZONE)
        if day.weekday() == _WEEKDAY and at >= clock.now():
            for resident in self._takers:
                self._later(at, partial(self._fetch, resident))

    async def _fetch(self, resident: Resident) -> None:
        relative, path = resident.circle[0].actor, f"/v1/residents/{resident.id}/regimens"
        for regimen in (await self._phones.ask(relative, "GET", path))["items"]:
            stock = await self._phones.ask(relative, "GET", f"{path}/{regimen['id']}/stock")
            ends = stock["runs_out_at"]
            if ends is not None and datetime.fromisoformat(ends) - clock.now() < _LASTS:
                await self._attempt(relative, f"{path}/{regimen['id']}/refills", {"quantity": medication.PACK})
