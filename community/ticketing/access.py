"""Of which stretch of time slots are asked for: a season at most, whoever asks."""

from datetime import datetime, timedelta
from typing import Annotated, Final

from fastapi import Depends, Query

from app.core import clock
from app.core.instants import GivenInstant
from app.core.problems import FieldError, Malformed

_LONGEST: Final = timedelta(days=2 * 366)
_USUAL: Final = timedelta(days=7)


async def _span(
    start: Annotated[GivenInstant | None, Query(alias="from", description="without it: now")] = None,
    end: Annotated[GivenInstant | None, Query(alias="to", description="not included; without it: a week later")] = None,
) -> tuple[datetime, datetime]:
    since = start or clock.now()
    until = end or since + _USUAL
    if not since <= until <= since + _LONGEST:
        raise Malformed(errors=[FieldError("/query/to", "lies after the start, two years at most", "range")])
    return since, until


SpanQuery = Annotated[tuple[datetime, datetime], Depends(_span)]
"""``?from=&to=`` of a list of slots."""
