"""Importing a file: all of it or nothing, and twice as once."""

import asyncio
import uuid
from collections.abc import Sequence
from typing import Any, Final, Literal

import orjson
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit
from app.core.access import Actor
from app.core.database import unit_of_work
from app.core.problems import FieldError
from app.core.retrying import retrying
from app.core.turns import take_turns
from app.identity.api import community
from community.attraction_imports import repository
from community.attraction_imports.problems import ImportRefused
from community.attraction_imports.rules import geojson, jsonld
from community.attraction_imports.rules.entries import MOST_ENTRIES, MOST_TROUBLES, Document, Entry
from community.attraction_imports.schemas import AttractionImportReport, ImportedAttraction
from community.attractions.access import require_runs_attractions
from community.attractions.models import Attraction
from community.attractions.rules import indexed, missing
from community.attractions.service.keeping import change, changed, insert

Format = Literal["geojson", "jsonld"]

_FACTS: Final = (
    "kind", "tags", "latitude", "longitude", "time_zone", "capacity", "step_free", "accessible_toilet",
    "wheelchair_loan", "audio_guide", "defibrillator", "seating_distance",
)  # fmt: skip
_TEXTS: Final = ("name", "summary", "description", "access_note")

Read = list[tuple[Entry, ImportedAttraction]]


async def run(actor: Actor, organization_id: uuid.UUID, body: bytes, kind: Format) -> AttractionImportReport:
    """Take the attractions of a file; what is new is a draft, what is known by its reference is as the file says.

    It is read before a transaction is opened. Raises ``ImportRefused``, which points at each thing that is wrong (at
    most ``MOST_TROUBLES``); then nothing was changed. Raises ``NotAnAttraction``.
    """
    read, skipped = await asyncio.to_thread(_read, body, kind)

    async def attempt() -> AttractionImportReport:
        async with unit_of_work() as session:
            return await _write(session, actor, organization_id, read, skipped)

    return await retrying(attempt)


def _read(body: bytes, kind: Format) -> tuple[Read, int]:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ImportRefused(errors=[FieldError("", f"this is no JSON: {error}", "json_invalid")]) from None
    found = geojson.read(document) if kind == "geojson" else jsonld.read(document)
    if len(found.entries) > MOST_ENTRIES:
        raise ImportRefused(errors=[FieldError("", f"at most {MOST_ENTRIES} attractions in a file", "too_many")])
    read, errors = _checked(found)
    if errors:
        raise ImportRefused(errors=errors[:MOST_TROUBLES])
    return read, found.skipped


def _checked(found: Document) -> tuple[Read, list[FieldError]]:
    errors = [FieldError(one.pointer, one.detail, one.code) for one in found.troubles]
    read: Read = []
    seen: dict[str, str] = {}
    for entry in found.entries:
        errors += [FieldError(one.pointer, one.detail, one.code) for one in entry.troubles]
        if entry.troubles:
            continue
        try:
            data = ImportedAttraction.model_validate(entry.values)
        except ValidationError as error:
            errors += [FieldError(entry.at(one["loc"]), one["msg"], one["type"]) for one in error.errors()]
            continue
        if data.reference in seen:
            pointer = entry.at(["reference"])
            errors.append(FieldError(pointer, f"is that of {seen[data.reference]}, too", "reference_twice"))
        seen.setdefault(data.reference, entry.pointer)
        read.append((entry, data))
    return read, errors


async def _write(
    session: AsyncSession, actor: Actor, organization_id: uuid.UUID, read: Read, skipped: int
) -> AttractionImportReport:
    await take_turns(session, [f"community.attraction_imports:{organization_id}"])
    connection = await session.connection()
    await require_runs_attractions(connection, actor, organization_id)
    time_zone = (await community(connection, actor.community_id)).time_zone
    known = await repository.referred_to(session, organization_id, [data.reference for _, data in read])
    rows: list[tuple[Entry, ImportedAttraction, Attraction]] = []
    fresh: list[Attraction] = []
    touched: dict[str, set[uuid.UUID]] = {"facts": set(), "hours": set()}
    for entry, data in read:
        row = known.get(data.reference)
        if row is None:
            row = Attraction(
                community_id=actor.community_id,
                organization_id=organization_id,
                **{"time_zone": time_zone} | _values(data, None) | _hours(data),
            )
            fresh.append(row)
        else:
            touched["facts"] |= {row.id} if change(row, _values(data, row)) else set()
            touched["hours"] |= {row.id} if change(row, _hours(data)) else set()
        rows.append((entry, data, row))
    _require_publishable(rows)
    await insert(session, fresh)
    touched["hours"] |= await repository.set_exceptions(
        session, {row.id: [(one, row) for one in data.exceptions] for _, data, row in rows if data.exceptions}
    )
    new = {row.id for row in fresh}
    await changed(session, touched["hours"] - new, "hours")
    await changed(session, touched["facts"] - touched["hours"] - new, "facts")
    different = (touched["facts"] | touched["hours"]) - new
    report = AttractionImportReport(
        added=len(new), changed=len(different), unchanged=len(read) - len(new) - len(different), skipped=skipped
    )
    await audit.record(session, actor, "attractions:import", object_id=organization_id, details=report.model_dump())
    return report


def _values(data: ImportedAttraction, row: Attraction | None) -> dict[str, Any]:
    """Return what a file says of an attraction: texts in languages it does not have stay, as all it does not say."""
    said = data.model_fields_set
    values = {name: getattr(data, name) for name in _FACTS if name in said or (row is None and name != "time_zone")}
    texts = {name: {**(getattr(row, name) if row else {}), **getattr(data, name)} for name in _TEXTS}
    tags = values.get("tags", row.tags if row else [])
    name, text, grams = indexed(texts["name"], [texts[name] for name in _TEXTS[1:]], tags)
    found_by = {"search_name": name, "search_text": text, "search_grams": grams}
    return values | texts | found_by | {"reference": data.reference}


def _hours(data: ImportedAttraction) -> dict[str, Any]:
    said = data.model_fields_set
    return {name: [rule.kept() for rule in getattr(data, name)] for name in ("hours", "quiet_hours") if name in said}


def _require_publishable(rows: Sequence[tuple[Entry, ImportedAttraction, Attraction]]) -> None:
    errors = [
        FieldError(entry.at(pointer.strip("/").split("/")), detail, code)
        for entry, _, row in rows
        if row.state == "published"
        for pointer, detail, code in missing(row.name, row.hours)
    ]
    if errors:
        raise ImportRefused(errors=errors[:MOST_TROUBLES])
