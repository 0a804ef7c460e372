"""The care record of a stretch of time: read chunk by chunk, streamed as a CSV file."""

import csv
import io
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any, Final
from zoneinfo import ZoneInfo

import orjson

from app.core.database import reading
from app.policies.journeys.timeline.access import TimelineReader, require_reader
from app.policies.journeys.timeline.schemas import TimelineItem, Wanted
from app.policies.journeys.timeline.views.timeline import chunk

HEADER: Final = ("at", "time_zone", "kind", "id", "text", "data")
CHUNK: Final = 500


async def chunks(reader: TimelineReader, wanted: Wanted) -> AsyncIterator[list[TimelineItem]]:
    """Yield what is wanted chunk by chunk, the latest first; a connection is held for a chunk at a time.

    Rights are asked anew for each: a kind whose right was lost is left out from there on, and with the last right it
    breaks off (``Forbidden``, ``NotFound``), so that nobody takes it for whole.
    """
    position: Sequence[Any] | None = None
    while True:
        async with reading() as connection:
            now_reader = await require_reader(connection, reader.actor, reader.subject.resident_id)
            items, position = await chunk(connection, now_reader, wanted, position, CHUNK)
        if items:
            yield items
        if position is None:
            return


async def care_record(reader: TimelineReader, wanted: Wanted) -> AsyncIterator[bytes]:
    """Yield a CSV file of what is wanted, the latest first, in the resident's local time.

    Whoever reads slowly holds up nobody. All that is in a line is ours, words of people are not among it, so a
    spreadsheet finds no formula.
    """
    here = ZoneInfo(reader.subject.time_zone)
    yield _csv([HEADER])
    async for items in chunks(reader, wanted):
        yield _csv(
            (
                item.at.astimezone(here).isoformat(timespec="seconds"),
                reader.subject.time_zone,
                item.kind,
                str(item.id),
                item.text,
                orjson.dumps(item.data).decode(),
            )
            for item in items
        )


def _csv(lines: Iterable[Iterable[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(lines)
    return text.getvalue().encode()
