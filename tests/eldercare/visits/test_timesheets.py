"""Timesheets: local times with their offset, hours that really passed, names that are no formulas."""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from app.core.clock import ManualClock
from app.core.database import unit_of_work
from eldercare.visits.models import VisitCarer
from eldercare.visits.views import timesheets
from tests.eldercare.visits.conftest import PhoneOf, Scene
from tests.factories import eldercare_visits as made
from tests.factories import identity
from tests.factories.sign_in import sign_in


async def worked(scene: Scene, arrived: datetime, departed: datetime | None, *, who: Any = None, **values: Any) -> None:
    """Insert a visit that somebody made, as its row says."""
    visit = await made.single(scene.plan, arrived, account_id=scene.resident.account_id, **values)
    row = VisitCarer(
        visit_id=visit.id,
        resident_id=visit.resident_id,
        organization_id=visit.organization_id,
        account_id=(who or scene.carer).id,
        state="left" if departed else "present",
        starts_at=arrived,
        reservation_id=visit.id,
        assigned_by=visit.id,
        arrived_at=arrived,
        arrival_how="tag",
        departed_at=departed,
        departure_how="manual" if departed else None,
    )
    async with unit_of_work() as session:
        session.add(row)


async def sheet(client: httpx.AsyncClient, scene: Scene, query: str, person: Any = None) -> list[dict[str, str]]:
    headers = await sign_in(person or scene.coordinator)
    answer = await client.get(f"/v1/organizations/{scene.agency.id}/timesheet?{query}", headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(answer.text)))


async def test_the_night_clocks_change_has_as_many_hours_as_it_has(
    scene: Scene, client: httpx.AsyncClient, clock: ManualClock
) -> None:
    ten_to_six = [
        (datetime(2026, 3, 28, 21, tzinfo=UTC), datetime(2026, 3, 29, 4, tzinfo=UTC), "7.00"),
        (datetime(2026, 6, 1, 20, tzinfo=UTC), datetime(2026, 6, 2, 4, tzinfo=UTC), "8.00"),
        (datetime(2026, 10, 24, 20, tzinfo=UTC), datetime(2026, 10, 25, 5, tzinfo=UTC), "9.00"),
    ]
    for since, until, _ in ten_to_six:
        await worked(scene, since, until, lasts=timedelta(hours=8), time_zone="Europe/Berlin")
    rows = await sheet(client, scene, "from=2026-01-01&to=2026-12-31")
    assert [row["hours"] for row in rows] == [hours for _, _, hours in ten_to_six]
    assert [(row["arrived"][11:], row["departed"][11:]) for row in rows] == [
        ("22:00:00+01:00", "06:00:00+02:00"),
        ("22:00:00+02:00", "06:00:00+02:00"),
        ("22:00:00+02:00", "06:00:00+01:00"),
    ]
    assert (rows[0]["date"], rows[0]["planned_hours"]) == ("2026-03-28", "8.00")
    assert (rows[0]["carer"], rows[0]["arrival_by"], rows[0]["departure_by"]) == ("Cai", "tag", "manual")


async def test_only_what_ended_and_lies_in_the_days_is_in_it(
    scene: Scene, client: httpx.AsyncClient, clock: ManualClock
) -> None:
    first = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)
    half = timedelta(minutes=30)
    await worked(scene, first, first + half)
    await worked(scene, first + timedelta(hours=23, minutes=59), first + timedelta(days=1))
    await worked(scene, first + timedelta(days=1), first + timedelta(days=1) + half)
    await worked(scene, first + timedelta(hours=5), None)
    assert len(await sheet(client, scene, "from=2026-03-02&to=2026-03-02")) == 2
    headers = await sign_in(scene.coordinator)
    for wrong in ("from=2026-03-03&to=2026-03-02", "from=2024-01-01&to=2026-03-02", "from=2026-03-02"):
        answer = await client.get(f"/v1/organizations/{scene.agency.id}/timesheet?{wrong}", headers=headers)
        assert answer.status_code == 422, wrong


async def test_a_long_sheet_comes_chunk_by_chunk_without_a_row_lost(
    scene: Scene, client: httpx.AsyncClient, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timesheets, "CHUNK", 3)
    monkeypatch.setattr(timesheets, "_ROWS", timesheets._ROWS.limit(None).limit(3))
    at = datetime(2026, 3, 2, 8, tzinfo=UTC)
    for number in range(7):  # several at the same instant, over the edges of chunks
        await worked(scene, at + timedelta(hours=number // 3), at + timedelta(hours=4))
    chunks = [chunk async for chunk in timesheets.timesheet(scene.agency.id, at, at + timedelta(days=1))]
    assert len(chunks) == 4
    rows = list(csv.DictReader(io.StringIO(b"".join(chunks).decode())))
    assert len({row["visit_id"] for row in rows}) == 7


async def test_a_name_is_no_formula_and_no_resident_is_named(
    scene: Scene, client: httpx.AsyncClient, clock: ManualClock
) -> None:
    odd = await identity.staff(scene.agency, "carer", name='=HYPERLINK("x"),"y"', phone="+8613800000019")
    at = datetime(2026, 3, 2, 8, tzinfo=UTC)
    await worked(scene, at, at + timedelta(hours=1), who=odd)
    (row,) = await sheet(client, scene, "from=2026-03-02&to=2026-03-02")
    assert row["carer"] == """'=HYPERLINK("x"),"y\""""
    assert "Grace" not in str(row)
    assert str(scene.resident.id) not in str(row)


async def test_it_is_for_the_agencys_leaders(scene: Scene, phone_of: PhoneOf) -> None:
    for person, status in ((scene.carer, 403), (scene.desk, 403), (scene.resident, 404)):
        phone = await phone_of(person)
        await phone("GET", f"/organizations/{scene.agency.id}/timesheet?from=2026-03-02&to=2026-03-02", expect=status)
