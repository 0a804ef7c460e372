"""Without a Stripe key a person tries it all with made-up cards, and sees what was taken."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from app.billing.authorizations.models import AUTHORIZATIONS
from app.core.clock import ManualClock, now
from app.core.database import Database, reading
from app.core.settings import Settings, install_settings
from app.main import create_app
from tests.billing.cards.conftest import Buyer
from tests.billing.wallet.conftest import Saver
from tests.core.test_settings import PRODUCTION
from tests.emulators.stripe import Stripe
from tests.factories import identity
from tests.factories.sign_in import sign_in_resident


@pytest_asyncio.fixture(loop_scope="session")
async def saver(client: httpx.AsyncClient, clock: ManualClock, database: Database) -> AsyncIterator[Saver]:
    place = await identity.community()
    organization = await identity.organization(place, "provider")
    resident = await identity.resident(place)
    # There is no Stripe: nothing of it is asked for.
    yield Saver(Stripe(now), client, clock, organization, resident, await sign_in_resident(resident))


async def enter(saver: Saver, secret: str, last4: str) -> httpx.Response:
    return await saver.client.post("/demo/card-setups", json={"client_secret": secret, "last4": last4})


async def buyer_with(saver: Saver, last4: str) -> Buyer:
    begun = await saver.begun()
    assert (await enter(saver, begun["client_secret"], last4)).status_code == 204
    assert (await saver.confirm(begun["payment_method"]["id"])).json()["last4"] == last4
    method = (await saver.methods())[-1]
    return Buyer(
        saver.stripe, saver.client, saver.clock, saver.organization, saver.resident, method.id, str(method.ref)
    )


async def taken(saver: Saver) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await saver.client.get("/demo/payments")).json()["items"]
    return found


async def test_a_made_up_card_pays_visibly(saver: Saver) -> None:
    buyer = await buyer_with(saver, "4242")
    await buyer.authorized(10_000)
    await buyer.settle(7_000)
    await buyer.work()
    (payment,) = await taken(saver)
    assert set(payment) == {"at", "status", "last4", "currency", "amount", "received", "refunded"}
    assert (payment["status"], payment["last4"], payment["amount"], payment["received"]) == (
        "succeeded",
        "4242",
        10_000,
        7_000,
    )


async def test_a_declined_card_is_not_saved_and_another_may_be(saver: Saver) -> None:
    begun = await saver.begun()
    answer = await enter(saver, begun["client_secret"], "0002")
    assert (answer.status_code, answer.json()["reason"]) == (409, "card_declined")
    assert (await saver.confirm(begun["payment_method"]["id"])).json()["state"] == "pending"
    assert (await enter(saver, begun["client_secret"], "4242")).status_code == 204
    assert (await saver.confirm(begun["payment_method"]["id"])).json()["state"] == "active"


@pytest.mark.parametrize(("succeeds", "state"), [(True, "authorized"), (False, "failed")])
async def test_the_payer_proves_who_they_are(saver: Saver, succeeds: bool, state: str) -> None:
    buyer = await buyer_with(saver, "3220")
    await buyer.authorize()
    await buyer.work()
    async with reading() as connection:
        authorization_id = await connection.scalar(AUTHORIZATIONS.select().with_only_columns(AUTHORIZATIONS.c.id))
    path = f"/v1/me/authorizations/{authorization_id}/action"
    secret = (await saver.client.get(path, headers=saver.headers)).json()["client_secret"]
    proof = {"client_secret": secret, "succeeds": succeeds}
    assert (await saver.client.post("/demo/card-proofs", json=proof)).status_code == 204
    assert (await saver.client.post("/demo/card-proofs", json=proof)).status_code == 409
    assert (await saver.client.post(path, headers=saver.headers)).status_code == 202
    await buyer.work()
    assert await buyer.state() == state


@pytest.mark.parametrize(
    "given", [{}, {"client_secret": "x", "last4": "4242"}, {"client_secret": "seti_1_secret_local", "last4": "42"}]
)
async def test_what_is_no_card_is_refused(saver: Saver, given: dict[str, str]) -> None:
    assert (await saver.client.post("/demo/card-setups", json=given)).status_code == 422


async def test_who_is_erased_is_forgotten_by_the_twin(saver: Saver) -> None:
    await buyer_with(saver, "4242")
    assert (await saver.client.delete("/v1/me", headers=saver.headers)).status_code == 204
    await saver.work()
    (customer,) = await saver.customers()
    assert (customer.ref, customer.forgotten_at is not None) == (None, True)


def test_production_has_no_made_up_cards(test_settings: Settings) -> None:
    of = Settings(**PRODUCTION)
    install_settings(of)
    try:
        paths = {getattr(route, "path", "") for route in create_app(of).routes}
    finally:
        install_settings(test_settings)
    assert not [path for path in paths if "/demo/" in path]
