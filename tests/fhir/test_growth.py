"""What a search of appointments costs does not depend on how many lie behind."""

from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import orjson
import sqlalchemy as sa

from app.core import audit, clock
from app.core.access import Actor
from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.core.paging import PageRequest
from telemedicine.appointments.models import APPOINTMENTS
from telemedicine.appointments.views.appointments import paging, suggesting
from telemedicine.appointments.views.entries import AppointmentQuery, _found
from tests.factories.fhir import Scene
from tests.plans import looked_at, nodes

_MANY: Final = 2_000
_PAGE: Final = PageRequest(20, None)


def appointment(scene: Scene, number: int) -> dict[str, Any]:
    """Return one of many appointments of the resident's, each a day before the other."""
    starts_at = clock.now() - number * timedelta(days=1)
    return {
        "id": clock.new_id(),
        "created_at": starts_at,
        "updated_at": starts_at,
        "version": 1,
        "community_id": scene.place.id,
        "organization_id": scene.organization.id,
        "resident_id": scene.resident.id,
        "account_id": scene.person.id,
        "practitioner_id": scene.doctor.id,
        "visit_type_id": scene.service.id,
        "mode": "phone",
        "status": "fulfilled",
        "starts_at": starts_at,
        "ends_at": starts_at + timedelta(minutes=30),
        "time_zone": "Asia/Shanghai",
        "sequence": 0,
        "booked_by": scene.person.id,
        "price_amount": 0,
        "price_currency": "CNY",
        "notice_period": timedelta(),
        "late_fee_amount": 0,
        "fee_amount": 0,
    }


async def test_a_page_looks_at_no_more_rows_however_long_the_history(scene: Scene, clock: ManualClock) -> None:
    actor = Actor(kind="account", id=scene.person.id, community_id=scene.place.id, resident_id=scene.resident.id)
    async with unit_of_work() as session:
        await session.execute(sa.insert(APPOINTMENTS), [appointment(scene, number) for number in range(_MANY)])
        await session.execute(sa.text("ANALYZE telemedicine_appointment"))
    lately = clock.now() - timedelta(days=30)
    for of_one in (True, False):
        for descending, query in (
            (False, AppointmentQuery()),
            (True, AppointmentQuery()),
            (False, replace(AppointmentQuery(), starts_since=lately)),
        ):
            whose = {"resident_id": scene.resident.id} if of_one else {"staff_of": [scene.organization.id]}
            statement = _found(of_one=of_one, of_answered=False, descending=descending)
            binds = {
                **query.binds(),
                **whose,
                **paging("x", _PAGE),
                **suggesting(),
                **audit.trace_each_binds(actor, shown=_PAGE.limit),
                "now": clock.now(),
            }
            async with reading() as connection:
                explained = await connection.driver.fetchval(
                    f"EXPLAIN (ANALYZE, FORMAT JSON) {statement.sql}", *statement.values(binds)
                )
            plan = orjson.loads(explained) if isinstance(explained, str) else explained
            most = max(looked_at(node) for node in nodes(plan[0]["Plan"]))
            assert most <= _PAGE.limit + 1, (of_one, descending, query)
