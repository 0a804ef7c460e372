"""Setting up a clinic over HTTP, and who may."""

import asyncio
from typing import Any

import httpx
import pytest

from app.core.clock import ManualClock
from tests.factories import identity, sign_in
from tests.factories import telemedicine_clinics as clinics
from tests.telemedicine.clinics.conftest import Scene
from tests.telemedicine.clinics.test_slots import at, slots_of

NAME = {"en": "First visit", "zh-CN": "初诊"}
VISIT_TYPE: dict[str, Any] = {
    "name": NAME,
    "mode": "video",
    "duration": "PT20M",
    "price": {"amount": 5000, "currency": "CNY"},
}
PRACTITIONER: dict[str, Any] = {
    "name": "Dr Wu",
    "licence_number": "L-2",
    "licence_valid_until": "2030-12-31",
    "languages": ["zh-CN"],
}


async def test_a_clinic_is_set_up_from_nothing_and_found(client: httpx.AsyncClient, clock: ManualClock) -> None:
    place = await identity.community()
    organization = await identity.organization(place, "clinic", name="Lake Clinic")
    doctor = await identity.staff(organization, "clinician", name="Dr Wu")
    keeper = await sign_in.sign_in(await identity.staff(organization, "coordinator"), second_factor=True)
    resident = await sign_in.sign_in_resident(await identity.resident(place))
    path = f"/v1/clinics/{organization.id}"

    async def send(method: str, tail: str, data: dict[str, Any], status: int = 201) -> dict[str, Any]:
        answer = await client.request(method, path + tail, json=data, headers=keeper)
        assert answer.status_code == status, answer.text
        told: dict[str, Any] = answer.json()
        return told

    assert (await client.post(f"{path}/departments", json={"name": NAME}, headers=keeper)).status_code == 409
    await send("PUT", "", {"time_zone": "Asia/Shanghai", "phone": "+862155550002"}, 200)
    department = await send("POST", "/departments", {"name": NAME})
    house = {"name": NAME, "address": "2 Lake Road", "latitude": 31.2, "longitude": 121.5, "time_zone": "Asia/Shanghai"}
    location = await send("POST", "/locations", house)
    who = PRACTITIONER | {"account_id": str(doctor.id), "department_id": department["id"]}
    person = await send("POST", "/practitioners", who)
    await send("POST", "/bookable-resources", {"kind": "room", "name": "Room 1", "location_id": location["id"]})
    of = await send("POST", "/visit-types", VISIT_TYPE | {"mode": "in_person", "needs": ["room"]})
    hours = [{"weekday": 2, "starts": "09:00", "ends": "10:00", "location_id": location["id"]}]
    await send("PUT", f"/practitioners/{person['id']}/availability", {"hours": hours}, 200)
    found = await slots_of(client, resident, visit_type=of["id"], earliest=at("00:00").isoformat())
    assert [one["starts_at"] for one in found[:3]] == [
        "2026-03-03T01:00:00Z",
        "2026-03-03T01:20:00Z",
        "2026-03-03T01:40:00Z",
    ]
    assert found[0]["location"]["id"] == location["id"]
    own = await client.get("/v1/me/practitioner-schedule", headers=await sign_in.sign_in(doctor))
    assert own.json()["schedules"][0]["there"] == [
        {"starts_at": "2026-03-03T01:00:00Z", "ends_at": "2026-03-03T02:00:00Z"}
    ]
    assert (await client.get("/v1/clinics", headers=resident)).json()["items"][0]["name"] == "Lake Clinic"
    types = await client.get(f"{path}/visit-types", headers=resident)
    assert [one["id"] for one in types.json()["items"]] == [of["id"]]


@pytest.mark.parametrize(
    "change",
    [
        {"lead_time": "P31D", "horizon": "P30D"},
        {"duration": "PT0S"},
        {"duration": "-PT20M"},
        {"buffer_before": "-PT5M"},
        {"price": {"amount": -1, "currency": "CNY"}},
        {"price": {"amount": 12.5, "currency": "CNY"}},
        {"price": {"amount": 1, "currency": "yuan"}},
        {"name": {"en": "First visit"}},
        {"capacity": 0},
        {"needs": ["room", "room"]},
        {"mode": "letter"},
        {"horizon": "P800D"},
        {"department_id": "00000000-0000-0000-0000-000000000009"},
    ],
)
async def test_what_could_never_be_booked_is_refused(
    scene: Scene, client: httpx.AsyncClient, change: dict[str, Any]
) -> None:
    answer = await client.post(f"{scene.path}/visit-types", json=VISIT_TYPE | change, headers=scene.keeper)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"]


async def test_an_unknown_zone_is_refused(scene: Scene, client: httpx.AsyncClient) -> None:
    answer = await client.put(scene.path, json={"time_zone": "Mars/Olympus"}, headers=scene.keeper)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/body/time_zone"


async def test_an_agency_is_no_clinic(client: httpx.AsyncClient, clock: ManualClock) -> None:
    place = await identity.community()
    agency = await identity.organization(place, "care_agency")
    keeper = await sign_in.sign_in(await identity.staff(agency, "coordinator"), second_factor=True)
    answer = await client.put(f"/v1/clinics/{agency.id}", json={"time_zone": "Asia/Shanghai"}, headers=keeper)
    assert (answer.status_code, answer.json()["code"]) == (409, "not_a_clinic")


async def test_only_clinicians_of_the_clinic_are_linked_and_each_once(scene: Scene, client: httpx.AsyncClient) -> None:
    path = f"{scene.path}/practitioners"
    outsider = await identity.account(scene.place)
    answer = await client.post(path, json=PRACTITIONER | {"account_id": str(outsider.id)}, headers=scene.keeper)
    assert answer.json()["code"] == "not_a_clinician"
    answer = await client.post(path, json=PRACTITIONER | {"account_id": str(scene.doctor.id)}, headers=scene.keeper)
    assert answer.json()["code"] == "practitioner_exists"


async def test_two_who_add_the_same_person_at_once_add_them_once(scene: Scene, client: httpx.AsyncClient) -> None:
    newcomer = await identity.staff(scene.organization, "clinician", name="Dr Wu")
    data = PRACTITIONER | {"account_id": str(newcomer.id)}
    path = f"{scene.path}/practitioners"
    answers = await asyncio.gather(*(client.post(path, json=data, headers=scene.keeper) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]


async def test_things_of_another_clinic_are_not_there(scene: Scene, client: httpx.AsyncClient) -> None:
    other = await clinics.clinic(scene.place)
    foreign = await clinics.practitioner(other)
    of = await clinics.visit_type(other)
    for method, tail, data in (
        ("PUT", f"practitioners/{foreign.id}", PRACTITIONER),
        ("PUT", f"practitioners/{foreign.id}/availability", {"hours": []}),
        ("GET", f"practitioners/{foreign.id}/availability", None),
        ("GET", f"practitioners/{foreign.id}/schedule", None),
        ("PUT", f"visit-types/{of.id}", VISIT_TYPE),
    ):
        answer = await client.request(method, f"{scene.path}/{tail}", json=data, headers=scene.keeper)
        assert answer.status_code == 404, tail


async def test_a_clinician_sees_the_clinic_and_changes_nothing_of_it(scene: Scene, client: httpx.AsyncClient) -> None:
    assert (await client.get(f"{scene.path}/practitioners", headers=scene.clinician)).status_code == 200
    refused = await client.post(f"{scene.path}/visit-types", json=VISIT_TYPE, headers=scene.clinician)
    assert refused.status_code == 403
    assert (await client.get(f"{scene.path}/practitioners", headers=scene.resident)).status_code == 404


async def test_who_is_put_aside_or_gone_is_not_found(scene: Scene, client: httpx.AsyncClient) -> None:
    assert await slots_of(client, scene.resident) != []
    data = PRACTITIONER | {"is_active": False}
    path = f"{scene.path}/practitioners/{scene.practitioner.id}"
    assert (await client.put(path, json=data, headers=scene.keeper)).status_code == 200
    assert await slots_of(client, scene.resident) == []


async def test_a_set_visit_type_offers_other_times(scene: Scene, client: httpx.AsyncClient) -> None:
    path = f"{scene.path}/visit-types/{scene.visit_type.id}"
    data = VISIT_TYPE | {"duration": "PT1H", "step": "PT90M"}
    answer = await client.put(path, json=data, headers=scene.keeper)
    assert answer.json()["visit_type"]["step"] == "PT1H30M"
    found = await slots_of(client, scene.resident, earliest=at("00:00").isoformat())
    first = [one for one in found if one["starts_at"].startswith("2026-03-03")]
    assert [one["starts_at"][11:16] for one in first] == ["01:00", "02:30"]
