"""Taking readings: understood one by one, stored in one statement, and judged before the answer is sent."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from typing import Any, Final, Literal

from pydantic import TypeAdapter, ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit, clock
from app.core.access import Actor
from app.core.problems import FieldError
from app.identity.api import ResidenceEnded, ResidentSubject
from eldercare.vitals.problems import ReadingsContradict, ReadingsRefused
from eldercare.vitals.repository import Batch, Source, keep, values_of
from eldercare.vitals.rules.codes import Refused, accepted, sign_of
from eldercare.vitals.rules.identities import reading_id, source_key, tail_of
from eldercare.vitals.schemas import ReadingGive, ReadingsTaken, RefusedReading
from eldercare.vitals.service.alerts import judge_readings

_READINGS: Final = TypeAdapter(list[ReadingGive])
_CONTRADICTS: Final = "contradicts"
_SOURCE_KINDS: Final = {"account": "person", "client": "organization", "device": "device"}
_id_number = attrgetter("int")  # UUIDs compare by it, but slowly


@dataclass(slots=True)
class Understood:
    """A batch of which each reading was looked at: those to keep by id, and what is wrong with the others."""

    readings: dict[uuid.UUID, tuple[str, float, datetime, str | None]] = field(default_factory=dict)
    ids: list[uuid.UUID | None] = field(default_factory=list)
    refused: list[RefusedReading] = field(default_factory=list)
    repeated: int = 0

    def refuse(self, index: int, code: str, detail: str) -> None:
        """Note why a reading is not kept."""
        self.ids[index] = None
        self.refused.append(RefusedReading(index=index, code=code, detail=detail))

    def batch(self) -> Batch:
        """Return the readings to keep, in the order of their ids: whoever brings the same ones locks alike."""
        ids = sorted(self.readings, key=_id_number)
        rows = [self.readings[identifier] for identifier in ids]
        codes, values, measured_at, devices = (list(column) for column in zip(*rows, strict=True))
        return Batch(ids, codes, values, measured_at, devices)


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
    stored, known = await _keep(session, subject, source, understood)
    if mode == "atomic" and understood.refused:
        raise ReadingsContradict(errors=_errors(understood.refused))
    if stored:
        await audit.record(
            session, actor, "vitals:record", resident_id=subject.resident_id, community_id=subject.community_id
        )
    return ReadingsTaken(
        stored=stored,
        duplicates=known + understood.repeated,
        ids=understood.ids,
        refused=sorted(understood.refused, key=attrgetter("index")),
    )


def understand(resident_id: uuid.UUID, actor: Actor, given: Sequence[Any], now: datetime) -> Understood:
    """Return what of a batch can be kept; the rest is refused with a reason each."""
    understood = Understood(ids=[None] * len(given))
    tails: dict[tuple[str, str | None], int] = {}
    for index, item in _well_formed(given, understood):
        try:
            sign = sign_of(item.code)
            value = accepted(sign, item.value, item.unit, item.measured_at, now)
        except Refused as refusal:
            understood.refuse(index, refusal.code, refusal.detail)
            continue
        of = (sign.code, item.device)
        if of not in tails:
            tails[of] = tail_of(resident_id, source_key(actor.id, item.device), sign.code)
        identifier = reading_id(item.measured_at, tails[of])
        before = understood.readings.get(identifier)
        if before is None:
            understood.readings[identifier] = (sign.code, value, item.measured_at, item.device)
        elif before[1] == value:
            understood.repeated += 1
        else:
            understood.refuse(index, _CONTRADICTS, "another reading of the batch says otherwise of the same instant")
            continue
        understood.ids[index] = identifier
    return understood


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
    session: AsyncSession, subject: ResidentSubject, source: Source, understood: Understood
) -> tuple[int, int]:
    """Store a batch and judge it; return how many readings are new and how many were known with the same value."""
    if not understood.readings:
        return 0, 0
    batch = understood.batch()
    kept = await keep(session, subject.resident_id, source, batch)
    contradicted = set()
    if kept.known:
        values = await values_of(session, kept.known)
        contradicted = {known for known, value in values.items() if understood.readings[known][1] != value}
        for index, identifier in enumerate(understood.ids):
            if identifier in contradicted:
                understood.refuse(index, _CONTRADICTS, "known with another value; mark that one as wrong first")
    if kept.stored and kept.is_watched:
        await judge_readings(session, subject.resident_id, subject.community_id, sorted(set(batch.codes)))
    return kept.stored, len(kept.known) - len(contradicted)


def _errors(refused: Iterable[RefusedReading]) -> list[FieldError]:
    return [FieldError(f"/body/readings/{one.index}", one.detail, one.code) for one in refused]
