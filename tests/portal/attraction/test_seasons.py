"""A season is made of a template after it was said what it would be, and changed later; what is sold stays."""

import re
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.portal.attraction.texts import WORDS
from tests.factories import community_ticketing as ticketing
from tests.factories import community_tickets as tickets
from tests.portal import hostile
from tests.portal.attraction.conftest import Scene
from tests.portal.ground import form_on, visitor

EN = WORDS["en"]
SAME = {"Sec-Fetch-Site": "same-origin"}
SPRING: dict[str, Any] = {
    "name": hostile.MARKUP,
    "starts_on": "2026-03-09",
    "ends_on": "2026-03-22",
    "weekday": ["1", "2", "3", "4", "5"],
    "except-first-0": "2026-03-11",
    "except-last-0": "2026-03-12",
    "times": "9:00，11:00",
    "row_from": "13:00",
    "row_until": "14:00",
    "row_every": "30",
    "lasts": "60",
    "enters": "20",
    "capacity": "25",
}


def _on(page: httpx.Response, action: str, **values: Any) -> dict[str, Any]:
    """Return what a season's form would send, all of its weekdays and times too."""
    (times,) = re.findall(r'<textarea id="f-times"[^>]*>([^<]*)<', page.text)
    return form_on(page, action) | {"weekday": SPRING["weekday"], "times": times} | values


async def _looked(browser: httpx.AsyncClient, page: str, **values: Any) -> httpx.Response:
    answer = await browser.post(page, data=_on(await browser.get(page), page, **values), headers=SAME)
    assert answer.status_code == 200, answer.text
    return answer


async def test_a_season_is_made_after_it_was_said_how_many_slots_arise(app: FastAPI, scene: Scene) -> None:
    new = f"{scene.base}/seasons/new"
    async with visitor(app, scene.keeper) as browser:
        odd = await browser.post(
            new, data=_on(await browser.get(new), new, **SPRING | {"lasts": "1", "times": "noon"}), headers=SAME
        )
        assert (odd.status_code, "noon" in odd.text, EN["save_season"] in odd.text) == (422, True, False)
        looked = await _looked(browser, new, **SPRING)
        # Ten weekdays of two weeks but for two, five times each.
        assert re.search(EN["preview_says"].format(slots=40, days=8, first=".*", last=".*"), looked.text)
        assert EN["slots_created"].format(count=40) in looked.text
        assert EN["days_left_out"].format(count=2) in looked.text
        assert hostile.harmless(looked.text)
        assert len(await ticketing.slots_of(scene.place.id)) == 3
        # What one has not looked at is not saved.
        other = await browser.post(new, data=_on(looked, new, save="1", capacity="30"), headers=SAME)
        assert (other.status_code, EN["trouble_look_again"] in other.text) == (422, True)
        fields = _on(looked, new, save="1")
        kept = await browser.post(new, data=fields, headers=SAME)
        assert (kept.status_code, kept.headers["location"].endswith("done=season_made")) == (303, True)
        twice = await browser.post(new, data=fields, headers=SAME)
        assert twice.headers["location"] == kept.headers["location"]
        assert len(await ticketing.slots_of(scene.place.id)) == 43
        page = await browser.get(kept.headers["location"])
        assert EN["slots_created"].format(count=40) in page.text
        assert 'value="2026-03-11"' in page.text
        assert 'value="2026-03-12"' in page.text
        assert "09:00, 11:00, 13:00, 13:30, 14:00" in page.text
        assert hostile.harmless((await browser.get(f"{scene.base}/seasons")).text)


async def test_a_season_is_changed_and_what_is_sold_of_it_stays(app: FastAPI, scene: Scene) -> None:
    async with visitor(app, scene.keeper) as browser, visitor(app, scene.colleague) as other:
        new = f"{scene.base}/seasons/new"
        looked = await _looked(browser, new, **SPRING | {"row_every": "", "name": "Spring"})
        kept = await browser.post(new, data=_on(looked, new, save="1"), headers=SAME)
        page = kept.headers["location"].split("?")[0]
        first = (await ticketing.slots_of(scene.place.id))[3]
        await tickets.sold(scene.worker, scene.museum, first, scene.adult, quantity=6)
        theirs = await _looked(other, page, capacity="26")
        meant = await _looked(browser, page, times="09:00", capacity="5")
        # Of sixteen, eight at eleven are in it no more; of those at nine one has sold more than there would be.
        assert EN["slots_closed"].format(count=8) in meant.text
        assert EN["slots_oversold"].format(count=1) in meant.text
        refused = await browser.post(page, data=_on(meant, page, save="1"), headers=SAME)
        assert (refused.status_code, EN["trouble_more_is_sold"] in refused.text) == (422, True)
        given = _on(refused, page, save="1", overbook_reason="A smaller room")
        done = await browser.post(page, data=given, headers=SAME)
        assert done.status_code == 303, done.text
        assert EN["slots_changed"].format(count=8) in (await browser.get(done.headers["location"])).text
        # A colleague's change is not lost under one that began before it.
        late = await other.post(page, data=_on(theirs, page, save="1"), headers=SAME)
        assert late.status_code in (412, 422), late.text
        rests = await _looked(browser, page, rests="1")
        assert EN["preview_none"] in rests.text
        assert (await browser.post(page, data=_on(rests, page, save="1"), headers=SAME)).status_code == 303
        assert EN["season_rests"] in (await browser.get(f"{scene.base}/seasons")).text


async def test_seasons_are_the_coordinators(app: FastAPI, scene: Scene) -> None:
    async with visitor(app, scene.worker) as browser:
        assert (await browser.get(f"{scene.base}/seasons")).status_code == 403
        assert (await browser.get(f"{scene.base}/seasons/new")).status_code == 403
        assert EN["seasons"] not in (await browser.get(f"{scene.base}/days")).text
    async with visitor(app, scene.stranger) as browser:
        assert (await browser.get(f"{scene.base}/seasons")).status_code == 404
    async with visitor(app, scene.keeper) as browser:
        assert EN["no_seasons"] in (await browser.get(f"{scene.base}/seasons")).text
        unknown = await browser.get(f"{scene.base}/seasons/{scene.adult.id}")
        assert unknown.status_code == 404


@pytest.mark.parametrize(
    "odd",
    [
        {"except-first-0": "9999-12-31", "except-last-0": "9999-12-31"},
        {"except-first-0": "9999-12-30", "except-last-0": "9999-12-31"},
        {"except-first-0": "0001-01-01", "except-last-0": "9999-12-31"},
        {"row_every": "99999999999999999"},
        {"row_from": "13:00+02:00"},
        {"row_until": "14:00Z"},
        {"weekday": ["1", "9"]},
        {"capacity": "99999999999999999999"},
    ],
)
async def test_what_nobody_means_is_said_to_be_wrong(app: FastAPI, scene: Scene, odd: dict[str, Any]) -> None:
    new = f"{scene.base}/seasons/new"
    async with visitor(app, scene.keeper) as browser:
        given = form_on(await browser.get(new), new) | SPRING | odd
        assert (await browser.post(new, data=given, headers=SAME)).status_code in (200, 422)


async def test_days_left_out_are_left_out_though_the_last_was_written_first(app: FastAPI, scene: Scene) -> None:
    new = f"{scene.base}/seasons/new"
    turned = {"except-first-0": "2026-03-12", "except-last-0": "2026-03-11"}
    async with visitor(app, scene.keeper) as browser:
        looked = await _looked(browser, new, **SPRING | turned)
    assert EN["days_left_out"].format(count=2) in looked.text
