"""Prescriptions, regimens and doses in FHIR: written by clinicians, read by clinics' systems and public clients."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from fhirclient import client as smart
from fhirclient.models.medicationadministration import MedicationAdministration
from fhirclient.models.medicationrequest import MedicationRequest
from fhirclient.models.medicationstatement import MedicationStatement
from fhirpy import AsyncFHIRClient

from app.core.clock import ManualClock
from app.core.settings import Settings, install_settings
from app.fhir.elements import UCUM
from tests import streams
from tests.factories import eldercare_medication as made
from tests.factories import eldercare_regimen_proposals as proposals
from tests.factories import identity, sign_in, telemedicine, telemedicine_clinics, telemedicine_prescriptions
from tests.factories.telemedicine import Scene
from tests.fhir.valid import Json, refused, resources, valid

ROOT = "/fhir/R4"
ATC = "http://www.whocc.no/atc"


@dataclass
class Clinic:
    """A clinic that treats a resident: its clinician, and its system."""

    client: httpx.AsyncClient
    scene: Scene
    practitioner: str
    clinician: dict[str, str]
    system: dict[str, str]
    resident: dict[str, str] = field(default_factory=dict)

    def wanted(self, **changes: Any) -> Json:
        return {
            "resourceType": "MedicationRequest",
            "status": "draft",
            "intent": "order",
            "medicationCodeableConcept": {
                "coding": [{"system": ATC, "code": "C09AA05", "display": "ramipril"}],
                "text": "Ramipril 5 mg",
            },
            "subject": {"reference": f"Patient/{self.scene.resident.id}"},
            "requester": {"reference": f"Practitioner/{self.practitioner}"},
            "reasonCode": [{"text": "High blood pressure"}],
            "dosageInstruction": [
                {
                    "text": "1 tablet in the morning and in the evening",
                    "timing": {
                        "repeat": {
                            "boundsPeriod": {"start": "2026-03-03"},
                            "frequency": 2,
                            "period": 1,
                            "periodUnit": "d",
                            "timeOfDay": ["08:00:00", "20:00:00"],
                        }
                    },
                    "doseAndRate": [
                        {"doseQuantity": {"value": 1, "unit": "tablet", "system": UCUM, "code": "{tablet}"}}
                    ],
                }
            ],
            "dispenseRequest": {
                "validityPeriod": {"end": "2026-09-01"},
                "numberOfRepeatsAllowed": 2,
                "quantity": {"value": 56, "unit": "tablet", "system": UCUM, "code": "{tablet}"},
                "expectedSupplyDuration": {"value": 28, "unit": "days", "system": UCUM, "code": "d"},
            },
            **changes,
        }

    async def post(self, document: Json, who: dict[str, str] | None = None) -> httpx.Response:
        return await self.client.post(f"{ROOT}/MedicationRequest", json=document, headers=who or self.clinician)

    async def put(self, document: Json, version: str | None = None) -> httpx.Response:
        headers = self.clinician | {"If-Match": f'W/"{version or document["meta"]["versionId"]}"'}
        address = f"{ROOT}/MedicationRequest/{document['id']}"
        return await self.client.put(address, json=document, headers=headers)

    async def found(self, kind: str, who: dict[str, str] | None = None, **query: Any) -> list[str]:
        query = {"patient": str(self.scene.resident.id)} | {name.replace("__", "-"): of for name, of in query.items()}
        answer = await self.client.get(f"{ROOT}/{kind}", params=query, headers=who or self.system)
        return [one["id"] for one in resources(valid(answer))]


@pytest_asyncio.fixture(loop_scope="session")
async def clinic(client: httpx.AsyncClient, clock: ManualClock) -> AsyncIterator[Clinic]:
    scene = await telemedicine.scene()
    await telemedicine.consultation(scene)
    practice = await telemedicine_clinics.clinic(scene.place, scene.clinic)
    person = await telemedicine_clinics.practitioner(practice, scene.clinician)
    yield Clinic(
        client,
        scene,
        str(person.id),
        await sign_in.sign_in(scene.clinician, second_factor=True),
        await sign_in.client_headers(scene.clinic, ["records:read", "medication:read", "profile:read"]),
        await sign_in.sign_in(scene.account),
    )


async def test_a_prescription_is_drafted_changed_signed_and_stopped(clinic: Clinic) -> None:
    drafted = valid(await clinic.post(clinic.wanted()), 201)
    for name in ("medicationCodeableConcept", "reasonCode", "subject", "intent"):
        assert drafted[name] == clinic.wanted()[name]
    assert drafted["dosageInstruction"][0]["timing"] == clinic.wanted()["dosageInstruction"][0]["timing"]
    assert (
        drafted["dispenseRequest"]["expectedSupplyDuration"]
        == clinic.wanted()["dispenseRequest"]["expectedSupplyDuration"]
    )
    assert await clinic.found("MedicationRequest", clinic.resident) == []

    changed = valid(await clinic.put(drafted | {"priority": "urgent"}))
    assert (changed["priority"], changed["meta"]["versionId"]) == ("urgent", "2")
    assert refused(await clinic.put(drafted | {"priority": "stat"}), 412)
    both = await clinic.put(changed | {"status": "active", "priority": "routine"})
    assert refused(both, 422)[0]["expression"] == ["MedicationRequest"]
    signed = valid(await clinic.put(changed | {"status": "active"}))
    assert (signed["status"], signed["requester"]["reference"]) == ("active", f"Practitioner/{clinic.practitioner}")
    assert await clinic.found("MedicationRequest", clinic.resident) == [signed["id"]]

    assert refused(await clinic.put(signed | {"status": "stopped"}), 422)[0]["expression"] == [
        "MedicationRequest.statusReason.text"
    ]
    assert refused(await clinic.put(signed | {"status": "completed"}), 422)[0]["expression"] == [
        "MedicationRequest.status"
    ]
    stopped = valid(await clinic.put(signed | {"status": "stopped", "statusReason": {"text": "A cough"}}))
    assert (stopped["status"], stopped["statusReason"]) == ("stopped", {"text": "A cough"})


@pytest.mark.parametrize(
    ("changes", "expression"),
    [
        ({"status": "active"}, "MedicationRequest.status"),
        ({"intent": "plan"}, "MedicationRequest.intent"),
        ({"doNotPerform": True}, "MedicationRequest.doNotPerform"),
        ({"authoredOn": "2020-01-01"}, "MedicationRequest.authoredOn"),
        ({"requester": {"reference": "Practitioner/somebody"}}, "MedicationRequest.requester"),
        (
            {"dosageInstruction": [{"timing": {"repeat": {"frequency": 1}}}]},
            "MedicationRequest.dosageInstruction[0].text",
        ),
        (
            {"dosageInstruction": [{"text": "At night", "timing": {"repeat": {"when": ["HS"]}}}]},
            "MedicationRequest.dosageInstruction[0].timing.repeat.when",
        ),
        (
            {"dosageInstruction": [{"text": "Rarely", "timing": {"repeat": {"period": 1.5, "periodUnit": "mo"}}}]},
            "MedicationRequest.dosageInstruction[0].timing.repeat",
        ),
        (
            {"dosageInstruction": [{"text": "Every 8 hours", "timing": {"repeat": {"frequency": 1, "period": 8}}}]},
            "MedicationRequest.dosageInstruction[0].timing.repeat.periodUnit",
        ),
        (
            {"dosageInstruction": [{"text": "3 a week", "timing": {"repeat": {"frequency": 3}}}]},
            "MedicationRequest.dosageInstruction[0].timing.repeat.period",
        ),
        (
            {"dispenseRequest": {"validityPeriod": {"end": "2026"}}},
            "MedicationRequest.dispenseRequest.validityPeriod.end",
        ),
        (
            {"dispenseRequest": {"numberOfRepeatsAllowed": 99}},
            "MedicationRequest.dispenseRequest.numberOfRepeatsAllowed",
        ),
        (
            {"dispenseRequest": {"quantity": {"value": 1, "system": UCUM, "code": "a tablet"}}},
            "MedicationRequest.dispenseRequest.quantity.code",
        ),
        ({"note": [{"text": "One"}, {"text": "Two"}]}, "MedicationRequest.note[1]"),
        ({"note": [{"text": "One", "time": "2026-03-01"}]}, "MedicationRequest.note[0].time"),
        (
            {"note": [{"_text": {"extension": [{"url": "urn:x", "valueString": "x"}]}}]},
            "MedicationRequest.note[0]._text",
        ),
        (
            {"dosageInstruction": [{"text": "Once", "timing": {"repeat": {"timeOfDay": ["08:00:30"]}}}]},
            "MedicationRequest.dosageInstruction[0].timing.repeat.timeOfDay",
        ),
        ({"encounter": {"reference": "Encounter/nowhere"}}, "MedicationRequest.encounter.reference"),
    ],
)
async def test_what_cannot_be_kept_is_refused_by_its_path(clinic: Clinic, changes: Json, expression: str) -> None:
    assert refused(await clinic.post(clinic.wanted(**changes)), 422)[0]["expression"] == [expression]


async def test_every_code_of_a_medication_is_kept_and_sent_back_as_it_is_read(clinic: Clinic) -> None:
    codes = [{"system": ATC, "code": "C09AA05"}, {"system": "http://snomed.info/sct", "code": "386872004"}]
    drafted = valid(
        await clinic.post(clinic.wanted(medicationCodeableConcept={"coding": codes, "text": "Ramipril"})), 201
    )
    assert drafted["medicationCodeableConcept"]["coding"] == codes
    again = valid(await clinic.put(drafted))
    assert {**again, "meta": None} == {**drafted, "meta": None}


async def test_hours_become_times_a_day_and_machines_do_not_prescribe(clinic: Clinic) -> None:
    every_eight = {"text": "Every 8 hours", "timing": {"repeat": {"frequency": 1, "period": 8, "periodUnit": "h"}}}
    drafted = valid(await clinic.post(clinic.wanted(dosageInstruction=[every_eight])), 201)
    repeat = drafted["dosageInstruction"][0]["timing"]["repeat"]
    assert (repeat["frequency"], repeat["period"], repeat["periodUnit"]) == (3, 1, "d")
    machine = await sign_in.client_headers(clinic.scene.clinic, ["records:read", "records:write"])
    assert refused(await clinic.post(clinic.wanted(), machine), 403)
    assert refused(await clinic.post(clinic.wanted(), clinic.resident), 403)


async def test_prescriptions_are_found_by_what_is_known_of_them(clinic: Clinic, clock: ManualClock) -> None:
    visits = (await clinic.client.get("/v1/me/consultations", headers=clinic.resident)).json()["items"]
    encounter = {"reference": f"Encounter/{visits[0]['id']}"}
    first = valid(await clinic.post(clinic.wanted(encounter=encounter)), 201)
    clock.advance(timedelta(minutes=1))
    signed = valid(await clinic.put(first | {"status": "active"}))
    clock.advance(timedelta(minutes=1))
    other = valid(await clinic.post(clinic.wanted(medicationCodeableConcept={"text": "Camomile"})), 201)
    both = [other["id"], signed["id"]]
    system = clinic.clinician
    for query, expected in (
        ({}, both),
        ({"status": "draft"}, both[:1]),
        ({"status": "active,draft"}, both),
        ({"intent": "order"}, both),
        ({"intent": "plan"}, []),
        ({"code": f"{ATC}|C09AA05"}, both[1:]),
        ({"code": f"{ATC}|C09AA04"}, []),
        ({"code": "C09AA05"}, both[1:]),
        ({"code": "urn:oid:1.2.3|C09AA05"}, []),
        ({"requester": f"Practitioner/{clinic.practitioner}"}, both),
        ({"requester": f"Practitioner/{signed['id']}"}, []),
        ({"encounter": encounter["reference"]}, both[1:]),
        ({"authoredon": f"ge{other['authoredOn']}"}, both[:1]),
        ({"authoredon": f"lt{other['authoredOn']}"}, both[1:]),
        ({"_lastUpdated": f"ge{other['meta']['lastUpdated']}"}, both[:1]),
        ({"_id": f"{signed['id']},{clinic.scene.resident.id}"}, both[1:]),
        ({"_id": signed["id"], "status": "draft"}, []),
    ):
        assert await clinic.found("MedicationRequest", system, **query) == expected, query
    bare = await clinic.client.get(f"{ROOT}/MedicationRequest", params={"_id": signed["id"]}, headers=clinic.system)
    assert [one["id"] for one in resources(valid(bare))] == [signed["id"]]
    code = await clinic.client.get(
        f"{ROOT}/MedicationRequest",
        params={"patient": str(clinic.scene.resident.id), "code": f"{ATC}|"},
        headers=system,
    )
    assert refused(code, 400)
    paged = await clinic.client.get(
        f"{ROOT}/MedicationRequest", params={"patient": str(clinic.scene.resident.id), "_count": 1}, headers=system
    )
    assert [link["relation"] for link in valid(paged)["link"]] == ["self", "next"]


async def test_what_is_taken_and_what_came_of_it_refers_to_the_prescription(clinic: Clinic, clock: ManualClock) -> None:
    resident = clinic.scene.resident
    written = await telemedicine_prescriptions.prescription(resident, clinic.scene.clinic, clinic.scene.clinician)
    proposal = await proposals.proposal(written)
    plan = {
        "quantity": 1,
        "unit": "{tablet}",
        "timing": "times",
        "times": ["11:00", "20:00"],
        "starts_on": "2026-03-02",
    }
    path = f"/v1/me/regimen-proposals/{proposal.id}/confirmation"
    confirmed = await clinic.client.post(path, json=plan, headers=clinic.resident)
    assert confirmed.status_code == 200, confirmed.text
    own = await made.regimen(resident)
    request = f"MedicationRequest/{written.id}"

    (statement,) = [
        one
        for one in resources(
            valid(
                await clinic.client.get(
                    f"{ROOT}/MedicationStatement", params={"patient": str(resident.id)}, headers=clinic.system
                )
            )
        )
        if "basedOn" in one
    ]
    assert statement["basedOn"] == [{"reference": request}]
    assert statement["informationSource"] == {"reference": f"Patient/{resident.id}"}
    assert statement["dosage"][0]["text"] == "1 capsule every 8 hours for 7 days"
    assert statement["dosage"][0]["timing"]["repeat"]["timeOfDay"] == ["11:00:00", "20:00:00"]
    both = await clinic.found("MedicationStatement")
    assert set(both) == {statement["id"], str(own.id)}
    found: list[tuple[dict[str, Any], list[str]]] = [
        ({"status": "active"}, both),
        ({"status": "stopped,completed"}, []),
        ({"effective": "lt2026-03-02"}, [str(own.id)]),
        ({"effective": "2026-03-05"}, both),
        ({"_id": str(own.id)}, [str(own.id)]),
        ({"code": f"{ATC}|J01CA04"}, []),
    ]
    for query, expected in found:
        assert await clinic.found("MedicationStatement", **query) == expected, query

    doses = [row for row in await made.doses(resident) if row.regimen_id != own.id]
    await made.record(resident, doses[0].id)
    clock.set(doses[1].due_at)
    clinic.resident = await sign_in.sign_in(clinic.scene.account)
    await made.record(resident, doses[1].id, "skipped", skip_reason="unwell")
    skipped, taken = resources(
        valid(
            await clinic.client.get(
                f"{ROOT}/MedicationAdministration",
                params={"request": request, "_include": "MedicationAdministration:request"},
                headers=clinic.resident,
            )
        )
    )
    assert (taken["status"], skipped["status"]) == ("completed", "not-done")
    assert skipped["statusReason"] == [
        {"coding": [{"system": "urn:hearthline:dose-reason", "code": "unwell"}], "text": "Unwell"}
    ]
    assert taken["request"] == {"reference": request}
    assert taken["performer"] == [{"actor": {"reference": f"Patient/{resident.id}"}}]
    headers = clinic.resident
    for query, expected in (
        ({"status": "completed"}, [taken["id"]]),
        ({"status": "unknown"}, []),
        ({"effective__time": f"lt{skipped['effectiveDateTime']}"}, [taken["id"]]),
        ({"effective__time": f"ge{skipped['effectiveDateTime']}"}, [skipped["id"]]),
        ({"context": "Encounter/1"}, []),
        ({"_lastUpdated": f"ge{skipped['meta']['lastUpdated']}"}, [skipped["id"]]),
        ({"_id": taken["id"]}, [taken["id"]]),
    ):
        assert await clinic.found("MedicationAdministration", headers, **query) == expected, query


async def test_who_may_not_see_it_is_shown_nothing(clinic: Clinic) -> None:
    resident = clinic.scene.resident
    written = await telemedicine_prescriptions.prescription(resident, clinic.scene.clinic, clinic.scene.clinician)
    own = await made.regimen(resident)
    stranger = await identity.organization(clinic.scene.place, "clinic", name="Elsewhere")
    system = await sign_in.client_headers(stranger, ["records:read", "medication:read"])
    for kind, key in (("MedicationRequest", written.id), ("MedicationStatement", own.id)):
        assert refused(await clinic.client.get(f"{ROOT}/{kind}/{key}", headers=system), 404)
        assert resources(valid(await clinic.client.get(f"{ROOT}/{kind}?_id={key}", headers=system))) == []


async def test_public_clients_read_them(app: FastAPI, test_settings: Settings, clinic: Clinic) -> None:
    resident = clinic.scene.resident
    await telemedicine_prescriptions.prescription(resident, clinic.scene.clinic, clinic.scene.clinician)
    regimen = await made.regimen(resident, body=made.AS_NEEDED)
    await made.take(resident, regimen.id)
    async with streams.served(app) as root:
        http = test_settings.http.model_copy(update={"public_url": root})
        install_settings(test_settings.model_copy(update={"http": http}))
        try:
            client = AsyncFHIRClient(f"{root}{ROOT}", authorization=clinic.system["Authorization"])
            for kind in ("MedicationRequest", "MedicationStatement", "MedicationAdministration"):
                (found,) = await client.resources(kind).search(patient=resident.id).fetch_all()
                assert found["subject"]["reference"] == f"Patient/{resident.id}"
            names = await asyncio.to_thread(_by_fhirclient, f"{root}{ROOT}", clinic.system, str(resident.id))
        finally:
            install_settings(test_settings)
    assert names == ["Amoxicillin 500 mg, the Wisteria brand", "Paracetamol", "Paracetamol"]


def _by_fhirclient(address: str, headers: dict[str, str], patient: str) -> list[str]:
    server = smart.FHIRClient(settings={"app_id": "clinic", "api_base": address}).server
    server.session.headers.update(headers)
    return [
        next(iter(kind.where({"patient": patient}).perform_resources_iter(server))).medicationCodeableConcept.text
        for kind in (MedicationRequest, MedicationStatement, MedicationAdministration)
    ]
