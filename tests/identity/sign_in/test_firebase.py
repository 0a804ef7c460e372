"""Signing in with Firebase, against the real Firebase Auth emulator. Slow the first time: it installs the emulator."""

from collections.abc import Iterator
from typing import Any

import httpx
import jwt
import pytest

from app.core import clock as clocks
from app.core.settings import Settings, SignInSettings, install_settings
from app.identity.models import Community
from tests.factories import identity
from tests.factories.sign_in import bearer
from tests.identity.sign_in import firebase_emulator
from tests.identity.sign_in.firebase_emulator import FirebaseEmulator, running_emulator

PHONE = "+8613800138000"


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FirebaseEmulator]:
    """Run the emulator for all tests of this process."""
    with pytest.MonkeyPatch.context() as patch, running_emulator(tmp_path_factory.mktemp("firebase")) as running:
        patch.setenv("FIREBASE_AUTH_EMULATOR_HOST", running.host)
        yield running


@pytest.fixture(autouse=True)
def offered(test_settings: Settings, clock: clocks.ManualClock) -> Iterator[Settings]:
    """Offer sign-in with Firebase."""
    group = SignInSettings(methods=("local", "firebase"), firebase_project=firebase_emulator.PROJECT)
    settings = test_settings.model_copy(update={"signin": group})
    install_settings(settings)
    yield settings
    install_settings(test_settings)


async def sign_in(client: httpx.AsyncClient, home: Community, id_token: str, **more: Any) -> httpx.Response:
    body = {"community_id": str(home.id), "id_token": id_token, **more}
    return await client.post("/v1/sign-in/firebase", json=body)


async def test_a_number_finds_the_account(client: httpx.AsyncClient, emulator: FirebaseEmulator) -> None:
    home = await identity.community()
    account = await identity.account(home, phone=PHONE)
    token = emulator.sign_in_by_phone(PHONE)["idToken"]
    answer = await sign_in(client, home, token, device_label="Kitchen phone")
    assert answer.status_code == 200, answer.text
    assert answer.json()["account_id"] == str(account.id)
    sessions = await client.get("/v1/me/sessions", headers=bearer(answer.json()["access_token"]))
    assert sessions.json()["items"][0]["method"] == "firebase"


async def test_a_number_goes_to_whoever_has_it_now(client: httpx.AsyncClient, emulator: FirebaseEmulator) -> None:
    home, next_home = await identity.community(), await identity.community()
    await identity.account(home, phone=PHONE)
    token = emulator.sign_in_by_phone(PHONE)["idToken"]
    assert (await sign_in(client, home, token)).status_code == 200
    assert (await sign_in(client, next_home, token)).status_code == 401
    await identity.account(next_home, name="Ada", phone=PHONE)
    grace = await identity.account(next_home, name="Grace", phone=PHONE)
    choice = (await sign_in(client, next_home, token)).json()["choose"]
    assert [candidate["name"] for candidate in choice] == ["Ada", "Grace"]
    chosen = await sign_in(client, next_home, token, account_id=str(grace.id))
    assert chosen.json()["account_id"] == str(grace.id)


async def test_an_address_counts_once_it_is_verified(client: httpx.AsyncClient, emulator: FirebaseEmulator) -> None:
    home = await identity.community()
    account = await identity.account(home, email="ada@example.org")
    login = emulator.sign_up_by_mail("ada@example.org")
    assert (await sign_in(client, home, login["idToken"])).status_code == 401
    emulator.change(login["localId"], emailVerified=True)
    verified = emulator.sign_in_by_mail("ada@example.org")
    assert (await sign_in(client, home, verified["idToken"])).json()["account_id"] == str(account.id)
    # The token from before was made when nobody had verified the address, but the login is known by now.
    assert (await sign_in(client, home, login["idToken"])).json()["account_id"] == str(account.id)


async def test_revoked_and_disabled_logins_are_refused(client: httpx.AsyncClient, emulator: FirebaseEmulator) -> None:
    home = await identity.community()
    await identity.account(home, phone="+8613800138001")
    await identity.account(home, phone="+8613800138002")
    revoked = emulator.sign_in_by_phone("+8613800138001")
    disabled = emulator.sign_in_by_phone("+8613800138002")
    for login in (revoked, disabled):
        assert (await sign_in(client, home, login["idToken"])).status_code == 200
    issued = jwt.decode(revoked["idToken"], options={"verify_signature": False})["iat"]
    emulator.change(revoked["localId"], validSince=str(issued + 60))
    emulator.change(disabled["localId"], disableUser=True)
    for login in (revoked, disabled):
        answer = await sign_in(client, home, login["idToken"])
        assert (answer.status_code, answer.json()["code"]) == (401, "login_not_accepted")


async def test_tokens_of_other_projects_are_refused(client: httpx.AsyncClient, emulator: FirebaseEmulator) -> None:
    home = await identity.community()
    await identity.account(home, phone=PHONE)
    good = jwt.decode(emulator.sign_in_by_phone(PHONE)["idToken"], options={"verify_signature": False})
    for changed in ({"aud": "another"}, {"iss": "https://securetoken.google.com/another"}, {"sub": ""}):
        token = jwt.encode({**good, **changed}, "", "none")
        assert (await sign_in(client, home, token)).status_code == 401
    for rubbish in ("x", "a.b.c"):
        assert (await sign_in(client, home, rubbish)).status_code == 401
    nobody = jwt.encode({**good, "sub": "unknown", "user_id": "unknown"}, "", "none")
    assert (await sign_in(client, home, nobody)).status_code == 401


async def test_production_never_believes_an_emulator(
    client: httpx.AsyncClient, emulator: FirebaseEmulator, offered: Settings
) -> None:
    home = await identity.community()
    await identity.account(home, phone=PHONE)
    token = emulator.sign_in_by_phone(PHONE)["idToken"]
    install_settings(offered.model_copy(update={"environment": "production"}))
    assert (await sign_in(client, home, token)).status_code == 503


async def test_without_the_emulator_its_tokens_are_worthless(
    client: httpx.AsyncClient, emulator: FirebaseEmulator, offered: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = await identity.community()
    await identity.account(home, phone=PHONE)
    token = emulator.sign_in_by_phone(PHONE)["idToken"]
    monkeypatch.delenv("FIREBASE_AUTH_EMULATOR_HOST")
    group = offered.signin.model_copy(update={"firebase_project": "demo-another"})
    install_settings(offered.model_copy(update={"signin": group}))
    assert (await sign_in(client, home, token)).status_code in (401, 503)
