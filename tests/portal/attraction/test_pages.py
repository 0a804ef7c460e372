"""Every page of an attraction, in both languages, for those who may see it and those who may not."""

from datetime import timedelta

import pytest
from fastapi import FastAPI

from app.identity.models import Account
from app.portal.attraction.texts import WORDS
from tests.factories import community_gates as gates
from tests.factories import community_tickets as tickets
from tests.factories import identity
from tests.portal import hostile
from tests.portal.attraction.conftest import Scene
from tests.portal.ground import visitor

EN = WORDS["en"]
BOTH = ("", "/part", "/gates", "/gates/part", "/office", "/orders?day=2026-03-02", "/cancellations", "/edit", "/hours")
DAYS = ("/days", "/weeks/2026-03-02", "/days/2026-03-02", "/days/2026-03-02/part")
SETUP = ("/seasons", "/seasons/new", "/quotas", "/addons", "/addons/new", "/terms")
KEEPERS = ("/products", "/products/new", "/sales", "/sales?days=7", "/cancellations/new?day=2026-03-02", *SETUP)


async def _all_pages(scene: Scene) -> list[str]:
    cart = await tickets.sold(scene.worker, scene.museum, scene.slots[0], scene.adult, quantity=2)
    return [
        *BOTH,
        *DAYS,
        *KEEPERS,
        f"/slots/{scene.slots[0].id}",
        f"/products/{scene.adult.id}",
        f"/gates/{scene.gate.id}",
        f"/orders/{cart.orders[0].id}",
    ]


@pytest.mark.parametrize("language", ["en", "zh-CN"])
async def test_every_page_answers_and_takes_nothing_for_its_own(
    app: FastAPI, hostile_scene: Scene, language: str
) -> None:
    scene = hostile_scene
    await gates.conflict(scene.gate)
    async with visitor(app, await _speaking(scene, language), language=language) as browser:
        for page in await _all_pages(scene):
            answer = await browser.get(scene.base + page)
            assert answer.status_code == 200, (page, answer.text[:600])
            assert hostile.harmless(answer.text), page
            assert "style=" not in answer.text, page
            assert len(answer.content) < 100_000, page
            if not page.split("?")[0].endswith("part"):
                assert f'<html lang="{language}"' in answer.text


async def _speaking(scene: Scene, language: str) -> Account:
    account = await identity.account(scene.community, name=hostile.BACKWARDS, language=language)
    await identity.membership(scene.museum, account, "coordinator")
    return account


async def test_who_works_for_one_attraction_is_led_there_and_the_operator_chooses(app: FastAPI, scene: Scene) -> None:
    async with visitor(app, scene.keeper) as browser:
        assert (await browser.get("/portal/attraction")).headers["location"] == scene.base
        assert (await browser.get("/portal")).headers["location"] == "/portal/attraction"
    async with visitor(app, scene.operator, second_factor=True) as browser:
        listed = await browser.get("/portal/attraction")
        assert "Lake Museum" in listed.text
        assert "Secret house" in listed.text
        assert (await browser.get(scene.base + "/products")).status_code == 200


async def test_another_attractions_people_find_nothing(app: FastAPI, scene: Scene) -> None:
    pages = await _all_pages(scene)
    theirs = f"/portal/attraction/{scene.other.organization_id}"
    async with visitor(app, scene.stranger) as browser:
        for page in pages:
            answer = await browser.get(scene.base + page)
            assert answer.status_code == 404, page
            assert "Lake Museum" not in answer.text
        # Nor under one's own organization, nor what is theirs under one's own attraction.
        assert (await browser.get(f"{theirs}/{scene.place.id}")).status_code == 404
        for page in (f"/slots/{scene.slots[0].id}", f"/products/{scene.adult.id}", f"/gates/{scene.gate.id}"):
            assert (await browser.get(f"{theirs}/{scene.other.id}{page}")).status_code == 404, page
        chosen = await browser.get(f"{theirs}/{scene.other.id}/cancellations/new?slot={scene.slots[0].id}")
        assert chosen.status_code == 404


async def test_who_works_there_sees_the_day_and_sells_but_keeps_no_prices(app: FastAPI, scene: Scene) -> None:
    pages = await _all_pages(scene)
    async with visitor(app, scene.worker) as browser:
        for page in (*BOTH, *DAYS):
            assert (await browser.get(scene.base + page)).status_code == 200, page
        for page in [*KEEPERS, f"/products/{scene.adult.id}", f"/slots/{scene.slots[0].id}"]:
            assert (await browser.get(scene.base + page)).status_code == 403, page
        day = await browser.get(f"{scene.base}/days/2026-03-02")
        assert EN["cancel_chosen"] not in day.text
        assert pages


async def test_a_resident_and_nobody_see_nothing(app: FastAPI, scene: Scene) -> None:
    async with visitor(app, await identity.account(scene.community, name="Somebody")) as browser:
        assert (await browser.get(scene.base)).status_code == 404
        assert EN["no_places"] in (await browser.get("/portal/attraction")).text
        browser.cookies.clear()
        assert (await browser.get(scene.base)).headers["location"].startswith("/portal/sign-in")


async def test_the_day_says_what_is_sold_left_and_who_came(app: FastAPI, scene: Scene) -> None:
    await tickets.sold(scene.worker, scene.museum, scene.slots[0], scene.adult, quantity=3)
    async with visitor(app, scene.keeper) as browser:
        page = await browser.get(scene.base)
        counted = EN["slot_counts"].format(sold=3, capacity=20, left=17, scanned=0)
        assert counted in (await browser.get(f"{scene.base}/days/2026-03-02")).text
        assert EN["inside_of"].format(count=0, capacity=100) in page.text
        assert f'data-live="attractions:{scene.museum.id}"' in page.text
        month = await browser.get(f"{scene.base}/days?month=2026-03")
        assert "3 of 60 sold in 3 slots" in month.text
        assert (await browser.get(f"{scene.base}/days?month=nonsense")).status_code == 200
        assert (await browser.get(f"{scene.base}/days/{(scene.slots[0].day + timedelta(days=400))}")).status_code == 200
