"""Public FHIR clients, as anybody installs them, against the real server."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from fastapi import FastAPI
from fhirclient import client as smart
from fhirclient.models.appointment import Appointment
from fhirclient.models.patient import Patient
from fhirclient.models.slot import Slot
from fhirpy import AsyncFHIRClient
from fhirpy.base.exceptions import OperationOutcome

from app.core.settings import Settings, install_settings
from tests import node, streams
from tests.factories import fhir
from tests.factories.fhir import Scene

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


async def test_fhir_kit_client_subscribes(address: str, scene: Scene) -> None:
    await asyncio.to_thread(node.packages, CLIENTS)
    token = scene.system["Authorization"].removeprefix("Bearer ")
    body = json.dumps({"resourceType": "Subscription", **_SUBSCRIPTION})
    said = await asyncio.to_thread(node.run, node.NODE, "subscribe.mjs", address, token, body, cwd=CLIENTS)
    assert json.loads(said) == {"made": "active", "found": 1, "changed": "off", "left": 0}
