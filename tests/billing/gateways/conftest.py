"""Gateways under test, each with what the payer's app does beside it."""

import asyncio
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
import pytest
import pytest_asyncio
from pydantic import SecretStr

from app.billing.gateways.local_gateway import LocalGateway
from app.billing.gateways.port import Card, Gateway, Setup, Wanted
from app.billing.gateways.stripe_gateway import StripeGateway
from app.core.clock import ManualClock, new_id
from app.core.database import Database
from app.core.stripe_settings import StripeSettings
from tests.emulators.stripe import Stripe, money, stripe
from tests.emulators.stripe.server import CONNECT_SECRET, SECRET, SECRET_KEY

CARDS = {
    "good": ("pm_card_visa", "4242", "4242424242424242"),
    "declined": ("pm_card_chargeCustomerFail", "0341", "4000000000000341"),
    "asks": ("pm_card_authenticationRequired", "3220", ""),
}
"""What is meant → as Stripe, the local twin and localstripe call such a card."""


BACK = "https://hearthline.example/portal/payments/1"


@dataclass
class Payer:
    """A gateway and somebody who pays over it."""

    gateway: Gateway
    save: Callable[[Setup, str], Awaitable[None]]
    prove: Callable[[str], Awaitable[None]]
    onboard: Callable[[str], Awaitable[None]]
    customer: str = ""

    async def card(self, kind: str = "good") -> Card:
        self.customer = self.customer or await self.gateway.open_customer(str(new_id()), "row")
        setup = await self.gateway.begin_setup(str(new_id()), self.customer)
        assert await self.gateway.card_of_setup(setup.ref) is None
        await self.save(setup, kind)
        card = await self.gateway.card_of_setup(setup.ref)
        assert card is not None
        return card

    def wants(self, card: Card, amount: int = 1_000, *, present: bool = False, row: str = "row") -> Wanted:
        return Wanted(amount, "EUR", self.customer, card.ref, present, row, BACK)


def settings_for(url: str, patience: float = 20.0) -> StripeSettings:
    """Return the settings that lead to a Stripe on the loopback address."""
    return StripeSettings(
        secret_key=SecretStr(SECRET_KEY),
        webhook_secrets=(SecretStr("whsec_the_next"), SecretStr(SECRET)),
        connect_webhook_secrets=(SecretStr(CONNECT_SECRET),),
        api_base=url,
        timeout=patience,
    )


@pytest_asyncio.fixture(loop_scope="session")
async def loopback(clock: ManualClock) -> AsyncIterator[Stripe]:
    async with stripe() as running:
        yield running


@asynccontextmanager
async def over_loopback(running: Stripe, patience: float = 20.0) -> AsyncIterator[Payer]:
    gateway = StripeGateway(SecretStr(SECRET_KEY), settings_for(running.url, patience))

    async def save(setup: Setup, kind: str) -> None:
        running.saves_card(setup.ref, CARDS[kind][0])

    async def prove(intent: str) -> None:
        running.proves(intent)

    async def onboard(account: str) -> None:
        money.onboard(running.state, account)

    try:
        yield Payer(gateway, save, prove, onboard)
    finally:
        await gateway.close()


@asynccontextmanager
async def over_local() -> AsyncIterator[Payer]:
    gateway = LocalGateway()

    async def save(setup: Setup, kind: str) -> None:
        await gateway.save_card(setup.ref, CARDS[kind][1])

    async def onboard(account: str) -> None:
        """Do nothing: the link did."""

    yield Payer(gateway, save, gateway.prove, onboard)


@pytest_asyncio.fixture(loop_scope="session", params=["loopback", "local"])
async def payer(request: pytest.FixtureRequest, loopback: Stripe, database: Database) -> AsyncIterator[Payer]:
    async with over_loopback(loopback) if request.param == "loopback" else over_local() as made:
        yield made


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def localstripe() -> AsyncIterator[str]:
    """Run localstripe, a public server that speaks as Stripe does, as a process of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    running = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "localstripe", "--port", str(port), "--from-scratch"),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(60):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                except OSError:
                    await asyncio.sleep(0.05)  # until it listens
                else:
                    writer.close()
                    await writer.wait_closed()
                    break
        yield f"http://127.0.0.1:{port}"
    finally:
        running.terminate()
        await running.wait()


@asynccontextmanager
async def over_localstripe(url: str) -> AsyncIterator[Payer]:
    gateway = StripeGateway(SecretStr(SECRET_KEY), settings_for(url))

    async def save(setup: Setup, kind: str) -> None:
        app = {"Authorization": f"Bearer {SECRET_KEY}"}
        card = {"number": CARDS[kind][2], "exp_month": 12, "exp_year": 2034, "cvc": "123"}
        async with httpx.AsyncClient(base_url=url, headers=app) as client:
            given = {"payment_method_data": {"type": "card", "card": card}, "client_secret": setup.client_secret}
            answer = await client.post(f"/v1/setup_intents/{setup.ref}/confirm", json=given)
            assert answer.is_success, answer.text

    async def unknown(ref: str) -> None:
        raise AssertionError(f"localstripe knows nothing of this: {ref}")

    try:
        yield Payer(gateway, save, unknown, unknown)
    finally:
        await gateway.close()
