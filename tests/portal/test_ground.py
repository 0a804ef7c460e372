"""The ground of the portal: who gets in, what is posted, what pages say when something is wrong."""

import asyncio
import importlib
import re
from collections import ChainMap
from collections.abc import AsyncIterator
from datetime import UTC
from typing import Any, Final

import httpx
import pytest
from fastapi import FastAPI
from starlette.datastructures import FormData
from starlette.responses import Response

from app.core import clock
from app.core.database import Database, reading
from app.core.problems import NotFound
from app.core.routing import route_options
from app.core.settings import install_settings, settings
from app.identity.api import LANGUAGES, browser_cookie, browser_visitor
from app.portal.ground import asking, assets, moments, pages
from app.portal.ground.asking import Refused
from app.portal.ground.forms import Form, Posted
from app.portal.ground.routing import pages_router
from app.portal.ground.texts import COMMON
from app.portal.ground.visits import Visitor
from tests.factories import identity
from tests.portal import ground, hostile
from tests.portal.elements import Elements

router = pages_router("/portal/tests")
WORDS: Final = {"en": {"done_sent": "It is sent."}, "zh-CN": {"done_sent": "已发送。"}}


@router.get("/me", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_me(visit: Visitor) -> Response:
    """Show what the API says of the visitor."""
    account = await visit.api.get("/v1/me/account")
    return pages.show(visit, "ground/trouble.html", WORDS, said=account["name"], status_code=200)


@router.get("/refused/{code}", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_refused(visit: Visitor, code: str) -> Response:
    """Ask the API for what is not there."""
    if code == "problem":
        raise NotFound
    return Response(str(await visit.api.get(f"/v1/residents/{code}/profile")))


@router.post("/sent", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def send(visit: Visitor, form: Posted) -> Response:
    """Take what was posted."""
    return pages.again("/portal/tests/me?of=1", "sent" if form.text("what") else "")


@pytest.fixture(scope="module")
def pages_app(app: FastAPI) -> FastAPI:
    """Return the application with the pages of this test before all others."""
    if not any(getattr(route, "path", "") == "/portal/tests/me" for route in app.router.routes):
        app.router.routes[:0] = router.routes
    return app


async def account_called(name: str) -> Any:
    return await identity.account(await identity.community(), name=name)


async def test_nobody_is_led_to_where_one_signs_in_and_back(client: httpx.AsyncClient, pages_app: FastAPI) -> None:
    answer = await client.get("/portal/tests/me", params={"of": "a b"})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/portal/sign-in?next=%2Fportal%2Ftests%2Fme%3Fof%3Da%2Bb"
    client.cookies.set(browser_cookie(), "x" * 43)
    assert (await client.get("/portal")).headers["location"] == "/portal/sign-in?next=%2Fportal"


async def test_a_page_shows_what_the_api_says_and_what_people_wrote_is_text(
    pages_app: FastAPI, database: Database
) -> None:
    for name in hostile.NAMES:
        async with ground.visitor(pages_app, await account_called(name[:100])) as browser:
            page = await browser.get("/portal/tests/me")
            assert page.status_code == 200
            assert hostile.harmless(page.text)
            policy = page.headers["content-security-policy"]
            assert "unsafe" not in policy
            nonces = [given["nonce"] for tag, given in Elements(page.text).found if tag == "script"]
            assert nonces
            assert all(f"'nonce-{nonce}'" in policy for nonce in nonces)
            assert page.headers["cache-control"] == "no-store"


async def test_what_the_api_refuses_is_a_page_that_says_so(pages_app: FastAPI, database: Database) -> None:
    async with ground.visitor(pages_app, await account_called("Someone")) as browser:
        for code in ("problem", "01a206f4-faf9-7def-bbd4-af5e840908c8"):
            page = await browser.get(f"/portal/tests/refused/{code}")
            assert page.status_code == 404
            assert COMMON["en"]["trouble_404"] in page.text
        page = await browser.get("/portal/tests/refused/nonsense")
        assert page.status_code == 422
        assert COMMON["en"]["trouble_422"] in page.text


async def test_an_address_that_is_no_page_is_a_page_that_says_so(client: httpx.AsyncClient) -> None:
    answer = await client.get("/portal/nothing", headers={"Accept": "text/html,*/*", "Accept-Language": "zh-CN"})
    assert answer.status_code == 404
    assert COMMON["zh-CN"]["trouble_404"] in answer.text
    assert (await client.get("/portal/nothing")).headers["content-type"] == "application/problem+json"


async def test_only_a_form_of_this_sign_in_counts(pages_app: FastAPI, database: Database) -> None:
    account = await account_called("Someone")
    async with ground.visitor(pages_app, account) as browser, ground.visitor(pages_app, account) as other:
        secret = browser.cookies[browser_cookie()]
        async with reading() as connection:
            who = await browser_visitor(connection, secret, clock.now())
        assert who is not None
        good = {"csrf": who.csrf, "what": "x"}
        for headers, fields in (
            ({}, {"what": "x"}),
            ({}, {**good, "csrf": "x"}),
            ({"Sec-Fetch-Site": "cross-site"}, good),
            ({"Origin": "https://elsewhere.example"}, good),
        ):
            answer = await browser.post("/portal/tests/sent", data=fields, headers=headers)
            assert answer.status_code == 403
            assert COMMON["en"]["trouble_not_our_form"] in answer.text
        assert (await other.post("/portal/tests/sent", data=good)).status_code == 403
        assert (await browser.post("/portal/tests/sent", json=good)).status_code == 403
        done = await browser.post("/portal/tests/sent", data=good, headers={"Sec-Fetch-Site": "same-origin"})
        assert done.status_code == 303
        assert done.headers["location"] == "/portal/tests/me?of=1&done=sent"
        assert "It is sent." in (await browser.get(done.headers["location"])).text


async def test_a_form_is_not_waited_for_for_ever(client: httpx.AsyncClient) -> None:
    await identity.community()
    before = settings()
    install_settings(before.model_copy(update={"http": before.http.model_copy(update={"body_seconds": 0.05})}))

    async def slowly() -> AsyncIterator[bytes]:
        yield b"contact="
        await asyncio.Event().wait()

    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    try:
        async with asyncio.timeout(5):
            answer = await client.post("/portal/sign-in", content=slowly(), headers=headers)
    finally:
        install_settings(before)
    assert answer.status_code == 403


def test_a_key_that_no_header_holds_is_none() -> None:
    for text in ("schlüssel", "键", "a\nb", ""):
        assert Form(FormData({"key": text})).key is None
    assert Form(FormData({"key": "aB_-9"})).key == "aB_-9"


def test_a_number_that_no_request_could_carry_is_none() -> None:
    for text in ("9" * 20, "-" + "9" * 19, "1e3", ""):
        assert Form(FormData({"of": text})).number("of") is None
    assert Form(FormData({"of": "-12"})).number("of") == -12


def test_a_way_back_leads_nowhere_else() -> None:
    backslash = "/\\elsewhere.example"  # for a browser a slash
    for address in ("https://elsewhere.example/", "//elsewhere.example", "portal", "javascript:alert(1)", backslash):
        with pytest.raises(ValueError, match="address"):
            pages.again(address)


async def test_files_are_kept_for_ever_and_there_are_no_others(client: httpx.AsyncClient) -> None:
    for feature, name in assets.files():
        answer = await client.get(assets.asset(f"{feature}/{name}"))
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
        plain = await client.get(assets.asset(f"{feature}/{name}"), headers={"Accept-Encoding": "identity"})
        assert "content-encoding" not in plain.headers
        assert plain.content == answer.content == assets.files()[feature, name]
        if not name.endswith(".png"):
            assert answer.headers["content-encoding"] == "gzip"
        old = await client.get(f"/portal/assets/0000/{feature}/{name}")
        assert old.headers["cache-control"] == "no-store"
    for path in ("ground/layout.html", "ground/..%2Fvisits.py", "ground/none.js"):
        assert (await client.get(f"/portal/assets/{assets.version()}/{path}")).status_code == 404


def test_every_page_says_the_same_things_in_both_languages() -> None:
    found = sorted(assets.PORTAL.glob("*/texts.py")) + sorted(assets.PORTAL.glob("*/*/texts.py"))
    assert found
    for file in found:
        name = ".".join(file.relative_to(assets.PORTAL.parent.parent).with_suffix("").parts)
        module = importlib.import_module(name)
        for words in (getattr(module, "WORDS", None), getattr(module, "COMMON", None)):
            if words is None:
                continue
            assert set(words) == set(LANGUAGES), name
            for language in LANGUAGES:
                assert set(words[language]) == set(words["en"]), name
                # In a template `words.keys` is the mapping's own, and no text.
                assert not [key for key in words[language] if hasattr(ChainMap, key)], name
                for key, text in words["en"].items():
                    fields = set(re.findall(r"\{\w+\}", str(text)))
                    assert fields == set(re.findall(r"\{\w+\}", str(words[language][key]))), (name, key)


class _Reader:
    language, time_zone = "en", UTC


@pytest.mark.usefixtures("clock")
def test_times_are_written_for_their_reader() -> None:
    reader: Any = _Reader()
    assert moments.moment(reader, "2026-03-02T07:05:00+00:00") == "7:05\u202fAM"
    assert moments.moment(reader, "2026-03-01T07:05:00+00:00") == "Sun, Mar 1, 7:05\u202fAM"
    assert moments.ago(reader, "2026-03-02T07:56:00+00:00") == "4 minutes ago"
    assert moments.day(reader, "2025-03-02") == "Sun, Mar 2, 2025"
    assert [moments.tongue(reader, code) for code in ("zh-CN", "es", "tlh-?")] == [
        "Chinese",
        "Spanish",
        "tlh-?",
    ]
    reader.language = "zh-CN"
    assert moments.ago(reader, "2026-03-02T10:00:00+00:00") == "2小时后"


async def test_what_is_asked_in_process_carries_its_query_and_its_refusal(
    pages_app: FastAPI, database: Database
) -> None:
    assert asking._encoded({"a": None, "b": True, "c": ["x", "y"], "d": 1}) == "b=true&c=x&c=y&d=1"
    assert Refused(409, {"code": "stale"}).code == "stale"
