"""What a page of health records costs does not depend on how many there are."""

import uuid
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock
from app.core.database import reading, unit_of_work
from app.core.sealing import seal
from telemedicine.records.models import CODES, CONTENT, RECORDS, VERSIONS
from telemedicine.records.views.records import list_statement
from tests.plans import explain, looked_at, nodes
from tests.telemedicine.records.conftest import Desk

_MANY, _WANTED = 3_000, 60
_BINDS: dict[str, Any] = {
    **dict.fromkeys(("statuses", "categories", "ids", "practitioner_ids", "organization_ids", "first", "end")),
    **dict.fromkeys(("entered_since", "entered_before", "updated_since", "updated_before", "after_at", "after_id")),
    "with_errors": False,
    "with_consultations": True,
    "kind": "observation",
    "code": b"a",
    "limit": 21,
}
LISTS = [
    {"kind": kind, "code": code, "by_time": False, "ascending": ascending}
    for kind in (False, True)
    for code in ("no", "one")
    for ascending in (False, True)
] + [{"kind": True, "code": "no", "by_time": True, "ascending": ascending} for ascending in (False, True)]


async def rows_looked_at(connection: AsyncConnection, resident_id: uuid.UUID, by: dict[str, Any]) -> float:
    statement = list_statement(**by)
    binds = {**_BINDS, "resident_id": resident_id}
    wanted = {name: value for name, value in binds.items() if name in statement.compile().params}
    return max(looked_at(node) for node in nodes(await explain(connection, statement, wanted)))


async def test_a_page_looks_at_no_more_rows_however_long_the_history(desk: Desk) -> None:
    of, sealed = desk.scene.resident, seal("{}", CONTENT)
    heads = [
        {
            "id": clock.new_id(),
            "created_at": clock.now(),
            "updated_at": clock.now(),
            "version": 1,
            "community_id": of.community_id,
            "resident_id": of.id,
            "kind": "observation" if number < _WANTED else "immunization",
            "status": "final",
            "effective_at": clock.now(),
            "source": "resident",
            "number": 1,
        }
        for number in range(_MANY)
    ]
    versions = [
        {
            "id": clock.new_id(),
            "created_at": clock.now(),
            "updated_at": clock.now(),
            "version": 1,
            "record_id": head["id"],
            "resident_id": of.id,
            "number": 1,
            "status": "final",
            "content": sealed,
            "source": "resident",
            "recorded_at": clock.now(),
        }
        for head in heads
    ]
    async with unit_of_work() as session:
        await session.execute(sa.insert(RECORDS), heads)
        await session.execute(sa.insert(VERSIONS), versions)
        codes = [
            {"resident_id": of.id, "key": b"a" if number < _WANTED else b"b", "record_id": head["id"]}
            for number, head in enumerate(heads)
        ]
        await session.execute(sa.insert(CODES), codes)
        tables = "telemedicine_record, telemedicine_record_code, telemedicine_record_version"
        await session.execute(sa.text(f"ANALYZE {tables}"))
    async with reading() as connection:
        # What is wanted lies deepest: all the rest came later, or before where the list ascends.
        looked = {str(by): await rows_looked_at(connection, of.id, by) for by in LISTS}
    assert max(looked.values()) <= _BINDS["limit"], looked
