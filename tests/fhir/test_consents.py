"""Consents as FHIR has them: given, changed, ended and found; and the trail of who looked."""

from datetime import timedelta
from typing import Any, Final

import httpx
import pytest

from app.core import clock as clocks
from app.core.clock import ManualClock
from tests.factories import fhir, identity, sign_in
from tests.factories.fhir import Scene
from tests.fhir.things import consent
from tests.fhir.valid import link, refused, resources, valid

ROOT: Final = "/fhir/R4"
CONSENT: Final = f"{ROOT}/Consent"
PATCH: Final = {"Content-Type": "application/json-patch+json"}


def wanted(scene: Scene, account_id: object, *scopes: str, **provision: Any) -> dict[str, Any]:
    """Return the Consent that lets a person do something with the resident's things."""
    document = consent({"reference": f"Patient/{scene.resident.id}"}, account_id, *scopes)
    return document | {"provision": document["provision"] | provision}


async def test_a_consent_is_given_changed_and_ended(
    client: httpx.AsyncClient, scene: Scene, clock: ManualClock
) -> None:
    friend = await identity.account(scene.place, name="Walter", phone="+8613800000022")
    own, theirs = await sign_in.sign_in(scene.person), await sign_in.sign_in(friend)
    profile = f"{ROOT}/Patient/{scene.resident.id}"
    refused(await client.get(profile, headers=theirs), 404)
    until = (clock.now() + timedelta(days=30)).isoformat()
    document = wanted(scene, friend.id, "profile:read", "vitals:read", period={"end": until})
    made = valid(await client.post(CONSENT, json=document, headers=own), 201)
    address = f"{CONSENT}/{made['id']}"
    assert made["provision"]["period"] == {"start": "2026-03-02T08:00:00Z", "end": "2026-04-01T08:00:00Z"}
    assert [one["code"] for one in made["provision"]["class"]] == ["profile:read", "vitals:read"]
    assert made["provision"]["actor"][0]["reference"]["display"] == "Walter"
    assert [one["coding"][0]["code"] for one in made["provision"]["action"]] == ["access"]
    valid(await client.get(profile, headers=theirs))
    refused(await client.post(CONSENT, json=document, headers=own), 409)

    less = made | {"provision": made["provision"] | {"class": made["provision"]["class"][1:]}}
    changed = valid(await client.put(address, json=less, headers=own | {"If-Match": 'W/"1"'}))
    assert [one["code"] for one in changed["provision"]["class"]] == ["vitals:read"]
    refused(await client.get(profile, headers=theirs), 403)
    refused(await client.put(address, json=less, headers=own | {"If-Match": 'W/"1"'}), 412)
    end = [{"op": "replace", "path": "/status", "value": "inactive"}]
    ended = valid(await client.patch(address, json=end, headers=own | PATCH))
    assert (ended["status"], ended["provision"]["period"]["end"]) == ("inactive", "2026-03-02T08:00:00Z")
    refused(await client.get(profile, headers=theirs), 404)
    refused(await client.put(address, json=less, headers=own), 409)
    again = valid(await client.post(CONSENT, json=wanted(scene, friend.id, "alarms:read"), headers=own), 201)
    for query, expected in (
        ("", [again["id"], made["id"]]),
        ("status=active", [again["id"]]),
        ("status=inactive", [made["id"]]),
        ("status:not=inactive", [again["id"]]),
        ("status=proposed", []),
        (f"_id={made['id']}", [made["id"]]),
        (f"actor:identifier=urn:hearthline:account|{friend.id}&_count=1", [again["id"]]),
        (f"actor:identifier={scene.person.id}", []),
        (f"actor=Patient/{friend.id}", []),
        ("_lastUpdated=ge2026-03-03", []),
        (f"patient={scene.resident.id}&_lastUpdated=2026-03-02", [again["id"], made["id"]]),
    ):
        found = resources(valid(await client.get(f"{CONSENT}?{query}", headers=own)))
        assert [one["id"] for one in found] == expected, query
    pages = valid(await client.get(f"{CONSENT}?_count=1", headers=own))
    rest = valid(await client.get(link(pages, "next") or "", headers=own))
    assert [one["id"] for one in resources(rest)] == [made["id"]]


@pytest.mark.parametrize(
    ("changes", "provision", "place"),
    [
        ({"status": "proposed"}, {}, "Consent.status"),
        ({"patient": {"reference": "Patient/x"}}, {}, "Consent.patient.reference"),
        ({"scope": {"text": "research"}}, {}, "Consent.scope"),
        ({"dateTime": "2026-03-02"}, {}, "Consent.dateTime"),
        ({"policyRule": {"text": "all"}}, {}, "Consent.policyRule"),
        ({}, {"type": "deny"}, "Consent.provision.type"),
        ({}, {"purpose": [{"system": "x", "code": "y"}]}, "Consent.provision.purpose"),
        ({}, {"actor": []}, "Consent.provision.actor"),
        (
            {},
            {"actor": [{"role": {"text": "x"}, "reference": {"display": "Walter"}}]},
            "Consent.provision.actor[0].reference",
        ),
        ({}, {"class": [{"system": "x", "code": "vitals:read"}]}, "Consent.provision.class[0]"),
        ({}, {"class": [{"system": "urn:hearthline:scope", "code": "everything"}]}, "Consent.provision.class"),
        ({}, {"class": [{"system": "urn:hearthline:scope", "code": "grants:manage"}]}, "Consent.provision.class"),
        ({}, {"action": [{"text": "x"}]}, "Consent.provision.action"),
        ({}, {"period": {"end": "2026-03-01T00:00:00Z"}}, "Consent.provision.period.end"),
        ({}, {"period": {"end": "2026-03-05"}}, "Consent.provision.period.end"),
        ({"provision": {}}, None, "Consent.provision.actor"),
    ],
)
async def test_what_is_not_kept_of_a_consent_is_refused_by_its_place(
    client: httpx.AsyncClient, scene: Scene, *, changes: dict[str, Any], provision: dict[str, Any] | None, place: str
) -> None:
    friend = await identity.account(scene.place, name="Walter", phone="+8613800000022")
    document = wanted(scene, friend.id, "vitals:read", **(provision or {})) | changes
    answer = await client.post(CONSENT, json=document, headers=await sign_in.sign_in(scene.person))
    assert refused(answer, answer.status_code)[0]["expression"] == [place]
    assert not resources(valid(await client.get(CONSENT, headers=await sign_in.sign_in(scene.person))))


async def test_the_trail_tells_who_looked_at_what(client: httpx.AsyncClient, scene: Scene, clock: ManualClock) -> None:
    booked = await fhir.book(client, scene)
    clock.advance(timedelta(hours=1))
    doctor = await identity.staff(scene.organization, "clinician", name="Edith")
    theirs, own = await sign_in.sign_in(doctor), await sign_in.sign_in(scene.person)
    valid(await client.get(f"{ROOT}/Patient/{scene.resident.id}", headers=theirs))
    later = clocks.now().isoformat().replace("+00:00", "Z")
    everything = resources(valid(await client.get(f"{ROOT}/AuditEvent", headers=own)))
    newest = everything[0]
    assert newest["recorded"] == later
    assert (newest["action"], newest["subtype"][0]["code"]) == ("R", "profile:read")
    assert [agent["who"]["display"] for agent in newest["agent"]] == ["Edith", "Lake Clinic"]
    assert newest["entity"][0]["what"] == {"reference": f"Patient/{scene.resident.id}"}
    (made,) = [one for one in everything if one["subtype"][0]["code"] == "appointment:booked"]
    assert made["entity"][1]["what"] == {"reference": f"Appointment/{booked['id']}"}
    assert made["agent"][0]["who"]["type"] == "Device"
    ids, earlier = [one["id"] for one in everything], [one["id"] for one in everything if one is not newest]
    client_id = made["agent"][0]["who"]["identifier"]["value"]
    for query, expected in (
        (f"patient={scene.resident.id}", ids),
        ("action=R", [one["id"] for one in everything if one["action"] == "R"]),
        ("action:not=R", [one["id"] for one in everything if one["action"] == "U"]),
        ("action=D", []),
        ("type=rest&subtype=profile:read", [newest["id"]]),
        ("type=dicom", []),
        (f"date=ge{later}", [newest["id"]]),
        (f"_lastUpdated=lt{later}", earlier),
        (f"agent:identifier=urn:hearthline:account|{doctor.id}", [newest["id"]]),
        (f"agent:identifier=urn:hearthline:client|{client_id}", earlier),
        (f"agent=Practitioner/{doctor.id}", []),
        (f"entity=Appointment/{booked['id']}&subtype=appointment:booked", [made["id"]]),
        (f"entity=Patient/{scene.resident.id}", ids),
        (f"entity=Patient/{doctor.id}", []),
        ("entity=http://example.org/fhir/Patient/1", []),
        (f"_id={newest['id']}", [newest["id"]]),
        ("_id=x", []),
    ):
        found = resources(valid(await client.get(f"{ROOT}/AuditEvent?{query}", headers=own)))
        assert [one["id"] for one in found] == expected, query
    paged: list[str] = []
    address: str | None = f"{ROOT}/AuditEvent?_count=2"
    while address:
        bundle = valid(await client.get(address, headers=own))
        paged += [one["id"] for one in resources(bundle)]
        address = link(bundle, "next")
    assert paged == ids
    assert valid(await client.get(f"{ROOT}/AuditEvent/{newest['id']}", headers=own)) == newest
    refused(await client.get(f"{ROOT}/AuditEvent/{newest['id']}", headers=theirs), 403)
