"""A company at work: its desk places an order on a large screen, and whoever goes does it with a phone in one hand."""

import asyncio
from datetime import timedelta
from typing import Final
from zoneinfo import ZoneInfo

from playwright.async_api import FilePayload, FloatRect, Locator, expect

from app.core import clock
from app.core.database import unit_of_work
from app.portal.ground.texts import COMMON
from app.portal.me.texts import WORDS as ME
from app.portal.provider.texts import WORDS
from community.orders.models import Order
from tests.browser.portal.company import CODE, Shop, shop
from tests.browser.portal.conftest import Portal
from tests.browser.portal.phones import keeps, keeps_nothing, sign_in_on
from tests.browser.portal.times import in_a_while
from tests.browser.portal.windows import PATIENCE, Window, Windows
from tests.factories import community_orders as orders
from tests.factories import community_ratings as ratings
from tests.factories import community_workers as workers
from tests.faults.processes import eventually
from tests.media.samples import photo

EN = WORDS["en"]
WORK = "/portal/provider/mine"
HOUR: Final = timedelta(hours=1)


async def looked_at_all_tabs(window: Window, of: Shop) -> None:
    """Go through what a company's desk has, tab by tab, and judge each."""
    for tab in ("/people", f"/people/{of.rows[0].id}", "/complaints", "/ratings", "/statements", "/statements/2026-03"):
        await window.open(of.root + tab)
        await expect(window.page.locator("main h1")).to_be_attached(timeout=PATIENCE)
        await window.is_fine("desk")


async def box_of(what: Locator) -> FloatRect:
    """Return where something is; what is shown anew in this very moment is nowhere."""
    for _ in range(50):
        if box := await what.bounding_box():
            return box
        await asyncio.sleep(0.1)
    raise AssertionError("it is not in the window")


async def dragged(window: Window, what: Locator, to: Locator, *, along: float) -> None:
    """Drag something onto a row of the plan, to so much of its length, and let go."""
    await window.page.set_viewport_size({"width": 1280, "height": 2600})  # both are in the window
    await expect(what).to_be_visible(timeout=PATIENCE)
    taken, row = await box_of(what), await box_of(to)
    mouse = window.page.mouse
    await mouse.move(taken["x"] + 4, taken["y"] + taken["height"] / 2)
    await mouse.down()
    await mouse.move(taken["x"] + 30, taken["y"] + taken["height"] / 2, steps=3)
    await mouse.move(row["x"] + row["width"] * along, row["y"] + row["height"] / 2, steps=4)
    await mouse.up()


async def planned_by_hand(desk: Window, of: Shop, row: Order) -> None:
    """Drag an order to who is away, which is refused and said why, then to who is there, then along their row."""
    away, there = (desk.page.locator(f'.plan-drop[data-account="{one.id}"]') for one in reversed(of.people))
    handle = desk.page.locator(f'.handle[data-order="{row.id}"]')
    voice, trouble = desk.page.locator("#drag-said"), desk.page.locator("#drag-trouble")
    await dragged(desk, handle, away, along=0.6)
    await expect(trouble).to_contain_text(EN["obstacle_hours"], timeout=PATIENCE)
    await expect(handle).to_be_visible()
    await expect(desk.page.locator(".ghost, .lifted, .over")).to_have_count(0)
    await desk.is_fine("desk")
    await dragged(desk, handle, there, along=0.3)
    await expect(voice).to_contain_text(of.called.workers[0].split()[0], timeout=PATIENCE)
    bar = desk.page.locator(f'rect[data-order="{row.id}"]')
    await expect(bar).to_be_visible(timeout=PATIENCE)
    await expect(handle).to_have_count(0)
    await expect(trouble).to_be_hidden()
    async with unit_of_work() as session:
        kept = await session.get_one(Order, row.id)
        assert (kept.worker_id, kept.starts_at) == (of.people[0].id, row.wanted_at - HOUR)
    await dragged(desk, bar, there, along=0.98)
    await expect(voice).to_contain_text(
        f"{(row.wanted_at + HOUR).astimezone(ZoneInfo(of.time_zone)):%H:%M}"[-2:], timeout=PATIENCE
    )

    async def is_moved() -> bool:
        async with unit_of_work() as session:
            return bool((await session.get_one(Order, row.id)).starts_at == row.wanted_at + HOUR)

    await eventually(is_moved)


async def both_send_somebody(desk: Window, rival: Window, of: Shop, row: Order) -> None:
    """Have two who look at the same order send different people: one wins, the other is told, and sees who goes."""
    await rival.open(f"{of.root}/orders/{row.id}")
    mine, theirs = (f'form:has(input[value="{one.id}"]) button' for one in of.people)
    await desk.page.locator(mine).first.click(timeout=PATIENCE)
    await desk.sees(EN["done_sent"])
    await rival.page.locator(theirs).first.click(timeout=PATIENCE)
    await rival.sees(EN["trouble_stale_version"])
    await expect(rival.page.locator("#order")).to_contain_text(EN["state_assigned"], timeout=PATIENCE)
    async with unit_of_work() as session:
        assert (await session.get_one(Order, row.id)).worker_id == of.people[0].id


async def test_a_new_order_is_placed_from_the_board_and_another_desk_sees_it(open_windows: Windows) -> None:
    of = await shop()
    row = await of.ordered(0, in_a_while(90))
    done = await of.ordered(1, in_a_while(10))
    await orders.on_the_way(done, of.rows[1])
    await ratings.complaint(await of.ordered(2, in_a_while(240)))
    by_hand = await of.ordered(3, in_a_while(300), flexibility=HOUR)
    until = [in_a_while(minutes).astimezone(ZoneInfo(of.time_zone)).replace(tzinfo=None) for minutes in (200, 500)]
    await workers.exception(of.rows[1], "off", *until)
    desk = await open_windows.of(of.boss, "desk")
    other = await open_windows.of(of.colleague, "desk", look="dark")
    await other.open(of.root)
    await other.follows()
    await other.sees(EN["state_placed"])

    await desk.open("/portal")
    await desk.is_at(of.root)
    await desk.is_fine("desk")
    link = desk.page.locator(f'main a[href="{of.root}/orders/{row.id}"]')
    await link.first.click(timeout=PATIENCE)
    await desk.is_at(f"{of.root}/orders/{row.id}")
    await desk.is_fine("desk")
    await both_send_somebody(desk, await open_windows.of(of.colleague, "desk"), of, row)
    await expect(other.page.locator(f'li:has(a[href$="{row.id}"])')).to_contain_text(
        EN["state_assigned"], timeout=PATIENCE
    )

    await desk.open(f"{of.root}/plan")
    await expect(desk.page.locator("svg.plan")).to_be_visible(timeout=PATIENCE)
    await expect(desk.page.locator("svg.map")).to_be_visible(timeout=PATIENCE)
    await planned_by_hand(desk, of, by_hand)
    await desk.press(EN["ask_planner"])
    await desk.sees(EN["done_proposed"])
    await desk.press(EN["proposal_yes"])
    await desk.sees(EN["done_carried_out"])
    await desk.sees(EN["plan_none_open"])
    await looked_at_all_tabs(desk, of)


async def waits(window: Window, step: str) -> None:
    """Return once it is shown where it was pressed that something is kept on this phone."""
    await expect(window.page.locator(f'[data-step="{step}"] [data-kept-sign]')).to_be_visible(timeout=PATIENCE)


async def did_it_in_the_cellar(phone: Window, path: str) -> None:
    """Open the copies, and do all of an order on them, with a wrong code: nothing answers."""
    await phone.page.goto(phone.url + WORK)
    await expect(phone.page.locator("[data-kept-note]")).to_be_visible(timeout=PATIENCE)
    await phone.page.locator(f'a[href="{path}"]').click(timeout=PATIENCE)
    await expect(phone.page.locator("[data-kept-note]")).to_be_visible(timeout=PATIENCE)
    await expect(phone.page.get_by_role("button", name=EN["door_show"])).to_be_hidden()
    await expect(phone.page.get_by_role("button", name=EN["finish"])).to_be_hidden()
    await phone.press(EN["set_out"])
    await waits(phone, "on-the-way")
    await phone.page.locator("#f-code").fill("000000")
    await phone.press(EN["start"])
    await waits(phone, "start")
    await phone.page.locator("summary", has_text=EN["note_add"]).click()
    await phone.page.locator("#f-note").fill("The tap drips")
    await phone.press(EN["note_add"])
    await waits(phone, "note")
    await phone.page.locator("summary", has_text=EN["photo_add"]).click()
    picture: FilePayload = {"name": "camera.jpg", "mimeType": "image/jpeg", "buffer": photo(size=(1200, 800))}
    await phone.page.locator("#f-file").set_input_files(picture)
    await phone.press(EN["photo_add"])
    await waits(phone, "photo")
    await phone.page.locator('input[name="done"]').first.check()
    await phone.press(EN["finish"])
    await waits(phone, "completion")
    await expect(phone.page.locator("[data-outbox-items] li")).to_have_count(5, timeout=PATIENCE)


async def put_right(phone: Window) -> list[int]:
    """Type the wrong code anew, and send again what came after it; return how an answer was that got lost."""
    refused = phone.page.locator('[data-outbox-items] li[data-state="refused"]')
    await expect(refused.first).to_contain_text(EN["trouble_wrong_start_code"], timeout=PATIENCE)
    await expect(refused).to_have_count(3, timeout=PATIENCE)
    await phone.is_fine("phone")
    await refused.first.locator("input").fill(CODE)
    lost = await phone.loses_the_answer_to("/start")
    await refused.first.get_by_role("button", name=EN["start"], exact=True).click()
    await expect(refused).to_have_count(2, timeout=PATIENCE)
    await phone.sees(EN["mine_started"])
    for _ in range(2):
        left = await refused.count()
        await refused.first.get_by_role("button", name=COMMON["en"]["outbox_again"]).click()
        await expect(refused).to_have_count(left - 1, timeout=PATIENCE)
    await phone.sees(EN["mine_finished"])
    await expect(phone.page.locator("[data-outbox-list]")).to_be_hidden(timeout=PATIENCE)
    return lost


async def signed_out(phone: Window) -> None:
    """Sign out: nothing can be read any more."""
    await phone.open("/portal/me")
    await phone.press(ME["en"]["sign_out"])
    await phone.page.wait_for_url("**/portal/sign-in**", timeout=PATIENCE)
    await keeps_nothing(phone.page)


async def test_whoever_goes_takes_an_order_and_does_it_on_a_phone(open_windows: Windows, portal: Portal) -> None:
    of = await shop()
    row = await of.ordered(0, in_a_while(20))
    await orders.offered(row, of.people[0])
    phone = await open_windows.of(of.people[0])
    await phone.open("/portal")
    await phone.is_at(WORK)
    await phone.is_fine("phone")
    await phone.press(EN["offer_yes"])
    await phone.sees(EN["done_offer_taken"])
    await phone.page.locator(f'a[href="{WORK}/orders/{row.id}"]').click(timeout=PATIENCE)
    await phone.sees(EN["mine_assigned"])
    await phone.press(EN["door_show"])
    await phone.sees(EN["door"])
    await phone.is_fine("phone")
    path = f"{WORK}/orders/{row.id}"
    await phone.open(WORK)
    await keeps(phone.page, WORK, path)
    # The network is really gone, and the phone does not know of it.
    portal.network.cut()
    before = clock.now()
    await did_it_in_the_cellar(phone, path)
    after = clock.now()
    portal.network.restore()
    await phone.page.evaluate("dispatchEvent(new Event('online'))")
    lost = await put_right(phone)
    assert lost == [200]
    async with unit_of_work() as session:
        kept = await session.get_one(Order, row.id)
        assert kept.started_at is not None
        assert kept.finished_at is not None
        assert before <= kept.started_at <= kept.finished_at <= after
    await phone.sees("The tap drips")
    await expect(phone.page.locator("main .photos img")).to_have_count(1)
    await signed_out(phone)
    await sign_in_on(phone, of.people[0])
    await phone.open(f"{WORK}/times")
    await phone.is_fine("phone")
    await phone.press(EN["take_off"])
    await phone.sees(EN["done_exceptions"])
