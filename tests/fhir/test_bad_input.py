"""Whatever is sent, the answer is an OperationOutcome that says what is wrong, and nothing is done by halves."""

import base64
import json
import uuid
from datetime import datetime
from typing import Any

import httpx
import pytest

from app.fhir.keys import ScheduleKey, SlotKey, slot_id
from app.fhir.patches import patched
from app.fhir.problems import NotProcessable
from tests.factories import fhir, sign_in
from tests.factories.fhir import Scene
from tests.fhir.valid import refused, resources, valid

ROOT = "/fhir/R4"


def slot_at(text: str) -> str:
    """Return the id of a slot of nobody's at an instant."""
    return slot_id(SlotKey(ScheduleKey(uuid.UUID(int=0), uuid.UUID(int=0)), datetime.fromisoformat(text)))


NESTED: dict[str, Any] = {"url": "x", "valueString": "x"}
for _ in range(400):
    NESTED = {"url": "x", "extension": [NESTED]}
TYPE = {"Content-Type": "application/fhir+json"}


@pytest.mark.parametrize(
    ("method", "path", "headers", "status", "code"),
    [
        ("GET", "Medication", {}, 404, "not-found"),
        ("GET", "", {}, 405, "not-supported"),
        ("GET", "Patient/x", {}, 404, "not-found"),
        ("GET", "Slot/x", {}, 404, "not-found"),
        ("GET", f"Slot/{'A' * 54}", {}, 404, "not-found"),
        ("GET", f"Appointment/{'A' * 62}", {}, 404, "not-found"),
        ("GET", f"Appointment/{'.' * 62}", {}, 404, "not-found"),
        ("GET", f"Slot/{slot_at('0001-01-01T00:00:00+00:00')}", {}, 404, "not-found"),
        ("GET", f"Slot/{slot_at('9999-12-31T23:59:00+00:00')}", {}, 404, "not-found"),
        ("GET", f"Slot/{slot_at('1900-01-01T00:00:00+00:00')}", {}, 404, "not-found"),
        ("GET", f"Slot/{slot_at('8999-01-01T00:00:00+00:00')}", {}, 404, "not-found"),
        ("GET", "Schedule/%00", {}, 400, "invalid"),
        ("DELETE", "Patient/x", {}, 405, "not-supported"),
        ("PATCH", "Appointment/x", {}, 415, "not-supported"),
        ("PATCH", "Appointment/x", TYPE, 415, "not-supported"),
        ("PATCH", "Patient/x", TYPE, 405, "not-supported"),
        ("GET", "Patient", {"Accept": "application/fhir+xml"}, 406, "not-supported"),
        ("GET", "Patient", {"Accept": "application/fhir+json; fhirVersion=5.0"}, 406, "not-supported"),
        ("GET", "Patient?_format=xml", {}, 406, "not-supported"),
        ("GET", "Patient", {"Authorization": "Bearer x"}, 401, "login"),
        ("POST", "Appointment", {"Content-Type": "application/fhir+xml"}, 415, "not-supported"),
        ("POST", "Appointment", TYPE, 400, "structure"),
        ("POST", "Appointment/$book", TYPE, 400, "structure"),
    ],
)
async def test_refusals_are_outcomes(
    client: httpx.AsyncClient, scene: Scene, *, method: str, path: str, headers: dict[str, str], status: int, code: str
) -> None:
    answer = await client.request(method, f"{ROOT}/{path}", headers=scene.system | headers)
    assert refused(answer, status)[0]["code"] == code


@pytest.mark.parametrize("accepted", ["*/*", "application/json", "text/html, application/fhir+json;fhirVersion=4.0"])
async def test_json_is_answered_to_who_takes_it(client: httpx.AsyncClient, scene: Scene, accepted: str) -> None:
    for path in ("Patient", "Patient?_format=json", "Patient?_format=application/fhir%2Bjson"):
        valid(await client.get(f"{ROOT}/{path}", headers=scene.system | {"Accept": accepted}))


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"null", b"{", b'{"resourceType":"Appointment"', b"[" * 100_000, b'{"a":' * 5_000, b"\xff"]
)
async def test_what_is_no_json_is_refused(client: httpx.AsyncClient, scene: Scene, body: bytes) -> None:
    answer = await client.post(f"{ROOT}/Appointment", content=body, headers=scene.system | TYPE)
    assert refused(answer, 400)[0]["code"] == "structure"


@pytest.mark.parametrize(
    "changes",
    [
        {"participant": []},
        {"participant": None},
        {"participant": [{"actor": {"reference": 7}, "status": "accepted"}]},
        {"participant": [{"actor": {"reference": {}}, "status": "accepted"}]},
        {"slot": {"reference": "Slot/x"}},
        {"slot": [None]},
        {"start": 5},
        {"start": "2026-03-03"},
        {"start": "0001-01-01T00:00:00+14:00", "slot": []},
        {"start": "2026-02-30T00:00:00Z"},
        {"start": "2026-03-03T01:00:60Z"},
        {"start": "0001-01-01T00:00:00+14:00"},
        {"end": "9999-12-31T23:59:59-12:00"},
        {"status": None},
        {"status": 1},
        {"status": ["booked"]},
        {"cancelationReason": "rain"},
        {"extension": [{"url": "x"}]},
        {"meta": {"versionId": 3, "lastUpdated": "x"}},
        {"id": "a b"},
        {"extension": [NESTED]},
        {"serviceType": [{"coding": [{"system": "x", "code": " "}]}]},
        {"_start": {"extension": [{"url": "x", "valueString": "x"}]}, "start": None},
    ],
)
async def test_odd_appointments_are_refused_with_a_place(
    client: httpx.AsyncClient, scene: Scene, changes: dict[str, Any]
) -> None:
    (slot, *_) = await fhir.slots(client, scene, schedule=scene.schedule, _count=1)
    answer = await client.post(f"{ROOT}/Appointment", json=fhir.wanted(scene, slot, **changes), headers=scene.system)
    assert answer.status_code in (201, 400, 409, 422), answer.text
    if answer.status_code != 201:
        assert all(issue.get("expression") for issue in refused(answer, answer.status_code)), answer.text


async def test_patches_that_grow_without_end_are_refused(client: httpx.AsyncClient, scene: Scene) -> None:
    address, kind = f"{ROOT}/Appointment/x", {"Content-Type": "application/json-patch+json"}
    doubled = [{"op": "add", "path": "/x", "value": ["x" * 1000]}] + [{"op": "copy", "from": "/x", "path": "/x/-"}] * 99
    with pytest.raises(NotProcessable) as refusal:
        patched({"resourceType": "Appointment"}, doubled)
    assert "copies" in refusal.value.errors[0].detail
    deep: Any = 1
    for _ in range(900):
        deep = [deep]
    for operation in ({"op": "add", "path": "/x", "value": deep}, {"op": "test", "path": "/status", "value": deep}):
        answer = await client.patch(address, content=json.dumps([operation]), headers=scene.system | kind)
        assert "deep" in refused(answer, 400)[0]["diagnostics"]


async def test_what_no_text_can_hold_is_refused_wherever_it_comes(client: httpx.AsyncClient, scene: Scene) -> None:
    answer = await client.post(f"{ROOT}/Patient/_search", data={"name": "a\0"}, headers=scene.system)
    assert refused(answer, 400)[0]["location"] == ["http.name"]
    data = base64.b64encode(b'[{"op": "add", "path": "/comment", "value": "\\u0000"}]').decode()
    patch = {"resourceType": "Binary", "contentType": "application/json-patch+json", "data": data}
    requests = ({"method": "PATCH", "url": "Appointment/x"}, {"method": "GET", "url": "Patient?name=a%00"})
    entry: list[dict[str, Any]] = [{"request": requests[0], "resource": patch}, {"request": requests[1]}]
    bundle = {"resourceType": "Bundle", "type": "batch", "entry": entry}
    answered = valid(await client.post(ROOT, json=bundle, headers=scene.system))
    assert [one["response"]["status"] for one in answered["entry"]] == ["400 Bad Request"] * 2


async def test_five_megabytes_are_too_much(client: httpx.AsyncClient, scene: Scene) -> None:
    body = fhir.wanted(scene, {"id": "x"}, comment="x" * 5_000_000)
    answer = await client.post(f"{ROOT}/Appointment", json=body, headers=scene.system)
    assert refused(answer, 413)[0]["code"] == "too-long"


async def test_preferences_and_versions(client: httpx.AsyncClient, scene: Scene) -> None:
    (slot, *_) = await fhir.slots(client, scene, schedule=scene.schedule, _count=1)
    key = {"Prefer": "return=minimal", "Idempotency-Key": "once"}
    made = await client.post(f"{ROOT}/Appointment", json=fhir.wanted(scene, slot), headers=scene.system | key)
    assert (made.status_code, made.content) == (201, b"")
    again = await client.post(f"{ROOT}/Appointment", json=fhir.wanted(scene, slot), headers=scene.system | key)
    assert again.headers["location"] == made.headers["location"]
    (one,) = resources(valid(await client.get(f"{ROOT}/Appointment", headers=scene.system)))
    address = f"{ROOT}/Appointment/{one['id']}"
    known = {"If-None-Match": made.headers["etag"]}
    assert (await client.get(address, headers=scene.system | known)).status_code == 304
    said = await client.put(address, json=one, headers=scene.system | {"Prefer": "return=OperationOutcome"})
    assert valid(said)["resourceType"] == "OperationOutcome"
    wrong = await client.put(f"{ROOT}/Appointment/{scene.resident.id}", json=one, headers=scene.system)
    assert refused(wrong, 422)[0]["expression"] == ["Appointment.id"]


async def test_a_paired_phone_speaks_no_fhir(client: httpx.AsyncClient, scene: Scene) -> None:
    phone = await sign_in.device_headers(scene.resident)
    assert refused(await client.get(f"{ROOT}/Patient", headers=phone), 403)[0]["code"] == "forbidden"


async def test_a_clinics_system_does_what_its_scopes_say(client: httpx.AsyncClient, scene: Scene) -> None:
    reader = await sign_in.client_headers(scene.organization, ["profile:read"])
    assert resources(valid(await client.get(f"{ROOT}/Patient", headers=reader)))
    assert not resources(valid(await client.get(f"{ROOT}/Appointment", headers=reader)))
    (slot, *_) = await fhir.slots(client, scene, schedule=scene.schedule, _count=1)
    asked = await client.post(f"{ROOT}/Appointment", json=fhir.wanted(scene, slot), headers=reader)
    assert refused(asked, 403)[0]["code"] == "forbidden"
    of_one = f"{ROOT}/Observation?patient={scene.resident.id}"
    refused(await client.get(of_one, headers=reader), 403)
