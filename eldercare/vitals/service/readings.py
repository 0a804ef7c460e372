"""Taking readings: understood one by one, stored in one statement, and judged before the answer is sent."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any, Final, Literal

from asyncpg.pgproto.pgproto import UUID  # the driver's own, which costs it less
from pydantic import TypeAdapter, ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.access import Actor
from app.core.problems import FieldError
from app.identity.api import ResidenceEnded, ResidentSubject
from eldercare.vitals.problems import ReadingsContradict, ReadingsRefused
from eldercare.vitals.repository import Batch, Source, keep, known, lock
from eldercare.vitals.rules.codes import Measure, Refused, check_time, measure_of, taken, window_at
from eldercare.vitals.rules.identities import reading_number, source_key, tail_of
from eldercare.vitals.schemas import ReadingGive, ReadingsTaken, RefusedReading
from eldercare.vitals.service.alerts import judge_readings

_READINGS: Final = TypeAdapter(list[ReadingGive])
_Origin = tuple[Measure, int]
_CONTRADICTS: Final = "contradicts"
_SOURCE_KINDS: Final = {"account": "person", "client": "organization", "device": "device"}


@dataclass(slots=True)
class Understood:
    """A batch of which each reading was looked at: those to keep, and what is wrong with the others."""

    # By the number of their ids, which compares and hashes faster than they do.
    readings: dict[int, tuple[uuid.UUID, str, float, datetime, str | None]] = field(default_factory=dict)
    ids: list[uuid.UUID | None] = field(default_factory=list)
    refused: list[RefusedReading] = field(default_factory=list)
    repeated: int = 0

    def refuse(self, index: int, code: str, detail: str) -> None:
        """Note why a reading is not kept."""
        self.ids[index] = None
        self.refused.append(RefusedReading(index=index, code=code, detail=detail))

    def batch(self) -> Batch:
        """Return the readings to keep, in the order of their ids, which is that of measuring."""
        rows = [self.readings[number] for number in sorted(self.readings)]
        return Batch(*(list(column) for column in zip(*rows, strict=True)))


def source_of(actor: Actor, *, replaces: uuid.UUID | None = None) -> Source:
    """Return who brings readings now."""
    return Source(_SOURCE_KINDS.get(actor.kind, "person"), actor.id, clock.now(), replaces)


async def take(
    session: AsyncSession,
    actor: Actor,
    subject: ResidentSubject,
    mode: Literal["atomic", "partial"],
    given: Sequence[Any],
) -> ReadingsTaken:
    """Keep a batch of readings (as they came: nothing was checked but their number) and judge what they mean.

    What is known already, with the same value, changes nothing. Raises ``ResidenceEnded``; in ``atomic`` mode
    ``ReadingsRefused`` and ``ReadingsContradict`` if any reading is bad, and then none is kept.
    """
    if subject.state != "active":
        raise ResidenceEnded
    source = source_of(actor)
    understood = understand(subject.resident_id, actor, given, source.received_at)
    if mode == "atomic" and understood.refused:
        raise ReadingsRefused(errors=_errors(understood.refused))
    stored, repeated = await _keep(session, actor, subject, source, understood)
    if mode == "atomic" and understood.refused:
        raise ReadingsContradict(errors=_errors(understood.refused))
    return ReadingsTaken(
        stored=stored,
        duplicates=repeated + understood.repeated,
        ids=understood.ids,
        refused=sorted(understood.refused, key=attrgetter("index")),
    )


def understand(resident_id: uuid.UUID, actor: Actor, given: Sequence[Any], now: datetime) -> Understood:
    """Return what of a batch can be kept; the rest is refused with a reason each."""
    understood = Understood(ids=[None] * len(given))
    readings, ids = understood.readings, understood.ids
    window = window_at(now)
    origins: dict[tuple[str, str, str | None], _Origin] = {}
    for index, item in _well_formed(given, understood):
        device, measured_at = item.get("device"), item["measured_at"]
        key = (item["code"], item["unit"], device)
        try:
            origin = origins.get(key)
            if origin is None:
                origin = origins[key] = _origin(resident_id, actor, *key)
            measure, tail = origin
            try:
                # Once: the number and the driver would each ask the validator's zone, which costs more than both do.
                measured_at = measured_at.astimezone(UTC)
            except OverflowError:  # at the ends of the calendar, and so outside the window
                check_time(reading_number(measured_at, tail), window)
                raise
            number = reading_number(measured_at, tail)
            check_time(number, window)
            value = taken(measure, item["value"])
        except Refused as refusal:
            understood.refuse(index, refusal.code, refusal.detail)
            continue
        before = readings.get(number)
        if before is None:
            ids[index] = identifier = UUID(number.to_bytes(16, "big"))
            readings[number] = (identifier, measure.sign.code, value, measured_at, device)
        elif before[2] == value:
            ids[index] = before[0]
            understood.repeated += 1
        else:
            understood.refuse(index, _CONTRADICTS, "another reading of the batch says otherwise of the same instant")
    return understood


def _origin(resident_id: uuid.UUID, actor: Actor, code: str, unit: str, device: str | None) -> _Origin:
    """Return what readings of one code, unit and device have in common; looked up once for all of a batch."""
    measure = measure_of(code, unit)
    return measure, tail_of(resident_id, source_key(actor.id, device), measure.sign.code)


def _well_formed(given: Sequence[Any], understood: Understood) -> Iterable[tuple[int, ReadingGive]]:
    """Return the readings that have the right shape, with their places; all at once, as nearly always all have."""
    try:
        return enumerate(_READINGS.validate_python(given))
    except ValidationError as error:
        wrong: dict[int, str] = {}
        for fault in error.errors(include_url=False, include_context=False, include_input=False):
            place, *where = fault["loc"]
            wrong.setdefault(int(place), f"{where[0]}: {fault['msg']}" if where else fault["msg"])
    for index, detail in wrong.items():
        understood.refuse(index, "malformed", detail)
    rest = [index for index in range(len(given)) if index not in wrong]
    return zip(rest, _READINGS.validate_python([given[index] for index in rest]), strict=True)


async def _keep(
    session: AsyncSession, actor: Actor, subject: ResidentSubject, source: Source, understood: Understood
) -> tuple[int, int]:
    """Store a batch and judge it; return how many readings are new and how many were known with the same value."""
    if not understood.readings:
        return 0, 0
    await lock(session, subject.resident_id)
    batch = understood.batch()
    found = await known(session, subject.resident_id, batch)
    contradicted = {one for one, value in found.items() if understood.readings[one.int][2] != value}
    if contradicted:
        for index, identifier in enumerate(understood.ids):
            if identifier in contradicted:
                understood.refuse(index, _CONTRADICTS, "known with another value; mark that one as wrong first")
    for one in found:
        del understood.readings[one.int]
    if understood.readings:
        batch = understood.batch() if found else batch
        if await keep(session, actor, subject, source, batch):
            await judge_readings(session, subject.resident_id, subject.community_id, sorted(set(batch.codes)))
    return len(understood.readings), len(found) - len(contradicted)


def _errors(refused: Iterable[RefusedReading]) -> list[FieldError]:
    return [FieldError(f"/body/readings/{one.index}", one.detail, one.code) for one in refused]
