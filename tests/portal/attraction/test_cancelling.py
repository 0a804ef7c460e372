"""Calling off on the pages: said beforehand, asked once more, followed; never half, never twice."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import sqlalchemy as sa
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import ManualClock
from app.core.database import reading
from app.core.due import drain
from app.core.jobs import settle
from app.core.relay import RELAY_JOBS
from app.portal.attraction.texts import WORDS
from community.slot_cancellations.models import CANCELLATIONS
from community.ticket_orders import jobs
from community.ticketing.models import SLOTS
from tests.factories import community_tickets as tickets
from tests.factories import identity
from tests.portal import hostile
from tests.portal.attraction.conftest import Scene, work
from tests.portal.ground import form_on, visitor

EN = WORDS["en"]
DAY = "2026-03-02"
SAME = {"Sec-Fetch-Site": "same-origin"}


async def _sold(scene: Scene) -> None:
    grace = await identity.resident(scene.community, phone="+8613800000001")
    await tickets.cart(grace, scene.slots[1], scene.adult, quantity=2)
    await tickets.sold(scene.worker, scene.museum, scene.slots[2], scene.adult)


async def _to_confirmation(browser: httpx.AsyncClient, scene: Scene, **fields: str) -> httpx.Response:
    page = await browser.get(f"{scene.base}/cancellations/new?slot={scene.slots[1].id}&slot={scene.slots[2].id}")
    assert page.status_code == 200, page.text[:300]
    action = f"{scene.base}/cancellations/confirmation"
    given: dict[str, Any] = form_on(page, action) | {"slot": [str(one.id) for one in scene.slots[1:]]}
    given |= {"reason": "technical", "message_en": "A burst pipe", "message_zh": "水管爆裂"} | fields
    return await browser.post(action, data=given, headers=SAME)


def _confirmed(page: httpx.Response, scene: Scene, **fields: str) -> dict[str, Any]:
    given: dict[str, Any] = form_on(page, f"{scene.base}/cancellations")
    return given | {"slot": [str(one.id) for one in scene.slots[1:]], "sure": "1"} | fields


async def _states(scene: Scene) -> list[str]:
    async with reading() as connection:
        query = sa.select(SLOTS.c.state).where(SLOTS.c.attraction_id == scene.place.id).order_by(SLOTS.c.starts_at)
        return list(await connection.scalars(query))


async def test_the_afternoon_is_called_off_and_the_progress_is_told(app: FastAPI, scene: Scene) -> None:
    await _sold(scene)
    async with visitor(app, scene.keeper) as browser:
        day = await browser.get(f"{scene.base}/days/{DAY}")
        assert EN["cancel_all_ahead"].format(count=3) in day.text
        asked = await browser.get(f"{scene.base}/cancellations/new?day={DAY}")
        assert 'id="concerned-orders">2<' in asked.text
        assert 'id="concerned-people">3<' in asked.text
        assert EN["cannot_be_told"].format(count=1) in asked.text
        confirm = await _to_confirmation(browser, scene, message_en=hostile.MARKUP)
        assert hostile.harmless(confirm.text)
        assert EN["cancel_sure"].format(count=2) in confirm.text
        assert await _states(scene) == ["open"] * 3
        done = await browser.post(f"{scene.base}/cancellations", data=_confirmed(confirm, scene), headers=SAME)
        assert done.status_code == 303
        progress = await browser.get(done.headers["location"])
        assert EN["done_cancelled"] in progress.text
        assert EN["progress_says"].format(over=0, all=3) in progress.text
        assert await _states(scene) == ["open", "cancelled", "cancelled"]
        await work()
        part = await browser.get(done.headers["location"].split("?")[0] + "/part")
        assert EN["progress_done"] in part.text
        assert EN["progress_says"].format(over=3, all=3) in part.text
        assert f'id="told">{EN["so_many_of"].format(count=1, all=1)}<' in part.text
        assert "CN¥180.00" in part.text
        assert "CN¥60.00" in part.text  # to be handed out at the office


async def test_pressed_twice_and_by_two_at_once_it_is_done_once(app: FastAPI, scene: Scene) -> None:
    await _sold(scene)
    async with visitor(app, scene.keeper) as one, visitor(app, scene.colleague) as other:
        mine, theirs = await _to_confirmation(one, scene), await _to_confirmation(other, scene)
        action = f"{scene.base}/cancellations"
        first = _confirmed(mine, scene)
        answers = await asyncio.gather(
            one.post(action, data=first, headers=SAME),
            one.post(action, data=first, headers=SAME),
            other.post(action, data=_confirmed(theirs, scene), headers=SAME),
        )
        codes = [answer.status_code for answer in answers]
        # Pressed again while it is done, it is said that it is under way; nothing more happens.
        assert set(codes) <= {303, 409}
        assert 303 in codes
        if codes[2] == 409:
            assert EN["trouble_slots_not_open"] in answers[2].text
            assert EN["see_cancellations"] in answers[2].text
        else:
            assert codes[:2] == [409, 409]
    await work()
    async with reading() as connection:
        assert await connection.scalar(sa.select(sa.func.count()).select_from(CANCELLATIONS)) == 1


async def test_without_a_reason_a_tick_or_with_one_language_nothing_happens(app: FastAPI, scene: Scene) -> None:
    await _sold(scene)
    async with visitor(app, scene.keeper) as browser:
        missing = await _to_confirmation(browser, scene, reason="")
        assert (missing.status_code, EN["wrong_reason"] in missing.text) == (422, True)
        half = await _to_confirmation(browser, scene, message_zh="")
        assert (half.status_code, EN["trouble_one_language"] in half.text) == (422, True)
        assert "A burst pipe" in half.text
        confirm = await _to_confirmation(browser, scene)
        unsure = await browser.post(
            f"{scene.base}/cancellations", data=_confirmed(confirm, scene, sure=""), headers=SAME
        )
        assert (unsure.status_code, EN["trouble_not_sure"] in unsure.text) == (422, True)
        none = await browser.get(f"{scene.base}/cancellations/new")
        assert (none.status_code, EN["trouble_none_chosen"] in none.text) == (422, True)
        odd = await browser.get(f"{scene.base}/cancellations/new?slot=nonsense")
        assert odd.status_code == 422
        assert await _states(scene) == ["open"] * 3


async def test_what_failed_is_said_and_tried_again(app: FastAPI, scene: Scene) -> None:
    await _sold(scene)

    async def odd(session: AsyncSession, ids: Any) -> None:
        raise RuntimeError("the books are shut")

    async with visitor(app, scene.keeper) as browser:
        confirm = await _to_confirmation(browser, scene)
        done = await browser.post(f"{scene.base}/cancellations", data=_confirmed(confirm, scene), headers=SAME)
        address = done.headers["location"].split("?")[0]
        await settle(RELAY_JOBS)
        await drain(jobs.CALLED_OFF, odd)
        page = await browser.get(address)
        assert EN["progress_failed"] in page.text
        again = await browser.post(f"{address}/retry", data=form_on(page, f"{address}/retry"), headers=SAME)
        assert again.headers["location"].endswith("done=retried")
        await work()
        assert EN["progress_done"] in (await browser.get(address)).text
    async with visitor(app, scene.worker) as browser:
        assert (await browser.get(address)).status_code == 200
        fields = form_on(page, f"{address}/retry")
        fields["csrf"] = form_on(await browser.get(scene.base), f"{scene.base}/closing")["csrf"]
        assert (await browser.post(f"{address}/retry", data=fields, headers=SAME)).status_code == 403


async def test_what_is_over_is_left_out_and_said(app: FastAPI, scene: Scene, clock: ManualClock) -> None:
    clock.set(scene.slots[0].ends_at + timedelta(minutes=1))
    async with visitor(app, scene.keeper) as browser:
        asked = await browser.get(f"{scene.base}/cancellations/new?slot={scene.slots[0].id}&slot={scene.slots[1].id}")
        assert EN["left_out_over"] in asked.text
        only = await browser.get(f"{scene.base}/cancellations/new?slot={scene.slots[0].id}")
        assert EN["nothing_to_cancel"] in only.text


async def test_one_who_holds_a_form_of_somebody_else_changes_nothing(app: FastAPI, scene: Scene) -> None:
    async with visitor(app, scene.keeper) as browser, visitor(app, scene.stranger) as stranger:
        confirm = await _to_confirmation(browser, scene)
        fields = _confirmed(confirm, scene)
        assert (await stranger.post(f"{scene.base}/cancellations", data=fields, headers=SAME)).status_code == 403
        theirs = f"/portal/attraction/{scene.other.organization_id}/{scene.other.id}"
        own = form_on(await stranger.get(theirs), f"{theirs}/closing")
        fields["csrf"] = own["csrf"]
        assert (await stranger.post(f"{scene.base}/cancellations", data=fields, headers=SAME)).status_code == 404
        tried = await stranger.post(f"{theirs}/cancellations", data=fields, headers=SAME)
        assert tried.status_code == 404
        assert await _states(scene) == ["open"] * 3
