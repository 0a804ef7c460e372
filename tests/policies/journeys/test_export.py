"""A person takes along what is held about them: by table, or as a FHIR R4 Bundle."""

import base64
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
from sqlmodel import col, select

from app import assembly
from app.core.audit_tables import AuditEntry
from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.core.jobs import settle
from app.identity.models import Account
from tests.factories import eldercare_medication as medication
from tests.factories import eldercare_vitals as vitals
from tests.factories import identity as make
from tests.factories.eldercare_vitals import Scene
from tests.factories.sign_in import access_headers, session_of, sign_in, sign_in_resident

FHIR_JSON = "application/fhir+json"


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


async def test_a_phone_that_was_only_paired_exports_nothing(
    client: httpx.AsyncClient, database: object, clock: ManualClock
) -> None:
    place = await make.community()
    resident = await make.resident(place, phone="+8613800000001")
    async with unit_of_work() as session:
        account = await session.get_one(Account, resident.account_id)
    paired = access_headers(await session_of(account, method="pairing"))
    for params in ({}, {"format": "fhir"}):
        refused = await client.get("/v1/me/export", headers=paired, params=params)
        assert (refused.status_code, refused.json()["code"]) == (403, "fresh_sign_in_needed")
    assert (await client.get("/v1/me/export")).status_code == 401
    async with reading() as connection:
        actions = set(await connection.scalars(select(col(AuditEntry.action))))
    assert not actions & {"export:read", "export:read_fhir"}


async def _living(client: httpx.AsyncClient, clock: ManualClock) -> tuple[Scene, dict[str, str]]:
    """Return a resident with readings, two regimens, doses taken and missed, and a consent."""
    scene = await vitals.scene()
    resident = scene.resident
    await vitals.reading(resident, 71)
    await vitals.reading(resident, 99.5, "2339-0")
    await vitals.reading(resident, 1, "67775-7")
    await medication.regimen(resident)
    drug = {"name": "Glucophage", "system": "http://www.whocc.no/atc", "code": "A10BA02", "instructions": "with water"}
    meals: dict[str, Any] = {"drug": drug, "timing": "meals", "times": [], "meals": ["dinner"], "meal_offset": "-PT30M"}
    await medication.regimen(resident, **meals, weekdays=[1, 3])
    await settle(assembly.JOBS)
    first, second, *_ = await medication.doses(resident)
    clock.set(first.due_at)
    await medication.record(resident, first.id, note="with tea")
    clock.set(second.due_at + timedelta(days=2))
    await settle(assembly.JOBS)
    daughter = await make.account(scene.community, name="Daughter")
    headers = await sign_in_resident(resident)
    body = {"account_id": str(daughter.id), "scopes": ["vitals:read"], "expires_at": "2027-01-01T00:00:00Z"}
    given = await client.post(f"{scene.path}/grants", json=body, headers=headers | {"Accept-Language": "zh-CN"})
    assert given.status_code == 201, given.text
    return scene, headers


async def test_the_health_record_is_a_bundle_of_fhir_r4(
    client: httpx.AsyncClient, database: object, clock: ManualClock
) -> None:
    scene, headers = await _living(client, clock)
    answer = await client.get("/v1/me/export", headers=headers | {"Accept": FHIR_JSON})
    assert (answer.status_code, answer.headers["content-type"]) == (200, FHIR_JSON), answer.text
    bundle = answer.json()
    assert (bundle["resourceType"], bundle["type"]) == ("Bundle", "collection")
    assert list(emptinesses(bundle)) == []
    entries = {entry["fullUrl"]: entry["resource"] for entry in bundle["entry"]}
    assert len(entries) == len(bundle["entry"])
    (patient,) = resources(bundle, "Patient")
    assert patient["telecom"] == [{"system": "phone", "use": "mobile", "value": "+8613800000001", "rank": 1}]
    for resource in entries.values():
        subject = resource.get("subject") or resource.get("patient")
        assert resource is patient or entries[subject["reference"]] is patient
    assert patient["id"] == str(scene.resident.id)

    readings = {found["code"]["coding"][0]["code"]: found for found in resources(bundle, "Observation")}
    heart = {"value": 71.0, "unit": "/min", "system": "http://unitsofmeasure.org", "code": "/min"}
    assert readings["8867-4"]["valueQuantity"] == heart
    assert readings["8867-4"]["code"]["coding"][0]["system"] == "http://loinc.org"
    assert readings["67775-7"]["valueCodeableConcept"] == {"text": "C"}
    assert {reading["status"] for reading in readings.values()} == {"final"}

    statements = {
        found["medicationCodeableConcept"]["text"]: found for found in resources(bundle, "MedicationStatement")
    }
    tablets, with_meals = statements["Metformin 500 mg tablet"], statements["Glucophage"]
    assert tablets["dosage"][0]["timing"] == {"repeat": {"timeOfDay": ["08:30:00"]}}
    assert with_meals["dosage"][0]["timing"] == {"repeat": {"dayOfWeek": ["mon", "wed"], "when": ["ACV"], "offset": 30}}
    coding = [{"system": "http://www.whocc.no/atc", "code": "A10BA02"}]
    assert with_meals["medicationCodeableConcept"]["coding"] == coding

    given = resources(bundle, "MedicationAdministration")
    assert {dose["status"] for dose in given} == {"completed", "unknown"}
    (taken,) = [dose for dose in given if dose["status"] == "completed"]
    assert taken["note"] == [{"text": "with tea"}]
    assert taken["dosage"]["dose"]["code"] == "{tablet}"

    (consent,) = resources(bundle, "Consent")
    assert (consent["status"], consent["provision"]["type"]) == ("active", "permit")
    assert consent["provision"]["period"]["end"].startswith("2027-01-01")
    assert consent["provision"]["code"] == [{"coding": [{"system": "urn:hearthline:scope", "code": "vitals:read"}]}]
    assert (
        base64.b64decode(consent["sourceAttachment"]["data"]).decode() == "Daughter可以：查看您的血压、脉搏等测量数据。"
    )
    ids = [*(resource["id"] for resource in entries.values()), bundle["id"]]
    assert all(re.fullmatch(r"[A-Za-z0-9.-]{1,64}", found) for found in ids)


async def test_the_form_can_be_asked_for_by_name_and_who_lives_elsewhere_is_a_person(
    client: httpx.AsyncClient, database: object, clock: ManualClock
) -> None:
    place = await make.community()
    operator = await make.operator(place, phone="+8613800000009")
    bundle = await export(client, await sign_in(operator), format="fhir")
    assert [entry["resource"]["resourceType"] for entry in bundle["entry"]] == ["Person"]
    plain = await client.get(
        "/v1/me/export", headers=await sign_in(operator) | {"Accept": FHIR_JSON}, params={"format": "json"}
    )
    assert plain.json()["tables"]["identity_account"]["rows"][0]["id"] == str(operator.id)
