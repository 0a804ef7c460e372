"""Keys that a client publishes itself: fetched when they are needed, kept as it says, never from our own network."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
import pytest
from aiohttp import web

from app.core.clock import ManualClock
from app.core.settings import Settings, install_settings
from app.core.smart_settings import SmartSettings
from app.identity.smart.rules.keys import LONGEST, SHORTEST, USUAL, lifetime
from tests.factories import identity, smart
from tests.factories.sign_in import bearer, sign_in
from tests.factories.smart import TOKEN, Machine, ec_key, public_jwk


@dataclass
class Publisher:
    """A server that publishes keys, and counts how often it is asked."""

    keys: list[Any] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    status: int = 200
    asked: int = 0
    url: str = ""


@asynccontextmanager
async def published(*keys: Any) -> AsyncIterator[Publisher]:
    """Publish keys on this machine."""
    state = Publisher([public_jwk(key, f"key-{place}") for place, key in enumerate(keys)])

    async def answer(_: web.Request) -> web.Response:
        state.asked += 1
        return web.json_response({"keys": state.keys}, status=state.status, headers=state.headers)

    app = web.Application()
    app.router.add_get("/keys", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    state.url = f"http://127.0.0.1:{runner.addresses[0][1]}/keys"
    try:
        yield state
    finally:
        await runner.cleanup()


@contextmanager
def neighbours(settings: Settings) -> Iterator[None]:
    """Let keys be fetched from this machine."""
    install_settings(settings.model_copy(update={"smart": SmartSettings(allow_private=True)}))
    try:
        yield
    finally:
        install_settings(settings)


async def system_at(url: str, key: Any) -> Machine:
    """Insert a clinic's system that publishes its keys at an address."""
    clinic = await identity.organization(await identity.community(), "clinic")
    found = await smart.machine(clinic, ["profile:read"], key=key, jwks_uri=url)
    return Machine(found.id, key, "key-0")


async def asks(client: httpx.AsyncClient, system: Machine) -> int:
    """Ask for a token; return the status of the answer."""
    return (await client.post(TOKEN, data=system.form("system/Patient.rs"))).status_code


async def test_keys_are_fetched_kept_and_fetched_again_for_one_that_is_new(
    client: httpx.AsyncClient, clock: ManualClock, test_settings: Settings
) -> None:
    async with published(ec_key()) as publisher:
        with neighbours(test_settings):
            system = await system_at(publisher.url, ec_key())
            answers = await asyncio.gather(*(asks(client, system) for _ in range(4)))
            assert (answers, publisher.asked) == ([200] * 4, 1)
            newer = Machine(system.id, ec_key(1), "key-1")
            assert (await asks(client, newer), publisher.asked) == (401, 1)  # it was asked just now
            publisher.keys = [public_jwk(ec_key(1), "key-1")]
            clock.advance(timedelta(minutes=1))
            assert (await asks(client, newer), publisher.asked) == (200, 2)
            assert (await asks(client, system), publisher.asked) == (401, 2)  # it is published no more
            publisher.status = 500
            clock.advance(USUAL)
            assert (await asks(client, newer), publisher.asked) == (401, 3)
            assert (await asks(client, newer), publisher.asked) == (401, 3)
            publisher.status = 200
            clock.advance(timedelta(minutes=1))
            assert (await asks(client, newer), publisher.asked) == (200, 4)


async def test_registered_again_what_was_given_ends_and_keys_are_fetched_anew(
    client: httpx.AsyncClient, clock: ManualClock, test_settings: Settings
) -> None:
    async with published(ec_key()) as publisher:
        with neighbours(test_settings):
            clinic = await identity.organization(await identity.community(), "clinic")
            manager = await sign_in(await identity.staff(clinic, "coordinator"))
            path = f"/v1/organizations/{clinic.id}/smart-clients"
            wanted = {"name": "Practice", "scopes": ["appointments:manage"], "jwks_uri": publisher.url}
            made = (await client.post(path, json=wanted, headers=manager)).json()
            system = Machine(made["client_id"], ec_key(), "key-0")
            token = await smart.token(client, system, "system/Appointment.rs")
            clock.advance(timedelta(seconds=1))
            again = {"jwks_uri": publisher.url}
            assert (await client.put(f"{path}/{system.id}", json=again, headers=manager)).status_code == 200
            assert (await client.get("/fhir/R4/Slot", headers=bearer(token))).status_code == 401
            assert (await client.post(TOKEN, data=system.form("system/Appointment.rs"))).status_code == 200
            assert publisher.asked == 2


async def test_nothing_is_fetched_from_our_own_network_or_by_what_the_assertion_says(
    client: httpx.AsyncClient, clock: ManualClock, test_settings: Settings
) -> None:
    async with published(ec_key()) as publisher:
        system = await system_at(publisher.url, ec_key())
        assert (await asks(client, system), publisher.asked) == (401, 0)
        with neighbours(test_settings):
            other = await system_at(publisher.url.replace("/keys", "/none"), ec_key())
            form = other.form(client_assertion=other.assertion({"jku": publisher.url}))
            assert (await client.post(TOKEN, data=form)).status_code == 401
            assert publisher.asked == 0


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("", USUAL),
        ("public, max-age=600", timedelta(minutes=10)),
        ("max-age=1", SHORTEST),
        ("max-age=999999999", LONGEST),
        ("no-store", SHORTEST),
        ("max-age=600, no-cache", SHORTEST),
        ("max-age=soon", USUAL),
    ],
)
def test_keys_are_good_as_cache_control_says_within_bounds(said: str, kept: timedelta) -> None:
    assert lifetime(said) == kept
