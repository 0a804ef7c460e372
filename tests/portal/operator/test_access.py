"""The operator's pages are the operator's alone, in every language, and what is posted comes from them."""

import re
from pathlib import Path
from string import Formatter
from typing import Final

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from app.portal.ground.texts import COMMON
from app.portal.operator import routes
from app.portal.operator.texts import WORDS
from tests.conftest import ROOT
from tests.factories import identity
from tests.portal.ground import visitor
from tests.portal.operator.conftest import Scene

PAGE: Final = "/portal/operator"
TEMPLATES: Final = sorted((ROOT / "app/portal/operator").glob("*.html"))
PAGES: Final = (
    PAGE,
    f"{PAGE}/residents",
    f"{PAGE}/residents/new",
    f"{PAGE}/imports",
    f"{PAGE}/organizations",
    f"{PAGE}/plans",
    f"{PAGE}/plans/new",
    f"{PAGE}/broadcasts",
    f"{PAGE}/broadcasts/new",
    f"{PAGE}/parked",
    f"{PAGE}/parked/replay?kind=delivery",
    f"{PAGE}/deliveries",
    f"{PAGE}/audit",
    f"{PAGE}/settings",
    f"{PAGE}/settings/holidays/2026",
    f"{PAGE}/settings/messages",
)


@pytest.mark.parametrize("language", ["en", "zh-CN"])
async def test_every_page_is_shown_to_the_operator(app: FastAPI, scene: Scene, language: str) -> None:
    boss = await identity.account(scene.community, name="Chief", language=language)
    await identity.membership(scene.operator, boss, "operator")
    async with visitor(app, boss, language=language) as browser:
        for page in (*PAGES, f"{PAGE}/residents/{scene.resident.id}", f"{PAGE}/organizations/{scene.agency.id}"):
            answer = await browser.get(page)
            assert answer.status_code == 200, (page, answer.text[-2000:])
            assert f'<html lang="{language}"' in answer.text
            assert " style=" not in answer.text
            assert WORDS[language]["tab_audit"] in answer.text


async def test_nobody_else_sees_any_of_it(app: FastAPI, scene: Scene) -> None:
    dispatcher = await identity.staff(scene.operator, "dispatcher")
    relative = await identity.account(scene.community, name="Dora")
    for account in (scene.coordinator, dispatcher, relative):
        async with visitor(app, account) as browser:
            for page in (*PAGES, f"{PAGE}/residents/{scene.resident.id}", f"{PAGE}/organizations/{scene.agency.id}"):
                assert (await browser.get(page)).status_code == 403, page
            assert PAGE not in (await browser.get("/portal/operator")).text


async def test_who_is_not_signed_in_is_led_to_where_one_signs_in(client: httpx.AsyncClient) -> None:
    for page in PAGES:
        answer = await client.get(page)
        assert (answer.status_code, answer.headers["location"][:15]) == (303, "/portal/sign-in")


async def test_nothing_is_taken_that_no_page_of_ours_has_sent(browser: httpx.AsyncClient) -> None:
    posted = [
        route.path
        for router in routes.ROUTERS
        for route in router.routes
        if isinstance(route, APIRoute) and "POST" in (route.methods or ())
    ]
    assert len(posted) > 15
    for path in posted:
        address = re.sub(r"\{item_id\}", "event:x:y", re.sub(r"\{\w*_id\}", "0" * 32, path)).replace("{year}", "2026")
        for sent in ({"csrf": "another"}, {}):
            answer = await browser.post(address, data=sent, headers={"Sec-Fetch-Site": "same-origin"})
            assert answer.status_code == 403, (path, answer.status_code)
        assert (await browser.post(address, headers={"Sec-Fetch-Site": "cross-site"})).status_code == 403


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def test_both_languages_say_the_same_things() -> None:
    assert set(WORDS["en"]) == set(WORDS["zh-CN"])
    for key, text in WORDS["en"].items():
        assert places(text) == places(WORDS["zh-CN"][key]), key
    assert {key for key, text in WORDS["zh-CN"].items() if not re.search(r"[\u3000-\u9fff]", text)} <= {
        "broadcast_progress",
        "list_comma",
    }


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_every_word_a_page_asks_for_is_there(template: Path) -> None:
    asked = set(re.findall(r"\bwords\.(\w+)", template.read_text()))
    assert asked <= set(WORDS["en"]) | set(COMMON["en"])
