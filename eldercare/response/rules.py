"""What a text message from somebody who was told of an alarm says, and where a month begins and ends."""

import re
import unicodedata
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Final
from zoneinfo import ZoneInfo

from eldercare.alarms.rules import reply_code

_TAKES: Final = re.compile(r"\W*1\W*(?P<code>[0-9]{4})?\W*")


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """That somebody takes an alarm, and the code of the message they answer, if they name one."""

    code: str | None


@dataclass(frozen=True, slots=True)
class ToldAlarm:
    """An open alarm and somebody who was told of it."""

    alarm_id: uuid.UUID
    account_id: uuid.UUID
    resident_id: uuid.UUID
    is_test: bool
    severity: int
    raised_at: datetime


def answered(told: Iterable[ToldAlarm], code: str | None) -> ToldAlarm | None:
    """Return which alarm a reply takes, or ``None`` if it could be several.

    Several about the same resident are one call for help to whoever was told of them: an SOS is an alarm of its own
    beside what went before. Of these it is the worst, and the newest of equals. An exercise is no such call, and its
    answer ends no ladder of a real one.
    """
    meant = [one for one in told if code in (None, reply_code(one.alarm_id, one.account_id))]
    if len({(one.resident_id, one.account_id, one.is_test) for one in meant}) != 1:
        return None
    return max(meant, key=lambda one: (one.severity, one.raised_at, one.alarm_id))


def read_acknowledgement(text: str) -> Acknowledgement | None:
    """Return what a text message says; ``None`` if it is not "1", alone or with a code."""
    found = _TAKES.fullmatch(unicodedata.normalize("NFKC", text))
    return Acknowledgement(found["code"]) if found else None


def month_span(first: date, last: date, time_zone: str) -> tuple[datetime, datetime]:
    """Return the instants at which the month of ``first`` begins and that of ``last`` ends in a zone, in UTC."""
    zone = ZoneInfo(time_zone)
    after = date(last.year + last.month // 12, last.month % 12 + 1, 1)
    begins = datetime.combine(first.replace(day=1), time(), zone)
    return begins.astimezone(UTC), datetime.combine(after, time(), zone).astimezone(UTC)
