"""Planning a video visit, who sees it, links that let in once, closing by itself."""

import asyncio
import uuid
from datetime import timedelta
from typing import Any

import httpx
import pytest

from app.core import clock as clocks
from app.core.clock import ManualClock
from telemedicine.consultations import jobs
from tests.factories import identity
from tests.factories import telemedicine as factory
from tests.factories.sign_in import sign_in
from tests.factories.telemedicine import Scene

pytestmark = pytest.mark.usefixtures("clock")


@pytest.fixture
async def scene(client: httpx.AsyncClient) -> Scene:
    return await factory.scene()


def times() -> dict[str, str]:
    begins = clocks.now() + timedelta(minutes=10)
    return {"starts_at": begins.isoformat(), "ends_at": (begins + timedelta(minutes=20)).isoformat()}


def secret_of(link: Any) -> str:
    return str(link["url"]).partition("#")[2]


async def use(client: httpx.AsyncClient, secret: str) -> httpx.Response:
    return await client.post("/v1/consultation-passes", json={"link": secret})


async def test_a_clinic_plans_a_visit_that_the_resident_and_the_clinician_see(
    client: httpx.AsyncClient, scene: Scene
) -> None:
    clinician, resident = await sign_in(scene.clinician), await sign_in(scene.account)
    path = f"/v1/residents/{scene.resident.id}/consultations"

    planned = await client.post(path, headers=clinician, json=times())

    assert planned.status_code == 201, planned.text
    assert planned.json()["state"] == "planned"
    assert [(person["role"], person["name"]) for person in planned.json()["participants"]] == [
        ("clinician", "Edith"),
        ("resident", "Grace"),
    ]
    own = await client.get("/v1/me/consultations", headers=resident)
    held = await client.get("/v1/me/held-consultations", headers=clinician)
    assert [row["id"] for row in own.json()["items"]] == [planned.json()["id"]]
    assert [row["id"] for row in held.json()["items"]] == [planned.json()["id"]]


async def test_a_clinic_without_an_agreement_plans_nothing(client: httpx.AsyncClient, scene: Scene) -> None:
    elsewhere = await identity.organization(scene.place, "clinic", name="Elsewhere")
    stranger = await sign_in(await identity.staff(elsewhere, "clinician"))
    answer = await client.post(f"/v1/residents/{scene.resident.id}/consultations", headers=stranger, json=times())
    assert answer.status_code == 404
    colleague = await identity.staff(elsewhere, "clinician")
    clinician = await sign_in(scene.clinician)
    body = times() | {"clinician_id": str(colleague.id)}
    answer = await client.post(f"/v1/residents/{scene.resident.id}/consultations", headers=clinician, json=body)
    assert answer.json()["code"] == "not_a_clinician"


@pytest.mark.parametrize(
    "change",
    [
        {"ends_at": "2026-03-02T08:00:00Z"},
        {"ends_at": "2026-03-02T16:00:00Z"},
        {"starts_at": "2026-03-02T08:00:00"},
        {"phone": "112"},
    ],
)
async def test_times_and_numbers_that_make_no_visit_are_refused(
    client: httpx.AsyncClient, scene: Scene, change: dict[str, str]
) -> None:
    clinician = await sign_in(scene.clinician)
    path = f"/v1/residents/{scene.resident.id}/consultations"
    answer = await client.post(path, headers=clinician, json=times() | change)
    assert answer.status_code == 422


async def test_a_link_lets_in_once(client: httpx.AsyncClient, scene: Scene) -> None:
    visit = await factory.consultation(scene)
    resident = await sign_in(scene.account)
    link = await client.post(f"/v1/consultations/{visit.id}/links", headers=resident)
    assert link.status_code == 201, link.text
    secret = secret_of(link.json())

    answers = await asyncio.gather(*(use(client, secret) for _ in range(5)))

    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]
    let_in = next(answer.json() for answer in answers if answer.status_code == 201)
    assert (let_in["role"], let_in["consultation_id"]) == ("resident", str(visit.id))
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"link_used"}


async def test_a_forged_link_is_nobodys(client: httpx.AsyncClient, scene: Scene) -> None:
    visit = await factory.consultation(scene)
    link = await client.post(f"/v1/consultations/{visit.id}/links", headers=await sign_in(scene.account))
    name, _, secret = secret_of(link.json()).partition(".")
    for forged in (f"{name}.{'A' * 43}", f"{uuid.UUID(int=7).hex}.{secret}", "nothing", f"{name}.{secret}x"):
        answer = await use(client, forged)
        assert (answer.status_code, answer.json()["code"]) == (404, "link_unknown")
    assert (await use(client, f"{name}.{secret}")).status_code == 201


async def test_a_link_ends_with_its_time_and_when_it_is_taken_back(
    client: httpx.AsyncClient, scene: Scene, clock: ManualClock
) -> None:
    visit = await factory.consultation(scene)
    resident = await sign_in(scene.account)
    own = await client.post(f"/v1/consultations/{visit.id}/links", headers=resident)
    guest = await client.post(
        f"/v1/consultations/{visit.id}/guests", headers=resident, json={"role": "interpreter", "name": "Wisteria"}
    )
    assert guest.status_code == 201, guest.text
    clock.advance(timedelta(minutes=11))
    assert (await use(client, secret_of(own.json()))).json()["code"] == "link_over"

    path = f"/v1/consultations/{visit.id}/guests/{guest.json()['participant_id']}"
    assert (await client.delete(path, headers=resident)).status_code == 204
    assert (await use(client, secret_of(guest.json()))).json()["code"] == "link_over"


async def test_who_was_granted_takes_part_and_the_clinics_others_only_look(
    client: httpx.AsyncClient, scene: Scene
) -> None:
    visit = await factory.consultation(scene)
    daughter = await identity.account(scene.place, name="Daughter")
    await identity.grant(scene.resident, daughter, factory.BOTH)
    colleague = await identity.staff(scene.clinic, "clinician", name="Colleague")
    path = f"/v1/consultations/{visit.id}/links"

    link = await client.post(path, headers=await sign_in(daughter))
    refused = await client.post(path, headers=await sign_in(colleague))
    seen = await client.get(f"/v1/consultations/{visit.id}", headers=await sign_in(colleague))

    assert (await use(client, secret_of(link.json()))).json()["role"] == "family"
    assert (refused.status_code, refused.json()["code"]) == (403, "not_taking_part")
    assert seen.status_code == 200
    assert (await client.post(f"/v1/consultations/{visit.id}/end", headers=await sign_in(colleague))).status_code == 403


async def test_guests_are_limited_however_many_are_asked_at_once(client: httpx.AsyncClient, scene: Scene) -> None:
    visit = await factory.consultation(scene)
    resident = await sign_in(scene.account)
    path = f"/v1/consultations/{visit.id}/guests"
    body = {"role": "family", "name": "Guest"}
    answers = await asyncio.gather(*(client.post(path, headers=resident, json=body) for _ in range(9)))
    assert sorted(answer.status_code for answer in answers) == [201] * 6 + [409] * 3


async def test_a_visit_nobody_comes_to_expires(client: httpx.AsyncClient, scene: Scene, clock: ManualClock) -> None:
    visit = await factory.consultation(scene)
    clock.advance(timedelta(minutes=64))
    assert await jobs.close() == 0
    clock.advance(timedelta(minutes=1))
    assert await jobs.close() == 1
    seen = await client.get(f"/v1/consultations/{visit.id}", headers=await sign_in(scene.clinician))
    assert seen.json()["state"] == "expired"
    for what in ("links", "end"):
        answer = await client.post(f"/v1/consultations/{visit.id}/{what}", headers=await sign_in(scene.clinician))
        assert answer.json()["code"] == "consultation_over"


async def test_ending_a_visit_takes_its_links_with_it(client: httpx.AsyncClient, scene: Scene) -> None:
    visit = await factory.consultation(scene)
    link = await client.post(f"/v1/consultations/{visit.id}/links", headers=await sign_in(scene.account))
    ended = await client.post(f"/v1/consultations/{visit.id}/end", headers=await sign_in(scene.clinician))
    assert ended.json()["state"] == "ended"
    assert (await use(client, secret_of(link.json()))).json()["code"] == "consultation_over"
