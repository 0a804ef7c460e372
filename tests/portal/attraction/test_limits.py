"""Quotas, add-ons and terms are kept on pages; a quota's says what is left, and why nothing is."""

from datetime import timedelta

from fastapi import FastAPI

from app.portal.attraction.texts import WORDS
from tests.factories import community_ticketing as ticketing
from tests.factories import community_tickets as tickets
from tests.factories import identity
from tests.portal import hostile
from tests.portal.attraction.conftest import NINE, Scene
from tests.portal.ground import form_on, submit, visitor

EN = WORDS["en"]
SAME = {"Sec-Fetch-Site": "same-origin"}


async def test_a_quota_is_kept_and_says_why_nothing_is_left(app: FastAPI, scene: Scene) -> None:
    page = f"{scene.base}/quotas"
    resident = await identity.resident(scene.community, phone="+8613900000009")
    async with visitor(app, scene.keeper) as browser:
        given = {"name_en": hostile.MARKUP, "name_zh": "每日", "code": "daily", "scope": "day", "capacity": "5"}
        bad = await submit(browser, page, page, **given | {"capacity": "many"})
        assert (bad.status_code, 'value="daily"' in bad.text) == (422, True)
        added = await submit(browser, page, page, product=str(scene.adult.id), **given)
        one = added.headers["location"].split("?")[0]
        assert EN["limit_sold"].format(sold=0, capacity=5) in (await browser.get(one)).text
        await tickets.sold(scene.worker, scene.museum, scene.slots[0], scene.adult, quantity=3)
        await tickets.cart(resident, scene.slots[1], scene.adult, quantity=2)
        shown = await browser.get(one)
        assert EN["limit_sold"].format(sold=5, capacity=5) in shown.text
        assert EN["sold_out"] in shown.text
        assert hostile.harmless(shown.text)
        # The slot has places, and its page says what else limits it.
        slot = await browser.get(f"{scene.base}/slots/{scene.slots[2].id}")
        assert f'href="{one}?day=2026-03-02"' in slot.text
        assert EN["for_some_tickets"] in slot.text
        less = await submit(browser, one, one, capacity="4")
        assert (less.status_code, EN["trouble_more_is_sold"] in less.text) == (409, True)
        why = form_on(less, one) | {"overbook_reason": "A room is shut"}
        assert (await browser.post(one, data=why, headers=SAME)).headers["location"].endswith("done=quota_changed")
        assert EN["limit_over"].format(count=1) in (await browser.get(one)).text
        assert (await browser.post(one, data=why, headers=SAME)).status_code == 412
        assert (await browser.get(f"{page}/{scene.adult.id}")).status_code == 404
        assert EN["quota_nothing"] in (await browser.get(f"{one}?day=2026-05-01")).text


async def test_a_quota_of_each_slot_and_what_came_too_late_for_it(app: FastAPI, scene: Scene) -> None:
    await tickets.sold(scene.worker, scene.museum, scene.slots[0], scene.adult)
    page = f"{scene.base}/quotas"
    async with visitor(app, scene.keeper) as browser:
        added = await submit(browser, page, page, name_en="Few", name_zh="少", code="few", scope="slot", capacity="2")
        shown = await browser.get(added.headers["location"])
        assert EN["quota_uncovered"].format(count=1) in shown.text
        assert shown.text.count(EN["limit_sold"].format(sold=0, capacity=2)) == 2
        assert 'href="/portal/attraction' in shown.text
    async with visitor(app, scene.worker) as browser:
        assert (await browser.get(page)).status_code == 403
    async with visitor(app, scene.stranger) as browser:
        assert (await browser.get(added.headers["location"])).status_code == 404


async def test_addons_are_kept(app: FastAPI, scene: Scene) -> None:
    new = f"{scene.base}/addons/new"
    async with visitor(app, scene.keeper) as browser:
        given = {"name_en": hostile.MARKUP, "name_zh": "轮椅", "code": "wheelchair", "price": "12.50", "stock": "3"}
        bad = await submit(browser, new, new, **given | {"price": "cheap"})
        assert (bad.status_code, EN["wrong_amount"] in bad.text, 'value="cheap"' in bad.text) == (422, True, True)
        assert (await submit(browser, new, new, **given)).headers["location"].endswith("done=addon_kept")
        assert (await submit(browser, new, new, **given)).status_code == 409
        listed = await browser.get(f"{scene.base}/addons")
        assert hostile.harmless(listed.text)
        assert "CN¥12.50" in listed.text
        (address,) = {one for one in listed.text.split('"') if "/addons/0" in one}
        assert (await submit(browser, address, address, stock="", aside="1")).status_code == 303
        listed = await browser.get(f"{scene.base}/addons")
        assert EN["put_aside"] in listed.text
        assert EN["stock_endless"] in listed.text
        stale = form_on(await browser.get(address), address) | {"version": "1"}
        assert (await browser.post(address, data=stale, headers=SAME)).status_code == 412


async def test_terms_are_kept(app: FastAPI, scene: Scene) -> None:
    page = f"{scene.base}/terms"
    steps = {"notice-0": "48", "percent-0": "100", "notice-1": "2", "percent-1": "50"}
    async with visitor(app, scene.keeper) as browser:
        odd = await submit(browser, page, page, **steps | {"percent-1": "500"})
        assert odd.status_code == 422
        kept = await submit(browser, page, page, change_notice="90", hold_minutes="20", **steps)
        assert kept.headers["location"].endswith("done=terms_kept")
        shown = form_on(await browser.get(page), page)
        assert {name: shown[name] for name in steps} == steps
        assert (shown["change_notice"], shown["hold_minutes"], "pays_at_desk" in shown) == ("90", "20", False)
    async with visitor(app, scene.worker) as browser:
        assert (await browser.get(page)).status_code == 403


async def test_a_season_of_thousands_is_paged_by_month_week_and_day(app: FastAPI, scene: Scene) -> None:
    starts = [NINE + timedelta(days=1, minutes=5 * number) for number in range(130)]
    made = await ticketing.slots(scene.museum, scene.place.id, starts, capacity=1)
    await tickets.sold(scene.worker, scene.museum, made[0], scene.adult)
    day = f"{scene.base}/days/2026-03-03"
    async with visitor(app, scene.keeper) as browser:
        month = await browser.get(f"{scene.base}/days?month=2026-03")
        assert EN["so_many_sold"].format(sold=1, capacity=130, slots=130) in month.text
        week = await browser.get(f"{scene.base}/weeks/2026-03-07")
        assert EN["so_many_sold"].format(sold=1, capacity=130, slots=130) in week.text
        assert EN["so_many_sold_out"].format(count=1) in week.text
        first = await browser.get(day)
        assert EN["of_all_slots"].format(shown=100, all=130) in first.text
        assert first.text.count('name="slot"') == 100
        assert EN["cancel_whole_day"] in first.text
        assert EN["later_ones"].format(time="17:15") in first.text
        later = await browser.get(f"{day}?since=17:15")
        assert later.text.count('name="slot"') == 31
        assert f'data-live-src="{day}/part?since=17%3A15"' in later.text
        assert (await browser.get(f"{day}?since=noon")).status_code == 200
        jumped = await browser.get(f"{scene.base}/days?day=2026-05-04&view=day")
        assert jumped.headers["location"] == f"{scene.base}/days/2026-05-04"
        jumped = await browser.get(f"{scene.base}/days?day=2026-05-04&view=week")
        assert jumped.headers["location"] == f"{scene.base}/weeks/2026-05-04"
        assert "2026-05" in (await browser.get(f"{scene.base}/days?day=2026-04-04&view=month")).text
