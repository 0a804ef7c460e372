"""A resident's own clock: breakfast is in the morning wherever one reads of it."""

from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from zoneinfo import ZoneInfo

from app.core import clock
from app.portal.ground import moments
from app.portal.ground.moments import Moment


@dataclass(frozen=True, slots=True)
class Their:
    """The resident's own clock in the visitor's language: breakfast is in the morning wherever one reads of it."""

    language: str
    time_zone: ZoneInfo

    def clock(self, value: Moment) -> str:
        """Return the time of day there."""
        return moments.clock_time(self, value)

    def day(self, value: date | Moment) -> str:
        """Return the day there."""
        return moments.day(self, value)

    def moment(self, value: Moment) -> str:
        """Return the day and the time there, today the time alone."""
        return moments.moment(self, value)

    def ago(self, value: Moment) -> str:
        """Return how long ago, or how soon."""
        return moments.ago(self, value)

    def date_of(self, value: Moment) -> date:
        """Return the date there."""
        return moments.instant(value).astimezone(self.time_zone).date()

    def today(self) -> date:
        """Return today's date there."""
        return clock.now().astimezone(self.time_zone).date()

    def midnight(self, day: date) -> datetime:
        """Return when a day begins there."""
        return datetime(day.year, day.month, day.day, tzinfo=self.time_zone)

    def is_another_than(self, zone: tzinfo) -> bool:
        """Say whether it shows another time now than the clock of ``zone``."""
        now = clock.now()
        return now.astimezone(self.time_zone).utcoffset() != now.astimezone(zone).utcoffset()
