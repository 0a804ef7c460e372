"""Video visits of the demo's people: they meet as pages do, and nobody stays on a line when the demo stops."""

from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from fastapi import FastAPI

from app.core.access import Actor
from app.core.clock import ManualClock
from app.core.database import Database, reading
from app.demo import rooms, seeding
from tests.factories import telemedicine
from tests.factories.sign_in import sign_in


async def _rows(statement: str) -> list[tuple[Any, ...]]:
    async with reading() as connection:
        return [tuple(row) for row in await connection.execute(sa.text(statement))]


async def test_two_meet_and_are_gone_when_the_demo_stops(app: FastAPI, database: Database, clock: ManualClock) -> None:
    scene = await telemedicine.scene()
    visit = await telemedicine.consultation(scene)
    resident = Actor("account", scene.account.id, scene.place.id, resident_id=scene.resident.id)
    token = (await sign_in(scene.clinician))["Authorization"].removeprefix("Bearer ")
    with seeding.phones(app) as lent:
        assert await rooms.meet(lent, str(visit.id), resident, token) is not None
        assert await _rows("SELECT state FROM telemedicine_consultation") == [("in_progress",)]
        clock.advance(timedelta(minutes=10))
        await lent.hang_up()
        stayed = await _rows("SELECT ended_at - began_at FROM telemedicine_presence")
        assert stayed == [(timedelta(minutes=10),)] * 2
