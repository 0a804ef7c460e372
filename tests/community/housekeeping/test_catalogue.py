"""The catalogue is the operator's, prices are each provider's, and what a visit would cost is told to everybody."""

from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import pytest_asyncio

from app.core.clock import ManualClock
from app.identity.models import Community, Organization
from tests.factories import identity, media, sign_in
from tests.factories.community_housekeeping import CLEANING, HOURLY, SUNDAY
from tests.media.samples import photo

Headers = dict[str, str]


@dataclass(frozen=True)
class Scene:
    """A community with an operator, a provider and a resident."""

    place: Community
    provider: Organization
    operator: Headers
    keeper: Headers
    resident: Headers

    @property
    def offers(self) -> str:
        """Return the path of the provider's offers."""
        return f"/v1/organizations/{self.provider.id}/service-offers"


@pytest_asyncio.fixture(loop_scope="session")
async def scene(client: httpx.AsyncClient, clock: ManualClock) -> Scene:
    place = await identity.community()
    provider = await identity.organization(place, "provider", name="Bright Homes")
    operators = await identity.organization(place, "operator", name="The community")
    return Scene(
        place,
        provider,
        await sign_in.sign_in(await identity.staff(operators, "operator"), second_factor=True),
        await sign_in.sign_in(await identity.staff(provider, "coordinator"), second_factor=True),
        await sign_in.sign_in_resident(await identity.resident(place)),
    )


async def _service(client: httpx.AsyncClient, scene: Scene, **changes: Any) -> dict[str, Any]:
    answer = await client.post(
        "/v1/home-services", json=CLEANING | {"code": "cleaning"} | changes, headers=scene.operator
    )
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def _offer(client: httpx.AsyncClient, scene: Scene, service_id: str, **changes: Any) -> dict[str, Any]:
    body = HOURLY | {"service_id": service_id} | changes
    answer = await client.post(scene.offers, json=body, headers=scene.keeper)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def test_a_service_is_offered_and_priced(client: httpx.AsyncClient, scene: Scene) -> None:
    service = await _service(client, scene)
    offer = await _offer(client, scene, service["id"])

    offers = (await client.get(f"/v1/home-services/{service['id']}/offers", headers=scene.resident)).json()["items"]
    answer = await client.post(
        f"/v1/service-offers/{offer['id']}/quotes",
        json=SUNDAY | {"duration": "PT3H", "options": [{"code": "windows", "quantity": 2}]},
        headers=scene.resident,
    )

    assert [(one["provider"], one["amount"]) for one in offers] == [("Bright Homes", 6000)]
    quote = answer.json()
    assert [(one["kind"], one["amount"]) for one in quote["lines"]] == [
        ("work", 18000),
        ("option", 6000),
        ("weekend", 4800),
        ("area", 500),
    ]
    assert (quote["total"], quote["day"], quote["offer_version"]) == (29300, "weekend", 1)


async def test_a_new_price_is_a_new_version(client: httpx.AsyncClient, scene: Scene) -> None:
    service = await _service(client, scene)
    offer = await _offer(client, scene, service["id"])

    raised = await client.put(f"{scene.offers}/{offer['id']}", json=HOURLY | {"amount": 7000}, headers=scene.keeper)
    stale = await client.put(f"{scene.offers}/{offer['id']}", json=HOURLY, headers=scene.keeper | {"If-Match": 'W/"1"'})
    quote = (await client.post(f"/v1/service-offers/{offer['id']}/quotes", json=SUNDAY, headers=scene.resident)).json()

    assert raised.json()["version"] == 2
    assert stale.json()["code"] == "stale_version"
    assert (quote["offer_version"], quote["lines"][0]["amount"]) == (2, 14000)


async def test_a_make_up_workday_costs_no_more(client: httpx.AsyncClient, scene: Scene) -> None:
    offer = await _offer(client, scene, (await _service(client, scene))["id"])
    year = {"days": [{"day": "2026-03-08", "name": "Make-up workday", "is_workday": True}]}
    set_so = await client.put("/v1/holidays/2026", json=year, headers=scene.operator)

    quote = (await client.post(f"/v1/service-offers/{offer['id']}/quotes", json=SUNDAY, headers=scene.resident)).json()

    assert set_so.is_success, set_so.text
    assert (quote["day"], quote["total"]) == ("workday", 12500)


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"latitude": 39.9, "longitude": 116.4}, "/body/latitude", "not_offered_area"),
        ({"duration": "PT7H"}, "/body/duration", "not_offered_duration"),
        ({"options": [{"code": "windows"}, {"code": "oven"}]}, "/body/options/1", "not_offered_option"),
        ({"options": [{"code": "windows", "quantity": 5}]}, "/body/options/0", "not_offered_quantity"),
    ],
)
async def test_what_is_not_offered_is_pointed_at(
    client: httpx.AsyncClient, scene: Scene, changes: dict[str, Any], pointer: str, code: str
) -> None:
    offer = await _offer(client, scene, (await _service(client, scene))["id"])

    answer = await client.post(
        f"/v1/service-offers/{offer['id']}/quotes", json=SUNDAY | changes, headers=scene.resident
    )

    assert answer.status_code == 422
    assert [(one["pointer"], one["code"]) for one in answer.json()["errors"]] == [(pointer, code)]


async def test_what_is_put_aside_is_offered_to_nobody(client: httpx.AsyncClient, scene: Scene) -> None:
    service = await _service(client, scene)
    offer = await _offer(client, scene, service["id"])
    quotes = f"/v1/service-offers/{offer['id']}/quotes"
    aside = CLEANING | {"is_active": False}

    await client.put(f"/v1/home-services/{service['id']}", json=aside, headers=scene.operator)
    listed = await client.get("/v1/home-services", headers=scene.resident)
    to_operator = await client.get("/v1/home-services", headers=scene.operator)
    refused = await client.post(quotes, json=SUNDAY, headers=scene.resident)

    assert listed.json()["items"] == []
    assert [one["is_active"] for one in to_operator.json()["items"]] == [False]
    assert refused.status_code == 404


async def test_nothing_is_there_twice(client: httpx.AsyncClient, scene: Scene) -> None:
    service = await _service(client, scene)
    await _offer(client, scene, service["id"])

    again = await client.post("/v1/home-services", json=CLEANING | {"code": "cleaning"}, headers=scene.operator)
    offered_again = await client.post(scene.offers, json=HOURLY | {"service_id": service["id"]}, headers=scene.keeper)

    assert again.json()["code"] == "service_exists"
    assert offered_again.json()["code"] == "offer_exists"


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"currency": "EUR"}, "/body/currency"),
        ({"service_id": "0190c0de-0000-7000-8000-000000000000"}, "/body/service_id"),
        ({"longest": "PT2H15M"}, "/body"),
        ({"unit": "visit"}, "/body"),
        ({"areas": []}, "/body/areas"),
        ({"amount": -1}, "/body/amount"),
        ({"amount": 10.5}, "/body/amount"),
        ({"options": [HOURLY["options"][0]] * 2}, "/body/options"),
    ],
)
async def test_what_no_offer_can_say(
    client: httpx.AsyncClient, scene: Scene, changes: dict[str, Any], where: str
) -> None:
    service = await _service(client, scene)

    answer = await client.post(
        scene.offers, json=HOURLY | {"service_id": service["id"]} | changes, headers=scene.keeper
    )

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == where


async def test_who_sends_people_to_homes_offers(client: httpx.AsyncClient, scene: Scene) -> None:
    service = await _service(client, scene)

    answers = {}
    for kind in ("care_agency", "clinic"):
        organization = await identity.organization(scene.place, kind)
        answers[kind] = await client.post(
            f"/v1/organizations/{organization.id}/service-offers",
            json=HOURLY | {"service_id": service["id"]},
            headers=scene.operator,
        )

    assert answers["care_agency"].status_code == 201
    assert answers["clinic"].json()["code"] == "not_a_provider"


async def test_a_service_is_shown_with_its_photos_in_order(client: httpx.AsyncClient, scene: Scene) -> None:
    first, second = [await media.sent(client, scene.operator, photo()) for _ in range(2)]
    service = await _service(client, scene, photo_ids=[second, first])
    path = f"/v1/home-services/{service['id']}"

    shown = (await client.get(path, headers=scene.resident)).json()["photos"]
    picture = await client.get(httpx.URL(shown[0]["url"]).raw_path.decode())
    # Another of the operator's people keeps a photo that is there, and cannot bring somebody else's.
    operators = await identity.organization(scene.place, "operator", name="Another desk")
    colleague = await sign_in.sign_in(await identity.staff(operators, "operator"), second_factor=True)
    kept = await client.put(path, json=CLEANING | {"photo_ids": [first]}, headers=colleague)
    foreign = await media.sent(client, scene.resident, photo())
    refused = await client.put(path, json=CLEANING | {"photo_ids": [foreign]}, headers=colleague)

    assert [one["id"] for one in shown] == [second, first]
    assert (picture.status_code, picture.headers["content-type"]) == (200, "image/jpeg")
    assert [one["id"] for one in kept.json()["photos"]] == [first]
    assert refused.status_code == 404


async def test_a_certificate_proves_one_of_the_skills(client: httpx.AsyncClient, scene: Scene) -> None:
    service = await _service(client, scene, skills=["cleaning", "ladders"], certificates=["ladders"])
    refused = await client.post(
        "/v1/home-services", json=CLEANING | {"code": "roof", "certificates": ["ropes"]}, headers=scene.operator
    )

    assert (service["skills"], service["certificates"]) == (["cleaning", "ladders"], ["ladders"])
    assert refused.status_code == 422
