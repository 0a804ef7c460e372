"""Orders of help at home on the road, for whoever carries them out: the door, the code, what is done, nobody else."""

import re
from html import unescape

import httpx
from fastapi import FastAPI

from app.core.clock import ManualClock
from app.portal.road.texts import WORDS
from tests.community.orders.conftest import THURSDAY, Scene, scene, subscribed
from tests.portal.ground import submit, visitor

__all__ = ["scene", "subscribed"]

EN = WORDS["en"]


def words_on(page: httpx.Response) -> str:
    """Return what a page says, without its markup."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", page.text)))


async def test_an_order_from_the_route_to_its_end(app: FastAPI, scene: Scene, clock: ManualClock) -> None:
    order = await scene.assigned()
    clock.set(THURSDAY)
    page = f"/portal/road/orders/{order['id']}"
    async with visitor(app, scene.mei) as browser:
        route = await browser.get("/portal/road")
        assert f'href="{page}"' in route.text
        shown = await submit(browser, page, f"{page}/door")
        assert (shown.status_code, EN["way_in"] in words_on(shown)) == (200, True)
        assert (await submit(browser, page, f"{page}/on-the-way")).headers["location"] == f"{page}?done=order"
        wrong = await submit(browser, page, f"{page}/start", code="12")
        assert (wrong.status_code, EN["start_code_missing"] in words_on(wrong)) == (422, True)
        code = (await scene.seen(order))["start_code"]
        other = f"{(int(code) + 1) % 1_000_000:06}"
        wrong = await submit(browser, page, f"{page}/start", code=other)
        assert (wrong.status_code, EN["trouble_wrong_start_code"] in words_on(wrong)) == (409, True)
        assert (await submit(browser, page, f"{page}/start", code=code)).status_code == 303
        assert (await submit(browser, page, f"{page}/notes", text="A lamp is broken")).status_code == 303
        open_steps = await submit(browser, page, f"{page}/completion")
        assert (open_steps.status_code, EN["trouble_checklist_open"] in words_on(open_steps)) == (409, True)
        assert (await submit(browser, page, f"{page}/completion", done="kitchen")).status_code == 303
        assert EN["state_finished"] in words_on(await browser.get(page))


async def test_nobody_opens_and_whoever_does_not_go_there_finds_nothing(
    app: FastAPI, scene: Scene, clock: ManualClock
) -> None:
    order = await scene.assigned()
    clock.set(THURSDAY)
    page = f"/portal/road/orders/{order['id']}"
    async with visitor(app, scene.lin) as browser:
        assert (await browser.get(page)).status_code in (403, 404)
    async with visitor(app, scene.mei) as browser:
        said = await submit(browser, page, f"{page}/no-access", note="Rang twice and knocked")
        assert said.status_code == 303
        assert EN["state_no_access"] in words_on(await browser.get(page))
