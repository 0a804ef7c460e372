"""Public FHIR clients, as anybody installs them, against the real server."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives import serialization
from fastapi import FastAPI
from fhirclient import client as smart
from fhirclient.models.allergyintolerance import AllergyIntolerance
from fhirclient.models.appointment import Appointment
from fhirclient.models.patient import Patient
from fhirclient.models.slot import Slot
from fhirpy import AsyncFHIRClient
from fhirpy.base.exceptions import ForbiddenError, OperationOutcome

from app.core import clock
from app.core.settings import Settings, install_settings
from tests import node, streams
from tests.factories import fhir
from tests.factories import smart as factory
from tests.factories.fhir import Scene
from tests.factories.smart import BACK, Machine
from tests.fhir.records import ALLERGY, CONDITION, ICD, Ward, inside
from tests.media.samples import PDF

CLIENTS = Path(__file__).parent / "clients"


@pytest_asyncio.fixture(loop_scope="session")
async def address(app: FastAPI, scene: Scene, test_settings: Settings) -> AsyncIterator[str]:
    """Serve the application, which knows where; return the address of its FHIR service."""
    async with streams.served(app) as root:
        http = test_settings.http.model_copy(update={"public_url": root})
        install_settings(test_settings.model_copy(update={"http": http}))
        yield f"{root}/fhir/R4"
        install_settings(test_settings)


async def test_fhirpy_finds_books_and_calls_off(address: str, scene: Scene) -> None:
    client = AsyncFHIRClient(address, authorization=scene.system["Authorization"])
    slots = await client.resources("Slot").search(schedule=scene.schedule, start__lt="2026-03-04").limit(2).fetch_all()
    assert len(slots) == 6
    booked = client.resource("Appointment", **fhir.wanted(scene, slots[3]))
    await booked.save()
    assert booked["start"] == slots[3]["start"]
    with pytest.raises(OperationOutcome):
        await client.resource("Appointment", **fhir.wanted(scene, slots[3])).save()
    mine = client.resources("Appointment").search(patient=scene.resident.id).include("Appointment", "practitioner")
    bundle = await mine.fetch_raw()
    assert [one.resource.resource_type for one in bundle.entry] == ["Appointment", "Practitioner"]
    again = await client.reference("Appointment", booked.id).to_resource()
    again["status"] = "cancelled"
    await again.save()
    assert (await client.reference("Appointment", booked.id).to_resource())["status"] == "cancelled"


async def test_fhirpy_creates_on_conditions_counts_and_sends_bundles(address: str, scene: Scene) -> None:
    client = AsyncFHIRClient(address, authorization=scene.system["Authorization"])
    slots = await client.resources("Slot").search(schedule=scene.schedule).limit(3).fetch()
    mine = client.resources("Appointment").search(patient=scene.resident.id)
    booked, is_new = await mine.get_or_create(client.resource("Appointment", **fhir.wanted(scene, slots[0])))
    again, is_newer = await mine.get_or_create(client.resource("Appointment", **fhir.wanted(scene, slots[1])))
    assert (is_new, is_newer, again.id) == (True, False, booked.id)
    moved, is_newer = await mine.update(
        client.resource("Appointment", **fhir.wanted(scene, slots[2]), start=slots[2]["start"])
    )
    assert (moved.id, moved["start"], is_newer) == (booked.id, slots[2]["start"], False)
    await moved.refresh()  # known, and not sent again
    named = client.resources("Appointment").search(patient__Patient__name="gra", status__not="cancelled")
    assert await named.count() == 1
    assert await client.resources("Patient").has("Appointment", "patient", _id=booked.id).count() == 1
    entry = [
        {
            "resource": dict(moved) | {"status": "cancelled"},
            "request": {"method": "PUT", "url": f"Appointment/{moved.id}"},
        },
        {"request": {"method": "GET", "url": f"Patient/{scene.resident.id}"}},
    ]
    done = await client.execute("", data={"resourceType": "Bundle", "type": "transaction", "entry": entry})
    assert [one.resource.resourceType for one in done.entry] == ["Appointment", "Patient"]
    assert done.entry[0].resource.status == "cancelled"


@pytest.mark.usefixtures("directory")
async def test_fhirpy_finds_and_enters_a_record(address: str, ward: Ward) -> None:
    client = AsyncFHIRClient(address, authorization=ward.system["Authorization"])
    condition = client.resource("Condition", **ward.said(CONDITION))
    await condition.save()
    condition["onsetDateTime"] = "2018"
    await condition.save()
    assert (condition["meta"]["versionId"], condition["onsetDateTime"]) == ("2", "2018")
    found = client.resources("Condition").search(patient=ward.scene.resident.id, code=f"{ICD['system']}|{ICD['code']}")
    assert [one.id for one in await found.fetch_all()] == [condition.id]
    letter = client.resource("DocumentReference", **ward.said(inside(PDF)))
    await letter.save()
    bundle = await client.resources("Provenance").search(target=f"DocumentReference/{letter.id}").fetch_raw()
    assert [entry.resource.resource_type for entry in bundle.entry] == ["Provenance"]


def _enter(address: str, ward: Ward) -> dict[str, Any]:
    server = smart.FHIRClient(settings={"app_id": "clinic", "api_base": address}).server
    server.session.headers.update(ward.system)
    created = AllergyIntolerance(ward.said(ALLERGY)).create(server)
    allergy = AllergyIntolerance.read(created["id"], server)
    (found,) = AllergyIntolerance.where({"patient": str(ward.scene.resident.id)}).perform_resources_iter(server)
    return {"criticality": allergy.criticality, "is_found": found.id == allergy.id}


async def test_fhirclient_reads_and_enters_a_record(address: str, ward: Ward) -> None:
    assert await asyncio.to_thread(_enter, address, ward) == {"criticality": "high", "is_found": True}


_SUBSCRIPTION: dict[str, Any] = {
    "status": "requested",
    "reason": "the practice's own diary",
    "criteria": "Appointment?status=booked",
    "channel": {"type": "rest-hook", "endpoint": "https://example.org/hook", "payload": "application/fhir+json"},
}


async def test_fhirpy_subscribes(address: str, scene: Scene) -> None:
    client = AsyncFHIRClient(address, authorization=scene.system["Authorization"])
    made = client.resource("Subscription", **_SUBSCRIPTION)
    await made.save()
    (found,) = await client.resources("Subscription").search(status="active").fetch_all()
    assert found.id == made.id
    found["status"] = "off"
    await found.save()
    assert (await client.reference("Subscription", made.id).to_resource())["status"] == "off"
    await found.delete()  # type: ignore[no-untyped-call]  # of fhirpy's
    assert await client.resources("Subscription").fetch_all() == []


def _smart(address: str, scene: Scene) -> dict[str, Any]:
    client = smart.FHIRClient(settings={"app_id": "clinic", "api_base": address})
    server = client.server
    server.session.headers.update(scene.system)
    patient = Patient.read(str(scene.resident.id), server)
    slots = Slot.where({"schedule": scene.schedule, "_count": "3", "start": "lt2026-03-04"})
    slot, *others = slots.perform_resources_iter(server)
    assert len(others) == 5  # of a second page
    wanted = Appointment(fhir.wanted(scene, slot.as_json()))
    created = wanted.create(server)
    (found,) = Appointment.where({"patient": patient.id, "_include": "Appointment:patient"}).perform_iter(server)
    return {"name": patient.name[0].text, "status": created["status"], "entries": len(found.entry)}


async def test_fhirclient_reads_searches_and_books(address: str, scene: Scene) -> None:
    assert await asyncio.to_thread(_smart, address, scene) == {"name": "Grace", "status": "booked", "entries": 2}


def _begun(address: str, app: Machine) -> tuple[smart.FHIRClient, str]:
    scope = "patient/*.read user/*.* openid profile offline_access"  # what its own default is, and to stay
    client = smart.FHIRClient(
        settings={"app_id": str(app.id), "api_base": address, "redirect_uri": BACK, "scope": scope}
    )
    client.prepare()
    return client, client.authorize_url


def _came_back(client: smart.FHIRClient, url: str) -> list[str]:
    client.handle_callback(url)
    names = [client.patient.name[0].text]
    assert client.reauthorize()
    names += [found.name[0].text for found in Patient.where({}).perform_resources_iter(client.server)]
    return names


async def test_fhirclient_launches_as_an_app_a_resident_agrees_to(address: str, scene: Scene) -> None:
    app = await factory.machine(scene.organization, ["profile:read", "vitals:read"], redirect_uris=[BACK])
    client, url = await asyncio.to_thread(_begun, address, app)
    there, _, query = url.partition("?")
    async with httpx.AsyncClient(base_url=there.removesuffix(factory.AUTHORIZE)) as http:
        browser = factory.Browser(http)
        assert (await browser.open(dict(parse_qsl(query)))).status_code == 200
        assert (await browser.sign_in("+8613800000021")).status_code == 200
        agreed = await browser.post("decision", decision="agree", patient=str(scene.resident.id))
    names = await asyncio.to_thread(_came_back, client, agreed.headers["location"])
    assert names == ["Grace", "Grace"]


def _as_a_system(address: str, assertion: str) -> list[str]:
    client = smart.FHIRClient(
        settings={"app_id": "system", "api_base": address, "scope": "system/Patient.rs", "jwt_token": assertion}
    )
    client.wants_patient = False
    client.prepare()
    client.authorize()
    return [found.name[0].text for found in Patient.where({}).perform_resources_iter(client.server)]


async def test_fhirclient_and_fhirpy_come_in_with_what_they_sign(address: str, scene: Scene) -> None:
    system = await factory.machine(scene.organization, ["profile:read"], key=factory.rsa_key())
    root = address.removesuffix("/fhir/R4")
    assertion = system.assertion(aud=root + factory.TOKEN)
    assert await asyncio.to_thread(_as_a_system, address, assertion) == ["Grace"]
    async with httpx.AsyncClient(base_url=root) as http:
        form = system.form("system/Patient.rs", client_assertion=system.assertion(aud=root + factory.TOKEN))
        token = (await http.post(factory.TOKEN, data=form)).json()["access_token"]
    client = AsyncFHIRClient(address, authorization=f"Bearer {token}")
    assert [one["name"][0]["text"] for one in await client.resources("Patient").fetch_all()] == ["Grace"]
    with pytest.raises(ForbiddenError, match="insufficient_scope"):
        await client.resources("Observation").search(patient=scene.resident.id).fetch()


async def test_fhir_kit_client_finds_where_tokens_are_and_comes_in(address: str, scene: Scene, tmp_path: Path) -> None:
    await asyncio.to_thread(node.packages, CLIENTS)
    system = await factory.machine(scene.organization, ["profile:read"])
    key = tmp_path / "key.pem"
    pem = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    key.write_bytes(system.key.private_bytes(*pem))
    now = str(int(clock.now().timestamp()))
    said = await asyncio.to_thread(
        node.run, node.NODE, "system.mjs", address, str(system.id), str(key), now, cwd=CLIENTS
    )
    assert json.loads(said) == {
        "scope": "system/Patient.rs",
        "patients": ["Grace"],
        "refused": {"status": 403, "type": "OperationOutcome"},
    }


async def test_fhir_kit_client_books_and_calls_off(address: str, scene: Scene) -> None:
    await asyncio.to_thread(node.packages, CLIENTS)
    token = scene.system["Authorization"].removeprefix("Bearer ")
    said = await asyncio.to_thread(
        node.run, node.NODE, "book.mjs", address, token, scene.schedule, str(scene.resident.id), cwd=CLIENTS
    )
    assert json.loads(said) == {
        "fhirVersion": "4.0.1",
        "start": "2026-03-03T02:00:00Z",
        "booked": "booked",
        "conflict": {"status": 409, "type": "OperationOutcome"},
        "cancelled": "cancelled",
    }


async def test_fhir_kit_client_sends_bundles_and_patches(address: str, scene: Scene) -> None:
    await asyncio.to_thread(node.packages, CLIENTS)
    token = scene.system["Authorization"].removeprefix("Bearer ")
    said = await asyncio.to_thread(
        node.run, node.NODE, "bundles.mjs", address, token, scene.schedule, str(scene.resident.id), cwd=CLIENTS
    )
    assert json.loads(said) == {
        "transaction": ["201 Created", "201 Created", "200 OK"],
        "refused": {"status": 409, "expression": ["Bundle.entry[1]"]},
        "batch": ["200 OK", "404 Not Found"],
        "patched": "cancelled",
        "stale": 412,
        "everything": ["Appointment", "Patient"],
    }


async def test_fhir_kit_client_subscribes(address: str, scene: Scene) -> None:
    await asyncio.to_thread(node.packages, CLIENTS)
    token = scene.system["Authorization"].removeprefix("Bearer ")
    body = json.dumps({"resourceType": "Subscription", **_SUBSCRIPTION})
    said = await asyncio.to_thread(node.run, node.NODE, "subscribe.mjs", address, token, body, cwd=CLIENTS)
    assert json.loads(said) == {"made": "active", "found": 1, "changed": "off", "left": 0}
