"""Who may do what: every operation is asked by everyone, and the answers are held against the declared matrix."""

import uuid
from collections.abc import AsyncIterator, Iterator, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import pytest_asyncio
import sqlalchemy as sa
from sqlmodel import col

from app.core.audit_tables import AuditEntry
from app.core.clock import ManualClock
from app.core.database import reading
from app.core.settings import MediaSettings, Settings, install_settings
from app.media.routes import PIECE_TYPE
from tests.architecture.access_world import ACTORS, BODIES, QUERIES, World, body_of
from tests.architecture.kept_world import Keeping
from tests.architecture.snapshot import go_back

MATRIX: Final = Path(__file__).parent / "access_matrix.txt"
REFUSALS: Final = (401, 403, 404)
READING: Final = ("get", "head")

Row = dict[str, str]
Operation = tuple[str, str, Mapping[str, Any]]

_AROUND: Final = {"resident", "family", "proxy", "responder", "operator", "desk", "office", "agency", "carer"}
# Lists over many residents are open to everybody; whom they show is another matter.
SHOWN_IN_LISTS: Final = {
    "listResidents": {*_AROUND, "clinician"},
    "listCheckInsOfDay": {*_AROUND, "client"},
    "listAlarmQueue": _AROUND,
    "listAlarmLog": _AROUND,
    "getCareOverview": {*_AROUND, "clinician", "client"} - {"resident"},
    "listCareOverview": {*_AROUND, "clinician", "client"} - {"resident"},
    "listCircles": {"family"},
    "listMyVisits": {"carer"},
    "listDeskQueue": {"operator", "desk"},
    "listProxiesToCheck": {"operator"},
}

OTHERS: Final = {"family", "proxy", "responder", "operator", "desk", "office", "agency", "carer", "clinician"}
ABOUT_ONE: Final = {"{resident_id}", "{alarm_id}", "{visit_id}", "{notice_id}", "{drill_id}"}
SHOWS_NOBODY: Final = {"listCircles", "getOwnAccess", "getWellbeingListening"}
"""Reads that show others what is their own: their invitations, their rights, and whether they asked to be told."""


def declared(text: str) -> dict[str, dict[str, Row]]:
    """Return the matrix: section → operation id → actor → what is answered."""
    sections: dict[str, dict[str, Row]] = {}
    header: list[str] = []
    rows: dict[str, Row] = {}
    for line in text.splitlines():
        if line.startswith("## "):
            rows = sections.setdefault(line[3:], {})
        elif line and not line.startswith("#"):
            name, *cells = line.split()
            if not header:
                header = cells
                continue
            assert name not in rows
            rows[name] = dict(zip(header, cells, strict=True))
    assert tuple(header) == ACTORS
    return sections


SECTIONS: Final = declared(MATRIX.read_text())
ROWS: Final = {operation: row for rows in SECTIONS.values() for operation, row in rows.items()}


@pytest.fixture(scope="module")
def operations(document: dict[str, Any]) -> dict[str, Operation]:
    """Return the document's operations: id → method, path, description."""
    return {
        operation["operationId"]: (method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


@pytest.fixture(autouse=True)
def directory(keeping: Keeping, test_settings: Settings) -> Iterator[None]:
    """Keep uploads where the world has its own."""
    install_settings(test_settings.model_copy(update={"media": MediaSettings(directory=keeping.files)}))
    yield
    install_settings(test_settings)


@pytest_asyncio.fixture(loop_scope="session")
async def world(client: httpx.AsyncClient, clock: ManualClock, keeping: Keeping) -> AsyncIterator[World]:
    """Return the people and things that everyone asks about."""
    async with keeping.opened() as opened:
        yield opened


def test_the_matrix_has_a_row_for_every_operation_and_no_other(operations: Mapping[str, object]) -> None:
    assert sum(map(len, SECTIONS.values())) == len(ROWS)
    assert sorted(ROWS) == sorted(operations)
    assert {cell for row in ROWS.values() for cell in row.values()} <= {"ok", *map(str, REFUSALS)}


def test_what_is_sent_belongs_to_an_operation(operations: Mapping[str, object]) -> None:
    assert {*BODIES, *QUERIES, *SHOWN_IN_LISTS} <= set(operations)


def test_nobody_gets_no_further_than_everybody() -> None:
    for operation, row in ROWS.items():
        # Where only the provider of messages gets in, it makes no difference who one is either.
        assert row["nobody"] == "401" or set(row.values()) in ({"ok"}, {"403"}), operation


async def ask(
    client: httpx.AsyncClient, world: World, actor: str, operation_id: str, operation: Operation
) -> httpx.Response:
    """Send the operation about the resident's things as the actor."""
    method, path, description = operation
    headers = world.headers[actor]
    if operation_id in world.links:
        url = httpx.URL(world.links[operation_id]).raw_path.decode()
    else:
        url = world.path(path) + QUERIES.get(operation_id, "")
    if operation_id in ("sendPiece", "sendPieceByLink"):
        piece = {"Upload-Offset": "0", "Content-Type": PIECE_TYPE}
        return await client.request(method, url, content=b"piece", headers=headers | piece)
    body = body_of(operation_id, world) if "requestBody" in description else None
    return await client.request(method, url, json=body, headers=headers)


async def row_of(client: httpx.AsyncClient, world: World, operation_id: str, operation: Operation) -> Row:
    """Return what each actor is answered; what anyone changed is undone before the next one asks."""
    found: Row = {}
    for actor in ACTORS:
        answer = await ask(client, world, actor, operation_id, operation)
        status = answer.status_code
        assert status < 500, f"{operation_id} as {actor}: {answer.text}"
        assert status not in (405, 429), f"{operation_id} as {actor}: {answer.text}"
        found[actor] = str(status) if status in REFUSALS else "ok"
        if operation[0] not in READING and answer.is_success:
            await go_back()
    return found


@pytest.mark.parametrize("section", SECTIONS)
async def test_everyone_gets_what_the_matrix_says(
    section: str, operations: dict[str, Operation], client: httpx.AsyncClient, world: World
) -> None:
    found = {
        operation_id: await row_of(client, world, operation_id, operations[operation_id])
        for operation_id in SECTIONS[section]
        if operation_id in operations
    }
    assert found == SECTIONS[section]


async def test_lists_show_a_resident_to_those_who_may_see_them(
    operations: dict[str, Operation], client: httpx.AsyncClient, world: World
) -> None:
    for operation_id, shown in SHOWN_IN_LISTS.items():
        for actor in ACTORS:
            answer = await ask(client, world, actor, operation_id, operations[operation_id])
            assert (world.ids["residents"] in answer.text) == (actor in shown), f"{operation_id} as {actor}"


async def test_whoever_reads_what_is_somebody_elses_is_on_record(
    operations: dict[str, Operation], client: httpx.AsyncClient, world: World
) -> None:
    silent, shown_by = set(), {}
    for operation_id, operation in operations.items():
        method, path, _ = operation
        others = [actor for actor in ACTORS if ROWS[operation_id][actor] == "ok" and actor in OTHERS]
        if (
            method not in READING
            or not others
            or not (ABOUT_ONE & {*path.split("/")} or operation_id in SHOWN_IN_LISTS)
        ):
            continue
        actor = next((one for one in others if one in SHOWN_IN_LISTS.get(operation_id, OTHERS)), None)
        if actor is None:
            continue
        before = await traces_of(world.ids["residents"])
        answer = await ask(client, world, actor, operation_id, operation)
        shown_by[operation_id] = answer.status_code
        if answer.is_success and await traces_of(world.ids["residents"]) == before:
            silent.add(operation_id)
    assert silent == SHOWS_NOBODY
    # There is no stock to show.
    assert {name for name, status in shown_by.items() if status != HTTPStatus.OK} == {"getResidentMedicationStock"}


async def traces_of(resident_id: str) -> int:
    """Return how many entries the audit trail has about the resident."""
    async with reading() as connection:
        counted = sa.select(sa.func.count()).where(col(AuditEntry.resident_id) == uuid.UUID(resident_id))
        return await connection.scalar(counted) or 0
