"""A fall in the demo before the desk's shifts change: one dispatcher takes it, and the next one sees it through."""

from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

from app.core import clock
from app.demo.client import Attempt, Later
from app.demo.community import TIME_ZONE, Resident, Village

_ABOUT: Final = 9
_WEEK: Final = 7
_ON: Final = 5
"""Of every week since the community was founded, the day on which a carer finds somebody on the floor."""
_AT: Final = time(17, 52)
_OFFERED_AFTER: Final = timedelta(minutes=3)
_ACCEPTED_AFTER: Final = timedelta(minutes=7)
_DEPARTED_AFTER: Final = timedelta(minutes=10)
_ARRIVED_AFTER: Final = timedelta(minutes=21)
_RESOLVED_AFTER: Final = timedelta(minutes=45)
_NOTE: Final = (
    "Sits against the wall in the kitchen, no pain, not confused. The carer stays until somebody with a key is there."
)


class ShiftChange:
    """The two dispatchers of the desk, and the carer who phones them."""

    def __init__(self, village: Village, later: Later, attempt: Attempt) -> None:
        self._village = village
        self._carer = village.staff["carer"][0]
        self._early, self._late = village.staff["dispatcher"][:2]
        self._later = later
        self._attempt = attempt

    def begin_day(self, day: date) -> None:
        """Look forward to the fall, if it is the day for it."""
        about = self._village.numbered(_ABOUT)
        at = datetime.combine(day, _AT, ZoneInfo(TIME_ZONE))
        if about is not None and self._village.age(day) % _WEEK == _ON and at >= clock.now():
            self._later(at, partial(self._report, about))

    async def _report(self, about: Resident) -> None:
        said = {"kind": "fall", "severity": "high", "note": "On the kitchen floor, slipped when getting up."}
        alarm = await self._attempt(self._carer, f"/v1/residents/{about.id}/alarms", said)
        if alarm is None:
            return
        of_desk, path, now = f"/v1/duty-desk/alarms/{alarm['id']}", f"/v1/alarms/{alarm['id']}", clock.now()
        if await self._attempt(self._early, f"{of_desk}/claim", None) is None:
            return
        self._later(now + _OFFERED_AFTER, partial(self._offer, of_desk, now + _ACCEPTED_AFTER))
        self._later(now + _DEPARTED_AFTER, partial(self._say, f"{path}/departure"))
        self._later(now + _ARRIVED_AFTER, partial(self._say, f"{path}/arrival"))
        self._later(now + _RESOLVED_AFTER, partial(self._say, f"{path}/resolution", {"outcome": "helped"}))

    async def _offer(self, of_desk: str, accepted_at: datetime) -> None:
        wanted = {"account_id": str(self._late.id), "note": _NOTE}
        offer = await self._attempt(self._early, f"{of_desk}/handovers", wanted)
        if offer is not None:
            self._later(accepted_at, partial(self._say, f"{of_desk}/handovers/{offer['id']}/acceptance"))

    async def _say(self, path: str, body: dict[str, str] | None = None) -> None:
        await self._attempt(self._late, path, body)
