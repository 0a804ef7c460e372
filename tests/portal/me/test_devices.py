"""Where somebody is signed in: seen, and ended at once."""

import pytest
from fastapi import FastAPI

from app.core.clock import ManualClock
from app.core.database import Database
from app.identity.api import LANGUAGES
from app.identity.models import Account
from app.portal.me.texts import WORDS
from tests.factories import identity as make
from tests.factories.sign_in import access_headers, session_of
from tests.portal import hostile
from tests.portal.ground import form_on, submit, visitor
from tests.portal.sign_in.browser import SAME

PAGE, END, ALL = "/portal/me/devices", "/portal/me/devices/end", "/portal/me/devices/all"


@pytest.fixture
async def dora(database: Database, clock: ManualClock) -> Account:
    return await make.account(await make.community(), name="Dora")


async def test_every_device_is_listed_and_this_one_is_marked(app: FastAPI, dora: Account) -> None:
    await session_of(dora, second_factor=True)
    async with visitor(app, dora) as client:
        page = await client.get(PAGE)
    assert page.status_code == 200
    assert page.text.count("<h2>Test phone") == 2
    assert page.text.count(f"{WORDS['en']['this_one']}</span>") == 1
    assert page.text.count(WORDS["en"]["with_factor"]) == 1


async def test_another_device_is_signed_out(app: FastAPI, dora: Account) -> None:
    other = await session_of(dora)
    async with visitor(app, dora) as client:
        answer = await submit(client, PAGE, END, session=str(other.id))
        assert (answer.status_code, answer.headers["location"]) == (303, f"{PAGE}?done=ended")
        assert (await client.get("/v1/me/sessions", headers=access_headers(other))).status_code == 401
        assert WORDS["en"]["done_ended"] in (await client.get(answer.headers["location"])).text


async def test_nobody_ends_what_is_anothers(app: FastAPI, dora: Account) -> None:
    mallory = await make.account(await make.community_of(dora), name="Mallory")
    theirs = await session_of(dora)
    async with visitor(app, mallory) as client:
        assert (await submit(client, PAGE, END, session=str(theirs.id))).status_code == 404
        assert (await client.get("/v1/me/sessions", headers=access_headers(theirs))).status_code == 200
        assert (await submit(client, PAGE, END, session="nonsense")).status_code in (404, 422)


async def test_signing_out_everywhere_ends_browsers_too(app: FastAPI, dora: Account) -> None:
    phone = await session_of(dora)
    async with visitor(app, dora) as here, visitor(app, dora) as there:
        assert (await there.get(PAGE)).status_code == 200
        answer = await submit(here, PAGE, ALL)
        assert answer.headers["location"] == "/portal/sign-in?done=signed_out"
        assert (await there.get(PAGE)).headers["location"].startswith("/portal/sign-in?")
        assert (await here.get(PAGE)).headers["location"].startswith("/portal/sign-in?")
        assert (await here.get("/v1/me/sessions", headers=access_headers(phone))).status_code == 401


async def test_a_browser_is_ended_from_a_phone(app: FastAPI, dora: Account) -> None:
    phone = access_headers(await session_of(dora))
    async with visitor(app, dora) as client:
        assert (await client.delete("/v1/me/sessions", headers=phone)).status_code == 204
        assert (await client.get(PAGE)).status_code == 303


async def test_the_form_of_another_sign_in_does_nothing(app: FastAPI, dora: Account) -> None:
    mallory = await make.account(await make.community_of(dora), name="Mallory")
    async with visitor(app, dora) as client, visitor(app, mallory) as other:
        stolen = form_on(await other.get(PAGE), ALL)
        assert (await client.post(ALL, data=stolen, headers=SAME)).status_code == 403
        assert (await client.get(PAGE)).status_code == 200


@pytest.mark.parametrize("name", hostile.NAMES)
async def test_names_are_text(app: FastAPI, dora: Account, name: str) -> None:
    person = await make.account(await make.community_of(dora), name=name)
    async with visitor(app, person) as client:
        assert hostile.harmless((await client.get("/portal/me")).text)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_it_speaks_the_visitors_language(app: FastAPI, dora: Account, language: str) -> None:
    person = await make.account(await make.community_of(dora), language=language)
    async with visitor(app, person) as client:
        assert WORDS[language]["devices_lead"] in (await client.get(PAGE)).text


def test_both_languages_say_the_same_things() -> None:
    assert set(WORDS["en"]) == set(WORDS["zh-CN"])
