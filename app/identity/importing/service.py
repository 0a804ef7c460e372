"""Importing a community: repeatable, in chunks, each row told what is wrong with it."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from app.core import clock
from app.core.access import Actor, system_actor
from app.core.database import reading, unit_of_work
from app.core.sealing import blind_index
from app.identity.communities.views import community as community_of
from app.identity.consent.texts import LANGUAGES
from app.identity.importing.chunks import Place, write
from app.identity.importing.files import BrokenRow, FileKind, Row, rows_of
from app.identity.importing.repository import known_residents, refresh_plans
from app.identity.importing.rules import CellError, ResidentRow, read_row
from app.identity.importing.schemas import ImportReport, RowError
from app.identity.importing.texts import sentence

CHUNK: Final = 500
MAX_ERRORS: Final = 1_000

Progress = Callable[[int], None]


@dataclass(slots=True)
class _Chunk:
    """Rows that were read: those that can be imported, and what is wrong with the others."""

    rows: list[ResidentRow] = field(default_factory=list)
    fingerprints: dict[str, bytes] = field(default_factory=dict)
    errors: list[tuple[int, str | None, str]] = field(default_factory=list)
    count: int = 0
    is_last: bool = False


class _Source:
    """The file as chunks; remembers the references it has seen, and nothing else."""

    def __init__(self, rows: Iterator[Row], country: str, today: date) -> None:
        self._rows = rows
        self._country = country
        self._today = today
        self._seen: set[str] = set()

    def next_chunk(self) -> _Chunk:
        """Return the next rows, read and checked; runs in a thread, so it touches no database."""
        chunk = _Chunk()
        try:
            for number, cells in islice(self._rows, CHUNK):
                chunk.count += 1
                self._read(chunk, number, cells)
        except BrokenRow as broken:
            chunk.count += 1
            chunk.errors.append((broken.number, None, "broken_row"))
            chunk.is_last = True
        chunk.is_last = chunk.is_last or chunk.count < CHUNK
        return chunk

    def _read(self, chunk: _Chunk, number: int, cells: dict[str, str]) -> None:
        row, errors = read_row(number, cells, self._country, self._today)
        if row is not None and row.reference in self._seen:
            row, errors = None, [CellError("reference", "duplicate_reference")]
        if row is None:
            chunk.errors += [(number, error.column, error.code) for error in errors]
            return
        self._seen.add(row.reference)
        chunk.rows.append(row)
        chunk.fingerprints[row.reference] = blind_index("import", row.canonical())


async def run(
    source: BinaryIO,
    kind: FileKind,
    *,
    actor: Actor,
    dry_run: bool = False,
    language: str = LANGUAGES[0],
    progress: Progress | None = None,
) -> ImportReport:
    """Import a file of residents into the actor's community and return what became of its rows.

    Each row is a resident, known again by the operator's ``reference``: a row that is as it was in the last import is
    left alone (and with it what people changed since), any other creates or changes. Contact points and consents are
    added, never taken away. Rows with errors are left out, the others are imported, in chunks that commit one by one:
    repeating an import that was interrupted finishes it. ``progress`` is told how many rows are done.
    Raises ``FileRefused`` for a file that cannot be read at all.
    """
    async with reading() as connection:
        community = await community_of(connection, actor.community_id)
    place = Place(community.id, community.languages[0], community.time_zone)
    rows = await asyncio.to_thread(rows_of, source, kind, language)
    chunks = _Source(rows, community.country, clock.now().astimezone(ZoneInfo(community.time_zone)).date())
    report = ImportReport(dry_run=dry_run)
    analyzed = 0
    while True:
        chunk = await asyncio.to_thread(chunks.next_chunk)
        await _import(chunk, actor, place, report, language)
        written = report.created + report.updated
        if not dry_run and written >= max(2 * analyzed, CHUNK):
            analyzed = written
            async with reading() as connection:
                await refresh_plans(connection)
        if progress is not None:
            progress(report.rows)
        if chunk.is_last:
            return report


async def import_file(
    path: Path,
    *,
    community_id: UUID,
    dry_run: bool = False,
    language: str = LANGUAGES[0],
    progress: Progress | None = None,
) -> ImportReport:
    """Import the file at ``path`` (``.csv`` or ``.xlsx``) on behalf of the installation itself; see ``run``."""
    kind: FileKind = "xlsx" if path.suffix.lower() == ".xlsx" else "csv"
    with path.open("rb") as source:
        return await run(
            source, kind, actor=system_actor(community_id), dry_run=dry_run, language=language, progress=progress
        )


async def _import(chunk: _Chunk, actor: Actor, place: Place, report: ImportReport, language: str) -> None:
    references = [row.reference for row in chunk.rows]
    async with reading() as connection:
        known = await known_residents(connection, place.community_id, references)
    todo = []
    for row in chunk.rows:
        resident = known.get(row.reference)
        if resident is not None and resident.state != "active":
            chunk.errors.append((row.number, "reference", "residence_ended"))
        elif resident is not None and resident.imported_row == chunk.fingerprints[row.reference]:
            report.unchanged += 1
        else:
            todo.append(row)
    if todo and not report.dry_run:
        async with unit_of_work() as session:
            created = await write(session, actor, place, todo, chunk.fingerprints)
    else:
        created = sum(row.reference not in known for row in todo)
    report.rows += chunk.count
    report.created += created
    report.updated += len(todo) - created
    _add_errors(report, chunk.errors, language)


def _add_errors(report: ImportReport, errors: Sequence[tuple[int, str | None, str]], language: str) -> None:
    report.failed += len({number for number, _, _ in errors})
    for number, column, code in sorted(errors, key=lambda error: error[0]):
        if len(report.errors) >= MAX_ERRORS:
            report.errors_omitted += 1
            continue
        detail = sentence(code, language)
        report.errors.append(RowError(row=number, column=column, code=code, detail=detail))
