"""The program that reads one calendar in a process of its own: what others wrote may take all of its time and memory.

The first line of its input says what is asked, the rest is the calendar. The answer is one line of JSON.
"""

import json
import os
import resource
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Final

from telemedicine.calendars.rules.busy import TooMuch, Window, busy_times
from telemedicine.calendars.rules.lines import NotACalendar

EVENT_SECONDS: Final = 1.0
"""How much of a processor one event may take: a rule that never finds a day looks for it until the year 9999."""
_NICE: Final = 19


class _TakesTooLong(ValueError):  # noqa: N818 - says what happened
    """An event takes more time than one is given."""


def _ended(_signal: int, _frame: object) -> None:
    raise _TakesTooLong


@contextmanager
def _limited() -> Iterator[None]:
    signal.setitimer(signal.ITIMER_VIRTUAL, EVENT_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def _answer(asked: dict[str, str], content: bytes) -> dict[str, object]:
    window = Window(datetime.fromisoformat(asked["since"]), datetime.fromisoformat(asked["until"]), asked["time_zone"])
    try:
        found = busy_times(content, window, _limited)
    except NotACalendar:
        return {"error": "not_a_calendar"}
    except TooMuch:
        return {"error": "too_many_events"}
    spans = [(start.isoformat(), end.isoformat()) for start, end in found.spans]
    return {"spans": spans, "skipped": found.skipped}


def main() -> None:
    """Answer what is asked on the standard input, within the limits that the arguments name: memory, seconds."""
    memory, seconds = (int(limit) for limit in sys.argv[1:])
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    os.nice(_NICE)
    signal.signal(signal.SIGVTALRM, _ended)
    asked, _, content = sys.stdin.buffer.read().partition(b"\n")
    sys.stdout.write(json.dumps(_answer(json.loads(asked), content)))


if __name__ == "__main__":
    main()
