"""What a page of health records costs does not depend on how many there are."""

import uuid
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock
from app.core.database import reading, unit_of_work
from app.core.sealing import seal
from telemedicine.records.models import CONTENT, RECORDS, VERSIONS
from telemedicine.records.views import LISTS
from tests.plans import explain, looked_at, nodes
from tests.telemedicine.records.conftest import Desk

_MANY, _WANTED = 3_000, 60
_BINDS: dict[str, Any] = {
    "status": None,
    "with_errors": False,
    "first": None,
    "end": None,
    "after_id": None,
    "limit": 21,
}


async def rows_looked_at(connection: AsyncConnection, resident_id: uuid.UUID, by: tuple[bool, bool]) -> float:
    binds = {**_BINDS, "resident_id": resident_id, "kind": "observation", "code_key": b"a"}
    wanted = {name: value for name, value in binds.items() if name in LISTS[by].compile().params}
    return max(looked_at(node) for node in nodes(await explain(connection, LISTS[by], wanted)))


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
            "code_key": b"a" if number < _WANTED else b"b",
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
        await session.execute(sa.text("ANALYZE telemedicine_record, telemedicine_record_version"))
    async with reading() as connection:
        # What is wanted lies deepest: all the rest came later.
        looked = {by: await rows_looked_at(connection, of.id, by) for by in LISTS}
    assert max(looked.values()) <= _BINDS["limit"], looked
