"""Signing in with a code, as a browser does it, and what somebody hostile would try."""

from datetime import timedelta

import httpx
import pyotp
import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from sqlmodel import col

from app.core.clock import ManualClock
from app.core.database import Database, unit_of_work
from app.core.settings import HttpSettings, Settings, SignInSettings, install_settings
from app.identity.api import LANGUAGES, browser_cookie
from app.identity.models import Account, Organization
from app.identity.sessions.models import AccountSession, RefreshToken
from app.portal.ground.texts import COMMON
from app.portal.sign_in.progress import cookie_name
from app.portal.sign_in.texts import WORDS
from tests.factories import identity as make
from tests.portal import hostile
from tests.portal.ground import ADDRESS, form_on, visitor
from tests.portal.sign_in.browser import SAME, ask_code, browser, last_code, send, sign_in

PHONE, MAIL = "+8613800000003", "dora@example.org"


@pytest.fixture
async def dora(database: Database, clock: ManualClock) -> Account:
    """Return Dora, who has a number and an address."""
    return await make.account(await make.community(name="Lakeside"), name="Dora", phone=PHONE, email=MAIL)


async def is_signed_in(client: httpx.AsyncClient) -> bool:
    return (await client.get("/portal/me")).status_code == 200


@pytest.mark.parametrize("contact", [PHONE, "138 0000 0003", MAIL])
async def test_a_code_signs_somebody_in_and_leads_to_where_they_were(app: FastAPI, dora: Account, contact: str) -> None:
    async with browser(app) as client:
        led = await client.get("/portal/me/devices")
        assert led.headers["location"] == "/portal/sign-in?next=%2Fportal%2Fme%2Fdevices"
        entered = await sign_in(client, contact, led.headers["location"])
        assert (entered.status_code, entered.headers["location"]) == (303, "/portal/me/devices")
        page = await client.get("/portal/me/devices")
        assert page.status_code == 200
        assert "Firefox, Android" in page.text
        assert cookie_name() not in client.cookies


async def test_the_cookie_is_for_us_alone(app: FastAPI, dora: Account, test_settings: Settings) -> None:
    install_settings(test_settings.model_copy(update={"http": HttpSettings(public_url="https://care.example.org")}))
    try:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="https://care.example.org") as client:
            entered = await sign_in(client, PHONE)
        cookies = entered.headers.get_list("set-cookie")
        (given,) = [cookie for cookie in cookies if cookie.startswith("__Host-hearthline=")]
        assert {"Secure", "HttpOnly", "Path=/", "SameSite=lax"} <= set(given.split("; "))
        assert "Domain" not in given
    finally:
        install_settings(test_settings)


async def test_no_refresh_token_is_left_beside_the_cookie(app: FastAPI, dora: Account) -> None:
    async with browser(app) as client:
        await sign_in(client, PHONE)
    async with unit_of_work() as session:
        assert (await session.scalars(sa.select(RefreshToken))).all() == []
        assert (await session.scalars(sa.select(AccountSession))).one().device_label == "Firefox, Android"


async def test_whoever_is_signed_in_already_goes_on(app: FastAPI, dora: Account) -> None:
    async with visitor(app, dora) as client:
        answer = await client.get("/portal/sign-in?next=/portal/me")
        assert (answer.status_code, answer.headers["location"]) == (303, "/portal/me")


@pytest.mark.parametrize("evil", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)"])
async def test_nobody_is_led_elsewhere(app: FastAPI, dora: Account, evil: str) -> None:
    async with browser(app) as client:
        entered = await sign_in(client, PHONE, str(httpx.URL("/portal/sign-in", params={"next": evil})))
        assert entered.headers["location"] == "/portal"


async def test_the_pages_say_the_same_whoever_is_known(app: FastAPI, dora: Account) -> None:
    async with browser(app) as one, browser(app) as other:
        known, unknown = await ask_code(one, PHONE), await ask_code(other, "+8613899999999")
    fields = [form_on(page, "/portal/sign-in/code") for page in (known, unknown)]
    texts = [
        page.text.replace(given["csrf"], "").replace(given["key"], "")
        for page, given in zip((known, unknown), fields, strict=True)
    ]
    nonces = [
        page.headers["content-security-policy"].partition("nonce-")[2].partition("'")[0] for page in (known, unknown)
    ]
    assert texts[0].replace(nonces[0], "") == texts[1].replace(nonces[1], "")


async def test_a_code_cannot_be_guessed(app: FastAPI, dora: Account) -> None:
    async with browser(app) as client:
        page = await ask_code(client, PHONE)
        right = await last_code()
        wrong = "000000" if right != "000000" else "111111"
        for _ in range(5):
            answer = await send(page, client, "/portal/sign-in/code", code=wrong)
            assert answer.status_code == 401
            assert WORDS["en"]["wrong_code"] in answer.text
        late = await send(page, client, "/portal/sign-in/code", code=right)
        assert late.status_code == 401
        assert not await is_signed_in(client)


async def test_the_limits_of_the_api_hold_for_the_pages(app: FastAPI, dora: Account) -> None:
    async with browser(app) as client:
        page = await client.get("/portal/sign-in")
        answers = [await send(page, client, "/portal/sign-in", contact=PHONE) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [303] * 5 + [429]
    assert COMMON["en"]["trouble_429"] in answers[-1].text


async def test_behind_a_proxy_each_visitor_is_counted_for_themselves(
    app: FastAPI, dora: Account, test_settings: Settings
) -> None:
    http = HttpSettings(trusted_proxies=("127.0.0.1",))
    install_settings(test_settings.model_copy(update={"http": http}))
    try:
        async with browser(app) as client:
            page = await client.get("/portal/sign-in")
            fields = form_on(page, "/portal/sign-in")

            async def status(number: int, address: str) -> int:
                data = fields | {"contact": f"+86138000001{number:02}"}
                headers = SAME | {"X-Forwarded-For": address}
                return (await client.post("/portal/sign-in", data=data, headers=headers)).status_code

            assert [await status(number, "192.0.2.1") for number in range(31)] == [303] * 30 + [429]
            assert await status(40, "192.0.2.2") == 303
    finally:
        install_settings(test_settings)


@pytest.mark.parametrize(("contact", "status"), [("", 422), ("nobody@", 422), ("abc", 422), (hostile.MARKUP, 422)])
async def test_what_reaches_nobody_is_said(app: FastAPI, dora: Account, contact: str, status: int) -> None:
    async with browser(app) as client:
        answer = await send(await client.get("/portal/sign-in"), client, "/portal/sign-in", contact=contact)
    assert answer.status_code == status
    assert WORDS["en"]["wrong_contact"] in answer.text
    assert hostile.harmless(answer.text)


async def test_a_code_works_in_the_browser_that_asked_for_it_alone(app: FastAPI, dora: Account) -> None:
    async with browser(app) as attacker, browser(app) as victim:
        page = await ask_code(attacker, PHONE)
        planted = form_on(page, "/portal/sign-in/code") | {"code": await last_code()}
        answer = await victim.post("/portal/sign-in/code", data=planted, headers=SAME)
        assert answer.status_code == 403
        await victim.get("/portal/sign-in")
        answer = await victim.post("/portal/sign-in/code", data=planted, headers=SAME)
        assert answer.status_code == 403
        assert not await is_signed_in(victim)


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}])
async def test_forms_of_others_are_refused(app: FastAPI, dora: Account, headers: dict[str, str]) -> None:
    async with browser(app) as client:
        page = await client.get("/portal/sign-in")
        fields = form_on(page, "/portal/sign-in") | {"contact": PHONE}
        assert (await client.post("/portal/sign-in", data=fields, headers=headers)).status_code == 403


async def test_what_was_begun_too_long_ago_begins_again(app: FastAPI, dora: Account, clock: ManualClock) -> None:
    async with browser(app) as client:
        page = await ask_code(client, PHONE, "/portal/sign-in?next=/portal/me")
        clock.advance(timedelta(minutes=21))
        late = await send(page, client, "/portal/sign-in/code", code=await last_code())
        assert late.status_code == 403
        assert WORDS["en"]["over"] in late.text
        assert (await client.get("/portal/sign-in/code")).headers["location"] == "/portal/sign-in"


async def test_people_who_share_a_number_say_who_they_are(app: FastAPI, dora: Account) -> None:
    for name in hostile.NAMES:
        await make.account(await make.community_of(dora), name=name, phone=PHONE)
    async with browser(app) as client:
        page = await sign_in(client, PHONE)
        assert page.status_code == 200
        assert hostile.harmless(page.text)
        stranger = await make.account(await make.community_of(dora), name="Mallory", phone="+8613800000009")
        refused = await send(page, client, "/portal/sign-in/code", account=str(stranger.id))
        assert refused.status_code == 401
        entered = await send(page, client, "/portal/sign-in/code", account=str(dora.id))
        assert entered.status_code == 303
        assert "Dora" in (await client.get("/portal/me")).text


async def test_a_planted_cookie_is_worth_nothing_after_signing_in(app: FastAPI, dora: Account) -> None:
    mallory = await make.account(await make.community_of(dora), name="Mallory")
    async with visitor(app, mallory) as planted, browser(app) as client:
        secret = planted.cookies[browser_cookie()]
        page = await client.get("/portal/sign-in")
        client.cookies.set(browser_cookie(), secret, domain="127.0.0.1")
        await send(page, client, "/portal/sign-in", contact=PHONE)
        page = await client.get("/portal/sign-in/code")
        await send(page, client, "/portal/sign-in/code", code=await last_code())
        assert "Dora" in (await client.get("/portal/me")).text
        assert client.cookies[browser_cookie()] != secret
        assert not await is_signed_in(planted)


async def test_a_stolen_cookie_is_worth_nothing_after_signing_out(app: FastAPI, dora: Account) -> None:
    async with visitor(app, dora) as client, browser(app) as thief:
        thief.cookies.set(browser_cookie(), client.cookies[browser_cookie()], domain="127.0.0.1")
        assert await is_signed_in(thief)
        left = await send(await client.get("/portal/me"), client, "/portal/sign-out")
        assert left.headers["location"] == "/portal/sign-in?done=signed_out"
        assert left.headers["set-cookie"].startswith(f'{browser_cookie()}=""; ')
        assert "Max-Age=0" in left.headers["set-cookie"]
        assert not await is_signed_in(thief)
        assert WORDS["en"]["done_signed_out"] in (await client.get(left.headers["location"])).text


async def test_nobody_is_signed_out_by_a_page_of_others(app: FastAPI, dora: Account) -> None:
    async with visitor(app, dora) as client, visitor(app, dora) as elsewhere:
        other = form_on(await elsewhere.get("/portal/me"), "/portal/sign-out")
        assert (await client.post("/portal/sign-out", data=other, headers=SAME)).status_code == 403
        assert (await client.post("/portal/sign-out", headers=SAME)).status_code == 403
        assert (await client.get("/portal/sign-out")).status_code == 405
        assert await is_signed_in(client)


async def test_a_session_that_ended_comes_back_to_where_one_was(
    app: FastAPI, dora: Account, clock: ManualClock
) -> None:
    async with visitor(app, dora) as client:
        clock.advance(timedelta(days=31))
        led = await client.get("/portal/me/devices?done=ended")
        assert led.headers["location"] == "/portal/sign-in?next=%2Fportal%2Fme%2Fdevices%3Fdone%3Dended"
        entered = await sign_in(client, PHONE, led.headers["location"])
        assert entered.headers["location"] == "/portal/me/devices?done=ended"


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_language_can_be_chosen_and_is_kept(app: FastAPI, dora: Account, language: str) -> None:
    async with browser(app, language="de") as client:
        page = await client.get(f"/portal/sign-in?lang={language}&next=/portal/me")
        assert f'<html lang="{language}"' in page.text
        assert WORDS[language]["contact"] in page.text
        await send(page, client, "/portal/sign-in", contact=PHONE)
        assert WORDS[language]["code_title"] in (await client.get("/portal/sign-in/code")).text
        entered = await send(
            await client.get("/portal/sign-in/code"), client, "/portal/sign-in/code", code=await last_code()
        )
        assert entered.headers["location"] == "/portal/me"


async def test_codes_that_are_not_offered_are_not_asked_for(
    app: FastAPI, dora: Account, test_settings: Settings
) -> None:
    install_settings(test_settings.model_copy(update={"signin": SignInSettings(methods=("oidc",))}))
    try:
        async with browser(app) as client:
            answer = await send(await client.get("/portal/sign-in"), client, "/portal/sign-in", contact=PHONE)
        assert WORDS["en"]["no_codes"] in answer.text
    finally:
        install_settings(test_settings)


async def carer(dora: Account) -> Account:
    """Let Dora work for an agency that lets nobody in without a second factor."""
    agency = await make.organization(await make.community_of(dora), "care_agency")
    async with unit_of_work() as session:
        await session.execute(
            sa.update(Organization).where(col(Organization.id) == agency.id).values(requires_second_factor=True)
        )
    await make.membership(agency, dora, "carer")
    return dora


async def test_who_works_where_it_is_asked_for_shows_a_second_factor(
    app: FastAPI, dora: Account, clock: ManualClock
) -> None:
    await carer(dora)
    async with browser(app) as client:
        entered = await sign_in(client, PHONE, "/portal/sign-in?next=/portal/me/devices")
        second = entered.headers["location"]
        assert second == "/portal/sign-in/second-factor?next=%2Fportal%2Fme%2Fdevices"
        first_cookie = client.cookies[browser_cookie()]
        page = await send(await client.get(second), client, "/portal/sign-in/authenticator")
        secret = page.text.partition('<code class="number">')[2].partition("<")[0]
        assert 'src="data:image/svg+xml;base64,' in page.text
        wrong = await send(page, client, "/portal/sign-in/authenticator/confirmation", code="12345")
        assert wrong.status_code == 422
        totp = pyotp.TOTP(secret)
        confirmed = await send(page, client, "/portal/sign-in/authenticator/confirmation", code=totp.at(clock.now()))
        assert confirmed.status_code == 200, confirmed.text
        recovery = confirmed.text.partition('<code class="number">')[2].partition("<")[0]
        assert 'href="/portal/me/devices"' in confirmed.text
        assert client.cookies[browser_cookie()] != first_cookie  # worth more now: whoever knew the old one has nothing
        assert (await client.get(second)).headers["location"] == "/portal/me/devices"
    async with browser(app) as thief:
        thief.cookies.set(browser_cookie(), first_cookie, domain="127.0.0.1")
        assert not await is_signed_in(thief)
    clock.advance(timedelta(minutes=5))
    async with browser(app) as client:
        page = await client.get((await sign_in(client, PHONE)).headers["location"])
        action = "/portal/sign-in/second-factor"
        assert (await send(page, client, action, code="000000")).status_code == 403
        shown = await send(page, client, action, code=totp.at(clock.now()))
        assert (shown.status_code, shown.headers["location"]) == (303, "/portal")
    async with browser(app) as client:
        page = await client.get((await sign_in(client, PHONE)).headers["location"])
        shown = await send(page, client, "/portal/sign-in/recovery", recovery_code=recovery)
        assert shown.status_code == 303
        page = await client.get("/portal/me")
    async with browser(app) as client:
        page = await client.get((await sign_in(client, PHONE)).headers["location"])
        again = await send(page, client, "/portal/sign-in/recovery", recovery_code=recovery)
        assert again.status_code == 403
        assert WORDS["en"]["wrong_factor"] in again.text


async def test_nothing_of_signing_in_is_kept_by_a_browser(app: FastAPI, dora: Account) -> None:
    async with browser(app) as client:
        for answer in (
            await client.get("/portal/sign-in"),
            await ask_code(client, PHONE),
            await sign_in(client, PHONE),
        ):
            assert answer.headers["cache-control"] == "no-store"


def test_both_languages_say_the_same_things() -> None:
    assert set(WORDS["en"]) == set(WORDS["zh-CN"])
    assert ADDRESS.startswith("http://127.0.0.1")
