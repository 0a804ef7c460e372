"""The care record on paper: the same items as in the CSV file, for the same people, set as a PDF."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import timedelta
from pathlib import Path
from typing import Any, BinaryIO, Final
from zoneinfo import ZoneInfo

import orjson
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock
from app.core.access import Actor
from app.core.database import reading
from app.core.typesetting import typeset
from app.identity.api import community_names, people, resident_names
from app.policies.journeys.timeline.access import TimelineReader
from app.policies.journeys.timeline.problems import RecordTooLong
from app.policies.journeys.timeline.rules.kinds import shown_kinds
from app.policies.journeys.timeline.rules.printing import Lines, day_name, holds, moment, sections
from app.policies.journeys.timeline.rules.words import words_of
from app.policies.journeys.timeline.schemas import Wanted
from app.policies.journeys.timeline.service.following import put_on_record
from app.policies.journeys.timeline.views.export import chunks

MOST_ITEMS = 10_000
"""A year in which 27 things happen a day; more than that nobody reads on paper."""
_TEMPLATE: Final = Path(__file__).parent.parent / "paper" / "care_record.typ"
_LEAST: Final = timedelta(microseconds=1)


async def printed_record(reader: TimelineReader, wanted: Wanted) -> BinaryIO:
    """Return a PDF of what is wanted, the earliest first, and put on record that it was taken.

    Raises ``RecordTooLong`` and what ``typeset`` raises.
    """
    await put_on_record(reader)
    async with reading() as connection:
        head = await _head(connection, reader, wanted)
    async with aclosing(_lines(reader, wanted)) as lines:
        return await typeset(_TEMPLATE, head, lines)


async def _head(connection: AsyncConnection, reader: TimelineReader, wanted: Wanted) -> dict[str, Any]:
    subject, language = reader.subject, wanted.language
    words = words_of(language)
    zone = ZoneInfo(subject.time_zone)
    names = await resident_names(connection, [subject.resident_id])
    places = await community_names(connection, [subject.community_id])
    shown = shown_kinds(reader.held, wanted.kinds)
    assert wanted.since is not None  # noqa: S101 - a record has a period
    assert wanted.until is not None  # noqa: S101
    first, last = (at.astimezone(zone).date() for at in (wanted.since, wanted.until - _LEAST))
    return {
        "language": language,
        "words": words,
        "person": names.get(subject.resident_id, ""),
        "community": places.get(subject.community_id, ""),
        "period": words["span"].format(first=day_name(first, language, "long"), last=day_name(last, language, "long")),
        "time_zone": words["time_zone"].format(zone=subject.time_zone),
        "asked_by": await _name(connection, reader.actor, words["a_machine"]),
        "asked_at": moment(clock.now(), zone, language),
        "holds": holds(shown, language),
        "counts": [key.removeprefix("count.") for key in words if key.startswith("count.") and key[6:] in shown],
        "sections": sections(shown, language),
    }


async def _name(connection: AsyncConnection, actor: Actor, machine: str) -> str:
    person = (await people(connection, [actor.id])).get(actor.id)
    return person.name if person is not None else machine.format(id=actor.id)


async def _lines(reader: TimelineReader, wanted: Wanted) -> AsyncGenerator[bytes]:
    lines = Lines(wanted.language, ZoneInfo(reader.subject.time_zone))
    count = 0
    async for items in chunks(reader, wanted):
        count += len(items)
        if count > MOST_ITEMS:
            raise RecordTooLong(limit=MOST_ITEMS)
        for item in items:
            yield orjson.dumps(lines.line(item.kind, item.id, item.at, item.data, item.text))
