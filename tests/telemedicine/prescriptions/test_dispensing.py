"""What is handed out is counted: a prescription is completed by the last of it, or when its last day is over."""

import importlib
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations
from hypothesis import given
from hypothesis import strategies as st

from app.core.clock import ManualClock
from app.core.database import unit_of_work
from telemedicine.prescriptions import jobs, rules
from telemedicine.prescriptions.models import PRESCRIPTIONS
from tests.factories import sign_in
from tests.telemedicine.prescriptions.conftest import Desk
from tests.telemedicine.prescriptions.test_prescriptions import IBUPROFEN, _told

MONTHLY: dict[str, Any] = IBUPROFEN | {"repeats": 2, "supply_days": 28}


async def test_it_is_completed_by_the_last_of_its_repeats(desk: Desk, clock: ManualClock) -> None:
    prescription = await desk.signed(MONTHLY)
    told, shown = [], prescription
    for _ in range(3):
        answer = await desk.act(prescription, "dispense")
        assert answer.status_code == 200, answer.text
        shown = answer.json()
        told.append((shown["status"], shown["dispensed"], shown["dispensing"], shown["taken_until"]))
        clock.advance(timedelta(days=20))
        desk.clinician = await sign_in.sign_in(desk.scene.clinician, second_factor=True)
    assert shown["dispenses_allowed"] == 3
    # Each lasts from the day after the one before: 28, 56 and 84 days in all.
    assert told == [
        ("active", 1, "partial", "2026-03-29"),
        ("active", 2, "partial", "2026-04-26"),
        ("completed", 3, "complete", "2026-05-24"),
    ]
    late = await desk.act(prescription, "dispense")
    assert (late.status_code, late.json()["code"]) == (409, "prescription_status")
    assert await _told() == ["telemedicine.prescription_signed.v1", "telemedicine.prescription_ended.v1"]


async def test_it_is_completed_when_its_last_day_is_over_where_the_resident_lives(
    desk: Desk, clock: ManualClock
) -> None:
    prescription = await desk.signed(MONTHLY | {"valid_until": "2026-03-03"})
    clock.set(clock.now().replace(day=3, hour=15, minute=59))  # a minute before midnight in Shanghai
    desk.clinician = await sign_in.sign_in(desk.scene.clinician, second_factor=True)
    assert await jobs.expire() == 0
    assert (await desk.act(prescription, "dispense")).json()["dispensing"] == "partial"
    clock.advance(timedelta(minutes=1))
    late = await desk.act(prescription, "dispense")
    assert (late.status_code, late.json()["code"]) == (409, "prescription_expired")
    assert await jobs.expire() == 1
    headers = await sign_in.sign_in(desk.scene.account)
    (shown,) = await desk.seen(headers, "/v1/me/prescriptions")
    assert (shown["status"], shown["dispensed"], shown["end_reason"]) == ("completed", 1, None)
    assert (await _told())[-1] == "telemedicine.prescription_ended.v1"
    assert await jobs.expire() == 0


async def test_what_has_expired_is_not_signed(desk: Desk) -> None:
    draft = await desk.draft(IBUPROFEN | {"valid_until": "2026-03-01"})
    refused = await desk.act(draft, "signature")
    assert (refused.status_code, refused.json()["code"]) == (409, "prescription_expired")


@pytest.mark.parametrize(
    ("content", "pointer"),
    [
        ({"timing": {"period_days": 2}}, "/body/content/timing"),
        ({"timing": {"frequency": 2, "times_of_day": ["08:00"]}}, "/body/content/timing"),
        ({"timing": {"times_of_day": ["8:00"]}}, "/body/content/timing/times_of_day/0"),
        ({"supply_days": 0}, "/body/content/supply_days"),
    ],
)
async def test_what_is_structured_has_to_make_sense(desk: Desk, content: dict[str, Any], pointer: str) -> None:
    answer = await desk.ask(desk.clinician, desk.path, {"content": IBUPROFEN | content})
    assert (answer.status_code, [error["pointer"] for error in answer.json()["errors"]]) == (422, [pointer])


async def test_an_encounter_is_one_of_the_residents(desk: Desk) -> None:
    visits = (await desk.client.get("/v1/me/consultations", headers=desk.resident)).json()["items"]
    assert (await desk.draft(IBUPROFEN, encounter_id=visits[0]["id"]))["encounter_id"] == visits[0]["id"]
    body = {"content": IBUPROFEN, "encounter_id": str(desk.scene.resident.id)}
    answer = await desk.ask(desk.clinician, desk.path, body)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/body/encounter_id")


async def test_what_was_signed_before_is_found_by_its_code_and_expires(desk: Desk, clock: ManualClock) -> None:
    """The migration's own step, over prescriptions as they were written before."""
    migration = importlib.import_module("app.migrations.versions.0032_prescribed_regimens")
    signed = await desk.signed(MONTHLY | {"valid_until": "2026-03-03"})
    await desk.draft(IBUPROFEN | {"medication": {"text": "Camomile"}})
    statement = sa.select(PRESCRIPTIONS.c.id, PRESCRIPTIONS.c.code_key, PRESCRIPTIONS.c.expires_at)
    async with unit_of_work() as session:
        before = (await session.execute(statement.order_by(PRESCRIPTIONS.c.id))).all()
        await session.execute(sa.update(PRESCRIPTIONS).values(code_key=None, expires_at=None))

    def migrate(connection: sa.Connection) -> None:
        with Operations.context(MigrationContext.configure(connection)):
            migration._read_contents()

    async with unit_of_work() as session:
        await (await session.connection()).run_sync(migrate)
        after = (await session.execute(statement.order_by(PRESCRIPTIONS.c.id))).all()
    assert after == before
    assert {str(row.id): row.expires_at is not None for row in after}[signed["id"]]


@given(gaps=st.lists(st.integers(0, 60), min_size=1, max_size=6), days=st.integers(1, 60))
def test_nothing_handed_out_is_lost_or_counted_twice(gaps: list[int], days: int) -> None:
    day, until, without = date(2026, 1, 1), None, 0
    first = day + timedelta(days=gaps[0])
    for gap in gaps:
        day += timedelta(days=gap)
        if until is not None:
            without += max(0, (day - until).days - 1)
        until = rules.taken_until(until, day, days)
    assert until is not None
    assert (until - first).days + 1 - without == days * len(gaps)
