"""Claims and what insurers say of them in FHIR: who sees them, and by what they are found."""

from typing import Any

import httpx
import pytest

from app.identity.models import Account
from tests.factories import identity, sign_in, telemedicine_settlement
from tests.factories.fhir import Scene
from tests.fhir.valid import resources, valid

ROOT = "/fhir/R4"
KINDS = ("Claim", "ClaimResponse", "CoverageEligibilityRequest", "CoverageEligibilityResponse")


async def _found(client: httpx.AsyncClient, headers: dict[str, str], query: str) -> list[dict[str, Any]]:
    return resources(valid(await client.get(f"{ROOT}/{query}", headers=headers)))


async def _signed_in(of: Account) -> dict[str, str]:
    return await sign_in.sign_in(of, second_factor=True)


async def test_a_claim_and_its_answer_say_what_is_paid(client: httpx.AsyncClient, scene: Scene) -> None:
    await telemedicine_settlement.bill(scene.resident, scene.organization)
    headers = await _signed_in(scene.person)
    (claim,) = await _found(client, headers, "Claim")
    assert claim["total"] == {"value": 150.0, "currency": "CNY"}
    assert claim["provider"] == {"reference": f"Organization/{scene.organization.id}"}
    (answer,) = await _found(client, headers, f"ClaimResponse?request=Claim/{claim['id']}")
    amounts = {one["category"]["coding"][0]["code"]: one["amount"]["value"] for one in answer["total"]}
    assert amounts == {"submitted": 150.0, "deductible": 0.0, "benefit": 90.0}
    (asked,) = await _found(client, headers, "CoverageEligibilityRequest")
    (said,) = await _found(client, headers, f"CoverageEligibilityResponse?request={asked['id']}")
    assert said["insurance"][0]["inforce"] is True


async def test_only_whose_they_are_whom_they_let_and_the_desk_see_claims(
    client: httpx.AsyncClient, scene: Scene
) -> None:
    await telemedicine_settlement.bill(scene.resident, scene.organization)
    other = await identity.organization(scene.place, "clinic")
    await identity.agreement(other, None, scene.resident)
    relative = await identity.account(scene.place, name="Rose")
    await identity.grant(scene.resident, relative, ["bills:read"])
    stranger = await identity.account(scene.place, name="Walter")
    who = {
        "resident": (await _signed_in(scene.person), 1),
        "relative": (await _signed_in(relative), 1),
        "stranger": (await _signed_in(stranger), 0),
        "desk": (await _signed_in(await identity.staff(scene.organization, "coordinator")), 1),
        "clinician": (await _signed_in(await identity.staff(scene.organization, "clinician")), 0),
        "another desk": (await _signed_in(await identity.staff(other, "coordinator")), 0),
        "system": (await sign_in.client_headers(scene.organization, ["bills:read"]), 1),
        "system without the scope": (scene.system, 0),
        "another's system": (await sign_in.client_headers(other, ["bills:read"]), 0),
    }
    for kind in KINDS:
        key = (await _found(client, who["resident"][0], kind))[0]["id"]
        for name, (headers, count) in who.items():
            found = await _found(client, headers, f"{kind}?patient=Patient/{scene.resident.id}")
            assert len(found) == count, (kind, name)
            read = await client.get(f"{ROOT}/{kind}/{key}", headers=headers)
            assert read.status_code == (200 if count else 404), (kind, name)


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("Claim?status=active", 1),
        ("Claim?status=cancelled", 0),
        ("Claim?status=draft", 0),
        ("Claim?created=ge2026-03-02", 1),
        ("Claim?created=lt2026-03-02", 0),
        ("Claim?_lastUpdated=ge2026-03-01", 1),
        ("Claim?_lastUpdated=gt2026-03-03", 0),
        ("Claim?provider=Organization/{organization}", 1),
        ("Claim?provider=Organization/{resident}", 0),
        ("ClaimResponse?outcome=complete", 1),
        ("ClaimResponse?outcome=queued", 0),
        ("ClaimResponse?request=Claim/{resident}", 0),
        ("CoverageEligibilityResponse?requestor={organization}", 1),
    ],
)
async def test_they_are_found_by_what_is_in_them(
    client: httpx.AsyncClient, scene: Scene, query: str, count: int
) -> None:
    await telemedicine_settlement.bill(scene.resident, scene.organization)
    system = await sign_in.client_headers(scene.organization, ["bills:read"])
    asked = query.format(organization=scene.organization.id, resident=scene.resident.id)
    assert len(await _found(client, system, asked)) == count


async def test_pages_of_claims_follow_each_other(client: httpx.AsyncClient, scene: Scene) -> None:
    for _ in range(3):
        await telemedicine_settlement.bill(scene.resident, scene.organization)
    system = await sign_in.client_headers(scene.organization, ["bills:read"])
    bundle = valid(await client.get(f"{ROOT}/Claim?_count=2", headers=system))
    (following,) = [link["url"] for link in bundle["link"] if link["relation"] == "next"]
    rest = valid(await client.get(following, headers=system))
    assert len({one["id"] for page in (bundle, rest) for one in resources(page)}) == 3
