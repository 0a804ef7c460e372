"""Every kind of resource, as it is read and found, held against FHIR's models."""

import httpx
import pytest

from app.fhir.served import RESOURCES
from tests.factories import fhir, sign_in
from tests.factories.fhir import Scene
from tests.fhir.records import inside
from tests.fhir.valid import link, resources, valid
from tests.media.samples import PDF

ROOT = "/fhir/R4"


@pytest.mark.usefixtures("directory")
async def test_every_kind_is_valid_read_and_found(client: httpx.AsyncClient, scene: Scene) -> None:
    await fhir.book(client, scene)
    await fhir.happened(scene)
    headers = await sign_in.sign_in(scene.person)
    letter = inside(PDF) | {"subject": {"reference": f"Patient/{scene.resident.id}"}}
    valid(await client.post(f"{ROOT}/DocumentReference", json=letter, headers=headers), 201)
    for resource in RESOURCES:
        if resource.type in ("Binary", "Group", "Subscription"):
            continue  # found by its id alone; of machines
        found = resources(valid(await client.get(f"{ROOT}/{resource.type}", headers=headers)))
        assert found, resource.type
        for one in found:
            address = f"{ROOT}/{resource.type}/{one['id']}"
            assert valid(await client.get(address, headers=headers)) == one
            part = valid(await client.get(f"{address}?_summary=true", headers=headers))
            assert set(part) <= {*one, "meta"}
            part = valid(await client.get(f"{address}?_elements=id", headers=headers))
            assert set(part) - {"resourceType", "id", "meta"} == resource.mandatory & set(one)


async def test_the_directory_names_what_it_refers_to(client: httpx.AsyncClient, scene: Scene) -> None:
    bundle = valid(
        await client.get(
            f"{ROOT}/Slot",
            params={
                "schedule": scene.schedule,
                "_include": "Slot:schedule",
                "_include:iterate": ["Schedule:actor", "PractitionerRole:organization"],
                "_count": 2,
            },
            headers=scene.system,
        )
    )
    assert [one["start"] for one in resources(bundle)] == ["2026-03-03T01:00:00Z", "2026-03-03T01:30:00Z"]
    beside = {f"{one['resourceType']}/{one['id']}" for one in resources(bundle, "include")}
    assert beside == {
        f"Schedule/{scene.schedule}",
        f"Practitioner/{scene.doctor.id}",
        f"PractitionerRole/{scene.doctor.id}",
        f"HealthcareService/{scene.service.id}",
        f"Organization/{scene.organization.id}",
    }


async def test_pages_follow_each_other_by_their_links(client: httpx.AsyncClient, scene: Scene) -> None:
    starts: list[str] = []
    address: str | None = f"{ROOT}/Slot?schedule={scene.schedule}&start=lt2026-03-04&_count=4"
    while address:
        bundle = valid(await client.get(address, headers=scene.system))
        starts += [one["start"] for one in resources(bundle)]
        address = link(bundle, "next")
    assert starts == sorted(starts)
    assert len(set(starts)) == len(starts) == 6


@pytest.mark.parametrize(
    ("kind", "found"),
    [("Location", "organization"), ("HealthcareService", "organization"), ("PractitionerRole", "organization")],
)
async def test_what_refers_to_a_clinic_comes_with_it(
    client: httpx.AsyncClient, scene: Scene, kind: str, found: str
) -> None:
    answer = await client.get(
        f"{ROOT}/Organization",
        params={"_id": str(scene.organization.id), "_revinclude": f"{kind}:{found}"},
        headers=scene.system,
    )
    assert [one["resourceType"] for one in resources(valid(answer), "include")] == [kind]
