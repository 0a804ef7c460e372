"""What the worker does for care in the home, and what a gateway does beside listening."""

from datetime import datetime, timedelta
from typing import Final

from app.broker import api as broker
from app.core import clock
from app.core.database import unit_of_work
from app.core.due import Due, drain
from app.core.jobs import Job
from community.home_care.models import HomeCare, HomeSilence, HomeWatch
from community.home_care.service import adopting, checking, evaluating, learning, silences
from community.last_resort.notices import HOME_STUCK
from notifications.api import telling_desk

# Behind each of these somebody may lie on the floor: what fails is tried again, soon and for ever.
_TELL_DESK: Final = telling_desk(HOME_STUCK)
WATCHES: Final = Due("community.check_homes", HomeWatch, "check_at", vital=True, on_stuck=_TELL_DESK)
EVALUATE: Final = Due("community.look_at_homes", HomeCare, "evaluate_at", vital=True, on_stuck=_TELL_DESK)
SILENT: Final = Due("community.tell_silent_homes", HomeSilence, "tell_at", vital=True, on_stuck=_TELL_DESK)
LEARN: Final = Due("community.learn_of_homes", HomeCare, "learn_at")
LISTENED_EVERY: Final = timedelta(seconds=15)
_MISSED: Final = 4 * LISTENED_EVERY
LEARN_BATCH: Final = 100  # of each home, a day of readings is held


async def check() -> int:
    """Look at what has gone on in homes until its deadline; return how many that were."""
    return await drain(WATCHES, checking.look)


async def evaluate() -> int:
    """Look at homes whose time has come; return how many."""
    return await drain(EVALUATE, evaluating.evaluate)


async def tell_silent() -> int:
    """Tell of homes and buildings that are silent; return how many homes that were."""
    return await drain(SILENT, silences.tell)


async def learn() -> int:
    """Sum up the day of homes where it is over; return how many."""
    return await drain(LEARN, learning.learn, batch=LEARN_BATCH)


async def adopt() -> int:
    """Begin to watch homes that were connected; return how many."""
    async with unit_of_work() as session:
        return await adopting.adopt(session)


class Presence:
    """How long a gateway has been connected without a break."""

    def __init__(self) -> None:
        self._name = ""
        self._since: datetime | None = None
        self._noted_at: datetime | None = None

    async def note(self, *, is_connected: bool) -> None:
        """Write down that it is connected; after a break, or when nothing was written for a while, a stretch begins."""
        if not is_connected:
            self._since = None
            return
        now = clock.now()
        if self._since is None or self._noted_at is None or now - self._noted_at > _MISSED:
            self._name, self._since = str(clock.new_id()), now
        async with unit_of_work() as session:
            await adopting.listened(session, self._name, self._since)
        self._noted_at = now


_PRESENCE: Final = Presence()  # of this process: a gateway has one connection


async def note_listening() -> int:
    """Write down that this gateway hears homes, if it does: their silence counts only then. Nothing waits for it."""
    await _PRESENCE.note(is_connected=broker.is_connected())
    return 0


_OFTEN: Final = timedelta(seconds=15)
JOBS: Final = (
    Job(WATCHES.name, timedelta(seconds=5), check, urgent=True),
    Job(EVALUATE.name, _OFTEN, evaluate),
    Job(SILENT.name, _OFTEN, tell_silent),
    Job(LEARN.name, timedelta(minutes=5), learn),
    Job("community.adopt_homes", timedelta(minutes=1), adopt),
)
GATEWAY_JOBS: Final = (Job("community.note_listening", LISTENED_EVERY, note_listening),)
