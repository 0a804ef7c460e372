"""A person takes along what is held about them: by table, or as a FHIR R4 Bundle."""

import base64
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlmodel import col, select

from app.core.audit_tables import AuditEntry
from app.core.clock import ManualClock
from app.core.database import unit_of_work
from app.identity.models import Resident
from eldercare.medication.models import DOSES
from tests.factories import eldercare_medication as medication
from tests.factories import eldercare_vitals as vitals
from tests.factories import identity as make
from tests.factories.sign_in import device_headers, sign_in, sign_in_resident

FHIR = {"Accept": "application/fhir+json"}


async def export(client: httpx.AsyncClient, headers: dict[str, str], **params: str) -> Any:
    answer = await client.get("/v1/me/export", headers=headers, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


def resources(bundle: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [entry["resource"] for entry in bundle["entry"] if entry["resource"]["resourceType"] == kind]


def emptinesses(value: Any, path: str = "") -> Iterator[str]:
    if value in (None, [], {}, ""):
        yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        yield from emptinesses(item, f"{path}/{key}")


async def test_everything_is_handed_out_by_table_with_why_and_how_long(
    client: httpx.AsyncClient, database: object, clock: ManualClock
) -> None:
    place = await make.community()
    resident = await make.resident(place, name="Grace", phone="+8613800000001", emergency_notes="insulin")
    await make.resident(place, name="Ada", phone="+8613800000002")
    tables = (await export(client, await sign_in_resident(resident)))["tables"]
    held = tables["identity_resident"]
    assert [row["emergency_notes"] for row in held["rows"]] == ["insulin"]
    assert (held["basis"], held["health_data"]) == ("contract", "health and social care")
    assert tables["identity_session"]["kept"] == "90 days after revoked_at or expires_at"
    assert tables["identity_contact_point"]["recipients"] == [
        "the provider of text messages and calls",
        "the mail provider",
    ]
    assert "Ada" not in str(tables)
    async with unit_of_work() as session:
        read = (await session.scalars(select(AuditEntry).where(col(AuditEntry.action) == "export:read"))).one()
    assert (read.actor_id, read.resident_id) == (resident.account_id, resident.id)


async def test_a_phone_that_lies_on_the_table_signed_in_exports_nothing(
    client: httpx.AsyncClient, database: object, clock: ManualClock
) -> None:
    place = await make.community()
    resident = await make.resident(place, phone="+8613800000001")
    headers = await sign_in_resident(resident)
    clock.advance(timedelta(minutes=16))
    for params in ({}, {"format": "fhir"}):
        refused = await client.get("/v1/me/export", headers=headers, params=params)
        assert (refused.status_code, refused.json()["code"]) == (403, "fresh_sign_in_needed")
    assert (await client.get("/v1/me/export")).status_code == 401


async def _living(clock: ManualClock) -> tuple[Resident, dict[str, str]]:
    """Return a resident with readings, a regimen that was taken, missed and skipped, and consents."""
    scene = await vitals.scene()
    resident = scene.resident
    await vitals.readings(scene, [("8867-4", 71.0), ("2339-0", 99.0), ("67775-7", 0.0)])
    await medication.regimen(resident)
    return resident, scene.as_resident
