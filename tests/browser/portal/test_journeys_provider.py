"""A company at work: its desk places an order on a large screen, and whoever goes does it with a phone in one hand."""

from playwright.async_api import expect

from app.portal.provider.texts import WORDS
from tests.browser.portal.company import CODE, Shop, shop
from tests.browser.portal.times import in_a_while
from tests.browser.portal.windows import PATIENCE, Window, Windows
from tests.factories import community_orders as orders
from tests.factories import community_ratings as ratings

EN = WORDS["en"]
WORK = "/portal/provider/mine"


async def looked_at_all_tabs(window: Window, of: Shop) -> None:
    """Go through what a company's desk has, tab by tab, and judge each."""
    for tab in ("/people", f"/people/{of.rows[0].id}", "/complaints", "/ratings", "/statements", "/statements/2026-03"):
        await window.open(of.root + tab)
        await expect(window.page.locator("main h1")).to_be_attached(timeout=PATIENCE)
        await window.is_fine("desk")


async def test_a_new_order_is_placed_from_the_board_and_another_desk_sees_it(open_windows: Windows) -> None:
    of = await shop()
    row = await of.ordered(0, in_a_while(90))
    done = await of.ordered(1, in_a_while(10))
    await orders.on_the_way(done, of.rows[1])
    await ratings.complaint(await of.ordered(2, in_a_while(240)))
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
    await desk.page.locator(f'form:has(input[value="{of.people[0].id}"]) button').first.click(timeout=PATIENCE)
    await desk.sees(EN["done_sent"])
    await expect(other.page.locator(f'li:has(a[href$="{row.id}"])')).to_contain_text(
        EN["state_assigned"], timeout=PATIENCE
    )

    await desk.open(f"{of.root}/plan")
    await expect(desk.page.locator("svg.plan")).to_be_visible(timeout=PATIENCE)
    await expect(desk.page.locator("svg.map")).to_be_visible(timeout=PATIENCE)
    await desk.is_fine("desk")
    await desk.press(EN["ask_planner"])
    await desk.sees(EN["done_proposed"])
    await desk.press(EN["proposal_yes"])
    await desk.sees(EN["done_carried_out"])
    await desk.sees(EN["plan_none_open"])
    await looked_at_all_tabs(desk, of)


async def test_whoever_goes_takes_an_order_and_does_it_on_a_phone(open_windows: Windows) -> None:
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
    await phone.press(EN["set_out"])
    await phone.sees(EN["done_set_out"])
    await phone.is_fine("phone")
    await phone.page.locator("#f-code").fill(CODE)
    await phone.press(EN["start"])
    await phone.sees(EN["done_begun"])
    await phone.page.locator('input[name="done"]').first.check()
    await phone.is_fine("phone")
    await phone.press(EN["finish"])
    await phone.sees(EN["done_ended"])
    await phone.open(f"{WORK}/times")
    await phone.is_fine("phone")
    await phone.press(EN["take_off"])
    await phone.sees(EN["done_exceptions"])
