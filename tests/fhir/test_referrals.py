"""ServiceRequest: a referral requested, found, answered, booked and given up by the clinics' own systems."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from fhirpy import AsyncFHIRClient

from app.core.clock import ManualClock
from app.core.settings import Settings, install_settings
from tests import streams
from tests.factories import sign_in, telemedicine, telemedicine_clinics, telemedicine_referrals
from tests.factories import telemedicine_records as records
from tests.factories.telemedicine import Scene
from tests.factories.telemedicine_referrals import Hospital
from tests.fhir.valid import refused, resources, valid

Json = dict[str, Any]
ROOT = "/fhir/R4"
REQUEST = f"{ROOT}/ServiceRequest"
STATE = "urn:hearthline:referral-state"
SCOPES = ("appointments:manage", "records:read", "records:write")


@dataclass(frozen=True, slots=True)
class Parties:
    """The clinic that asks and the one that is asked, each with its own system."""

    scene: Scene
    hospital: Hospital
    asking: dict[str, str]
    asked: dict[str, str]

    def request(self, **changes: Any) -> Json:
        """Return the referral a system sends."""
        return {
            "resourceType": "ServiceRequest",
            "status": "active",
            "intent": "order",
            "priority": "urgent",
            "code": {"coding": [telemedicine_referrals.HEART["coding"]]},
            "subject": {"reference": f"Patient/{self.scene.resident.id}"},
            "performer": [{"reference": f"Organization/{self.hospital.organization.id}"}],
            "reasonCode": [{"text": "Murmur"}],
            **changes,
        }


@pytest_asyncio.fixture(loop_scope="session")
async def parties(client: httpx.AsyncClient, clock: ManualClock) -> Parties:
    del client, clock
    scene = await telemedicine.scene()
    await telemedicine.consultation(scene)
    await telemedicine_clinics.clinic(scene.place, scene.clinic)
    hospital = await telemedicine_referrals.hospital(scene)
    return Parties(
        scene,
        hospital,
        await sign_in.client_headers(scene.clinic, SCOPES),
        await sign_in.client_headers(hospital.organization, SCOPES),
    )


async def test_a_referral_is_requested_answered_and_booked(client: httpx.AsyncClient, parties: Parties) -> None:
    allergy = await records.health_record(parties.scene.resident, records.ALLERGY)
    sent = parties.request(supportingInfo=[{"reference": f"AllergyIntolerance/{allergy.id}"}])
    made = valid(await client.post(REQUEST, json=sent, headers=parties.asking), 201)
    assert (made["status"], made["priority"], made["authoredOn"]) == ("active", "urgent", "2026-03-02T08:00:00Z")
    assert made["supportingInfo"] == [{"reference": f"AllergyIntolerance/{allergy.id}/_history/1"}]
    assert made["requester"]["reference"] == f"Organization/{parties.scene.clinic.id}"
    address = f"{REQUEST}/{made['id']}"

    seen = valid(await client.get(address, headers=parties.asked))
    accepted = seen | {"extension": [{"url": STATE, "valueCode": "accepted"}]}
    stale = parties.asked | {"If-Match": 'W/"7"'}
    assert refused(await client.put(address, json=accepted, headers=stale), 412)
    fresh = parties.asked | {"If-Match": f'W/"{seen["meta"]["versionId"]}"'}
    answered = valid(await client.put(address, json=accepted, headers=fresh))
    assert (answered["status"], answered["extension"][0]["valueCode"]) == ("active", "accepted")

    booked = {
        "resourceType": "Appointment",
        "status": "booked",
        "start": "2026-03-03T01:00:00Z",
        "basedOn": [{"reference": f"ServiceRequest/{made['id']}"}],
        "participant": [
            {"actor": {"reference": reference}, "status": "accepted"}
            for reference in (
                f"Patient/{parties.scene.resident.id}",
                f"Practitioner/{parties.hospital.practitioner.id}",
                f"HealthcareService/{parties.hospital.service.id}",
            )
        ],
    }
    appointment = valid(await client.post(f"{ROOT}/Appointment", json=booked, headers=parties.asked), 201)
    assert appointment["basedOn"] == booked["basedOn"]
    found = valid(
        await client.get(
            f"{ROOT}/Appointment",
            params={"based-on": f"ServiceRequest/{made['id']}", "_include": "Appointment:based-on"},
            headers=parties.asked,
        )
    )
    assert [one["id"] for one in resources(found)] == [appointment["id"]]
    assert [one["id"] for one in resources(found, "include")] == [made["id"]]

    history = valid(await client.get(f"{address}/_history", headers=parties.asking))
    states = [entry["resource"]["extension"][0]["valueCode"] for entry in history["entry"]]
    assert states == ["booked", "accepted", "requested"]
    first = valid(await client.get(f"{address}/_history/1", headers=parties.asking))
    assert (first["meta"]["versionId"], first["extension"][0]["valueCode"]) == ("1", "requested")
    assert refused(await client.get(f"{address}/_history/9", headers=parties.asking), 404)


async def test_whoever_revokes_declines_or_withdraws(client: httpx.AsyncClient, parties: Parties) -> None:
    first, second = [
        valid(await client.post(REQUEST, json=parties.request(), headers=parties.asking), 201) for _ in range(2)
    ]
    revoked = first | {"status": "revoked"}
    address = f"{REQUEST}/{first['id']}"
    issue = refused(await client.put(address, json=revoked, headers=parties.asked), 422)[0]
    assert issue["expression"] == ["ServiceRequest.note"]
    declined = valid(await client.put(address, json=revoked | {"note": [{"text": "Full"}]}, headers=parties.asked))
    assert (declined["status"], declined["extension"][0]["valueCode"]) == ("revoked", "declined")
    told = valid(await client.get(address, headers=parties.asking))
    assert told["note"] == [{"text": "Full"}]
    path = f"{REQUEST}/{second['id']}"
    withdrawn = valid(await client.put(path, json=second | {"status": "revoked"}, headers=parties.asking))
    assert withdrawn["extension"][0]["valueCode"] == "withdrawn"
    assert "reasonCode" not in valid(await client.get(path, headers=parties.asked))


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({"status": "active"}, 1),
        ({"status": "draft"}, 0),
        ({"priority": "urgent,stat"}, 1),
        ({"priority": "routine"}, 0),
        ({"intent": "order"}, 1),
        ({"intent": "plan"}, 0),
        ({"authored": "ge2026-03-02"}, 1),
        ({"authored": "lt2026-03-02"}, 0),
        ({"_lastUpdated": "ge2026-03-03"}, 0),
        ({"code": "http://snomed.info/sct|394579002"}, 1),
        ({"code": "http://snomed.info/sct|1"}, 0),
    ],
)
async def test_referrals_are_found_by(
    client: httpx.AsyncClient, parties: Parties, query: dict[str, str], count: int
) -> None:
    made = valid(await client.post(REQUEST, json=parties.request(), headers=parties.asking), 201)
    patient = {"patient": f"Patient/{parties.scene.resident.id}"}
    performer = {"performer": f"Organization/{parties.hospital.organization.id}"}
    for who, more in (
        (parties.asked, {}),
        (parties.asking, patient),
        (parties.asking, performer),
        (parties.asking, {"requester": f"Organization/{parties.scene.clinic.id}"}),
        (parties.asking, patient | performer | {"_id": made["id"]}),
    ):
        answer = valid(await client.get(REQUEST, params=query | more, headers=who))
        assert [one["id"] for one in resources(answer)] == [made["id"]] * count
    # Who is asked finds what it is asked, and nobody else finds anything.
    stranger = await sign_in.client_headers(
        (await telemedicine_referrals.hospital(parties.scene, "Other")).organization, SCOPES
    )
    assert resources(valid(await client.get(REQUEST, params=patient, headers=stranger))) == []
    assert refused(await client.get(f"{REQUEST}/{made['id']}", headers=stranger), 404)


async def test_what_would_be_lost_or_cannot_be_is_refused_where_it_is(
    client: httpx.AsyncClient, parties: Parties
) -> None:
    for changes, path in (
        ({"status": "completed"}, "ServiceRequest.status"),
        ({"intent": "plan"}, "ServiceRequest.intent"),
        ({"occurrenceDateTime": "2026-03-05"}, "ServiceRequest.occurrenceDateTime"),
        ({"performer": []}, None),
        ({"performer": [{"reference": "Organization/x"}]}, "ServiceRequest.performer[0]"),
        ({"reasonCode": [{"coding": [{"code": "x"}]}]}, "ServiceRequest.reasonCode"),
        ({"code": {"coding": [{"code": "x"}]}}, "ServiceRequest.code"),
        ({"supportingInfo": [{"reference": "Slot/x"}]}, "ServiceRequest.supportingInfo[0]"),
        ({"basedOn": [{"reference": "ServiceRequest/x"}]}, "ServiceRequest.basedOn"),
    ):
        answer = await client.post(REQUEST, json=parties.request(**changes), headers=parties.asking)
        if path is None:
            assert answer.status_code in (400, 422), answer.text
        else:
            assert [issue["expression"] for issue in refused(answer, 422)] == [[path]]
    assert refused(await client.get(REQUEST, params={"code": "394579002"}, headers=parties.asked), 400)


@pytest_asyncio.fixture(loop_scope="session")
async def address(app: FastAPI, parties: Parties, test_settings: Settings) -> AsyncIterator[str]:
    del parties
    async with streams.served(app) as root:
        http = test_settings.http.model_copy(update={"public_url": root})
        install_settings(test_settings.model_copy(update={"http": http}))
        yield f"{root}/fhir/R4"
        install_settings(test_settings)


async def test_fhirpy_requests_and_answers(address: str, parties: Parties) -> None:
    asking = AsyncFHIRClient(address, authorization=parties.asking["Authorization"])
    request = asking.resource("ServiceRequest", **parties.request())
    await request.save()
    asked = AsyncFHIRClient(address, authorization=parties.asked["Authorization"])
    (found,) = await asked.resources("ServiceRequest").search(status="active").fetch_all()
    assert found.id == request.id
    found["extension"] = [{"url": STATE, "valueCode": "accepted"}]
    await found.save()
    told = await asking.reference("ServiceRequest", request.id).to_resource()
    assert told["extension"][0]["valueCode"] == "accepted"
