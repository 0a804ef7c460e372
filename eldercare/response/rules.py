"""What a text message from somebody who was told of an alarm says, and where a month begins and ends."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Final
from zoneinfo import ZoneInfo

_TAKES: Final = re.compile(r"\W*1\W*(?P<code>[0-9]{4})?\W*")


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """That somebody takes an alarm, and the code of the message they answer, if they name one."""

    code: str | None


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
