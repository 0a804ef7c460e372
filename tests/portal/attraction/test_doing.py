"""What is done on the pages of an attraction: closing, places, the till, prices, gates, the description."""

import re
from datetime import timedelta
from io import BytesIO
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from PIL import Image

from app.core.clock import ManualClock
from app.portal.attraction.knowing import minor, plain
from app.portal.attraction.texts import WORDS
from app.portal.ground.moments import money
from tests.factories import community_gates as gates
from tests.factories import community_ticket_office as office
from tests.factories import community_ticketing as ticketing
from tests.factories import community_tickets as tickets
from tests.portal import hostile
from tests.portal.attraction.conftest import Scene
from tests.portal.ground import form_on, submit, visitor

EN = WORDS["en"]
ZH = WORDS["zh-CN"]
DAY = "2026-03-02"
SAME = {"Sec-Fetch-Site": "same-origin"}


async def test_it_is_shut_now_and_opened_again(app: FastAPI, scene: Scene) -> None:
    action = f"{scene.base}/closing"
    async with visitor(app, scene.worker) as browser:
        late = await submit(browser, scene.base, action, until="00:10", reason_en="Storm", reason_zh="暴风")
        assert late.status_code == 422
        shut = await submit(browser, scene.base, action, until="18:00", reason_en=hostile.MARKUP, reason_zh="暴风")
        assert shut.headers["location"].endswith("done=closed")
        page = await browser.get(scene.base)
        assert hostile.harmless(page.text)
        assert EN["open_again"] in page.text
        assert (await submit(browser, scene.base, action)).headers["location"].endswith("done=reopened")


async def test_a_day_is_closed_and_who_has_tickets_is_not_forgotten(app: FastAPI, scene: Scene) -> None:
    await tickets.sold(scene.worker, scene.museum, scene.slots[0], scene.adult, quantity=2)
    day = f"{scene.base}/days/{DAY}"
    async with visitor(app, scene.keeper) as browser:
        assert EN["day_closed_but_sold"].format(count=2) in (await browser.get(day)).text
        closed = await submit(browser, day, f"{day}/closing", reason_en="Repairs", reason_zh="维修")
        assert closed.headers["location"].endswith("done=day_closed")
        page = await browser.get(day)
        assert EN["day_is_closed"] in page.text
        assert EN["day_closed_but_sold"].format(count=2) in page.text
        opened = await submit(browser, day, f"{day}/closing")
        assert opened.headers["location"].endswith("done=day_opened")


async def test_places_are_changed_after_it_was_said_what_that_means(app: FastAPI, scene: Scene) -> None:
    await tickets.sold(scene.worker, scene.museum, scene.slots[0], scene.adult, quantity=5)
    slot = f"{scene.base}/slots/{scene.slots[0].id}"
    async with visitor(app, scene.keeper) as browser:
        meant = await submit(browser, slot, slot, capacity="30")
        assert EN["means_places"].format(was=20, now=30) in meant.text
        assert EN["means_left"].format(left=25, taken=5) in meant.text
        assert (await browser.post(slot, data=form_on(meant, slot), headers=SAME)).status_code == 303
        less = await submit(browser, slot, slot, capacity="3")
        assert EN["means_over"].format(taken=5, over=2) in less.text
        refused = await browser.post(slot, data=form_on(less, slot), headers=SAME)
        assert (refused.status_code, EN["trouble_more_is_sold"] in refused.text) == (409, True)
        given = form_on(refused, slot) | {"overbook_reason": "One room is shut"}
        assert (await browser.post(slot, data=given, headers=SAME)).status_code == 303
        # What another changed meanwhile is not overwritten.
        stale = await browser.post(slot, data=given | {"capacity": "9"}, headers=SAME)
        assert stale.status_code == 412
        odd = await submit(browser, slot, slot, capacity="many")
        assert (odd.status_code, EN["wrong_number"] in odd.text) == (422, True)


async def test_a_slot_is_added_to_a_day(app: FastAPI, scene: Scene) -> None:
    day = f"{scene.base}/days/{DAY}"
    async with visitor(app, scene.keeper, language="zh-CN") as browser:
        bad = await submit(browser, day, f"{day}/slots", begins="16:00", ends="15:00", capacity="10")
        assert bad.status_code == 422
        good = await submit(browser, day, f"{day}/slots", begins="15:00", ends="16:00", capacity="10")
        assert good.headers["location"].endswith("done=slot_added")
        assert (await browser.get(day)).text.count('name="slot"') == 4


async def _with_till(browser: httpx.AsyncClient, scene: Scene) -> str:
    page = f"{scene.base}/office"
    opened = await submit(browser, page, f"{page}/till", counted="200,00")
    assert opened.headers["location"].endswith("done=till_open")
    return page


async def test_tickets_are_sold_at_the_counter_with_a_free_companion(app: FastAPI, scene: Scene) -> None:
    async with visitor(app, scene.worker) as browser:
        page = await _with_till(browser, scene)
        wanted = {f"q-{scene.adult.id}": "2", f"q-{scene.companion.id}": "1"}
        refused = await submit(browser, page, f"{page}/quote", **wanted)
        assert (refused.status_code, EN["trouble_entitlement_missing"] in refused.text) == (409, True)
        assert f'name="q-{scene.adult.id}" type="number" min="0" max="50" inputmode="numeric" value="2"' in refused.text
        quoted = await submit(browser, page, f"{page}/quote", shown="companion", **wanted)
        assert 'id="total">CN¥120.00<' in quoted.text
        sale = f"{page}/sale"
        short = await browser.post(
            sale, data=form_on(quoted, sale) | {"method": "cash", "tendered": "100"}, headers=SAME
        )
        assert (short.status_code, EN["trouble_too_little_cash"] in short.text) == (422, True)
        fields = form_on(short, sale) | {"method": "cash", "tendered": "150"}
        sold = await browser.post(sale, data=fields, headers=SAME)
        assert sold.status_code == 303
        twice = await browser.post(sale, data=fields, headers=SAME)
        assert sold.headers["location"] == twice.headers["location"]
        order = await browser.get(sold.headers["location"])
        assert EN["hand_back"].format(money="CN¥30.00") in order.text
        assert order.text.count('<figure class="qr">') == 3
        assert (
            EN["slot_counts"].format(sold=3, capacity=20, left=17, scanned=0)
            in (await browser.get(f"{scene.base}/days/{DAY}")).text
        )


async def test_tickets_in_somebodys_name_are_asked_for_it(app: FastAPI, scene: Scene) -> None:
    named = await ticketing.product(scene.museum, scene.place.id, "named", is_named=True)
    async with visitor(app, scene.worker) as browser:
        page = await _with_till(browser, scene)
        quoted = await submit(browser, page, f"{page}/quote", **{f"q-{named.id}": "1"})
        sale = f"{page}/sale"
        given = form_on(quoted, sale) | {"method": "terminal", "slip": "A-1"}
        missing = await browser.post(sale, data=given, headers=SAME)
        assert missing.status_code == 422
        whose = {
            f"name-{named.id}": hostile.CHINESE,
            f"document-{named.id}": "passport",
            f"document-end-{named.id}": "X12",
        }
        fields = form_on(missing, sale) | {"method": "terminal", "slip": "A-1"} | whose
        sold = await browser.post(sale, data=fields, headers=SAME)
        assert hostile.CHINESE in (await browser.get(sold.headers["location"])).text
        assert hostile.CHINESE in (await browser.get(f"{scene.base}/orders?day={DAY}")).text


async def test_a_till_is_counted_and_a_difference_explained(app: FastAPI, scene: Scene) -> None:
    async with visitor(app, scene.worker) as browser:
        page = await _with_till(browser, scene)
        close = f"{page}/till/closing"
        odd = await submit(browser, page, close, counted="a lot")
        assert (odd.status_code, EN["wrong_amount"] in odd.text) == (422, True)
        short = await submit(browser, page, close, counted="190")
        assert (short.status_code, "10.00" in short.text, EN["till_explain"] in short.text) == (409, True, True)
        closed = await submit(browser, page, close, counted="190", explanation="Ten are missing")
        assert closed.headers["location"].endswith("done=till_closed")
        assert EN["open_till"] in (await browser.get(page)).text


async def test_somebody_is_let_in_by_hand_once(app: FastAPI, scene: Scene, clock: ManualClock) -> None:
    clock.set(scene.slots[0].starts_at + timedelta(minutes=5))
    till = await office.shift(scene.worker, scene.museum)
    sold = await office.sale(scene.worker, till, scene.slots[0], scene.adult)
    page = f"{scene.base}/orders/{sold.cart.orders[0].id}"
    async with visitor(app, scene.worker) as browser:
        blank = await submit(browser, page, f"{page}/admission", reason="")
        assert (blank.status_code, EN["wrong_why"] in blank.text) == (422, True)
        fields = form_on(await browser.get(page), f"{page}/admission") | {"reason": "The screen is broken"}
        for _ in range(2):
            done = await browser.post(f"{page}/admission", data=fields, headers=SAME)
            assert done.status_code in (303, 422)
        assert EN["ticket_admitted"] in (await browser.get(page)).text
        scans = await browser.get(f"{scene.base}/gates")
        assert EN["by_hand"] in scans.text
        assert EN["inside_of"].format(count=1, capacity=100) in (await browser.get(f"{scene.base}/part")).text


async def test_tickets_come_on_paper(app: FastAPI, scene: Scene) -> None:
    till = await office.shift(scene.worker, scene.museum)
    sold = await office.sale(scene.worker, till, scene.slots[0], scene.adult)
    async with visitor(app, scene.worker) as browser:
        paper = await browser.get(f"{scene.base}/orders/{sold.cart.orders[0].id}/tickets.pdf")
        assert (paper.status_code, paper.content[:5]) == (200, b"%PDF-")
    async with visitor(app, scene.stranger) as browser:
        paper = await browser.get(f"{scene.base}/orders/{sold.cart.orders[0].id}/tickets.pdf")
        assert paper.status_code == 404


async def test_a_product_and_its_price_rules_are_kept(app: FastAPI, scene: Scene) -> None:
    new = f"{scene.base}/products/new"
    async with visitor(app, scene.keeper) as browser:
        bad = await submit(browser, new, new, name_en="Child", name_zh="儿童", code="child", price="cheap")
        assert (bad.status_code, EN["wrong_amount"] in bad.text, 'value="cheap"' in bad.text) == (422, True, True)
        one = await submit(browser, new, new, name_en=hostile.MARKUP, name_zh="儿童", code="child", price="30")
        assert one.headers["location"].endswith("done=product_kept")
        again = await submit(browser, new, new, name_en="Child", name_zh="儿童", code="child", price="30")
        assert (again.status_code, EN["trouble_code_taken"] in again.text) == (409, True)
        listed = await browser.get(f"{scene.base}/products")
        assert hostile.harmless(listed.text)
        page = f"{scene.base}/products/{scene.adult.id}"
        rule = {"rule-code-0": "weekend", "rule-price-0": "75.50", "rule-weekday-0": "6", "rule-begins-0": "10:00"}
        assert (await submit(browser, page, page, **rule)).status_code == 303
        kept = await browser.get(page)
        assert "weekend: 75.50" in kept.text
        assert 'value="10:00"' in kept.text
        stale = form_on(kept, page) | {"version": "1"}
        assert (await browser.post(page, data=stale, headers=SAME)).status_code == 412


async def test_a_voucher_is_made_and_ended(app: FastAPI, scene: Scene) -> None:
    page, action = f"{scene.base}/products", f"{scene.base}/vouchers"
    given = {"name": "Spring", "code": "SPRING24", "percent": "10", "valid_until": "2026-04-01", "max_uses": "5"}
    async with visitor(app, scene.keeper) as browser:
        bad = await submit(browser, page, action, **given | {"percent": "500"})
        assert (bad.status_code, 'value="Spring"' in bad.text) == (422, True)
        assert (await submit(browser, page, action, **given)).status_code == 303
        taken = await submit(browser, page, action, **given)
        assert EN["trouble_voucher_exists"] in taken.text
        (ending,) = re.findall(rf"{re.escape(action)}/[\w-]+/retirement", (await browser.get(page)).text)
        assert (await submit(browser, page, ending)).headers["location"].endswith("done=voucher_retired")
        assert EN["retired"] in (await browser.get(page)).text


async def test_gates_are_kept_and_lead_to_their_page(app: FastAPI, scene: Scene) -> None:
    page = f"{scene.base}/gates"
    async with visitor(app, scene.keeper) as browser:
        assert (await submit(browser, page, page, name="South gate")).status_code == 303
        twice = await submit(browser, page, page, name="South gate")
        assert twice.status_code == 409
        one = f"{page}/{scene.gate.id}"
        shown = await browser.get(one)
        assert f'href="/portal/gates?gate={scene.gate.id}"' in shown.text
        assert (await submit(browser, one, one, name="Main gate", is_active="")).status_code == 303
        assert EN["gate_aside"] in (await browser.get(page)).text


async def test_a_conflict_is_decided_once(app: FastAPI, scene: Scene) -> None:
    conflict = await gates.conflict(scene.gate)
    page, action = f"{scene.base}/gates", f"{scene.base}/gates/conflicts/{conflict.id}"
    async with visitor(app, scene.keeper) as browser, visitor(app, scene.colleague) as other:
        theirs = form_on(await other.get(page), action) | {"resolution": "misuse", "note": "A copy"}
        decided = await submit(browser, page, action, resolution="harmless", note="A test")
        assert decided.headers["location"].endswith("done=resolved")
        late = await other.post(action, data=theirs, headers=SAME)
        assert late.status_code == 409


async def test_what_is_said_of_it_is_kept_in_both_languages_and_shown_or_not(app: FastAPI, scene: Scene) -> None:
    page = f"{scene.base}/edit"
    async with visitor(app, scene.keeper) as browser:
        said = {"name_en": hostile.GERMAN, "name_zh": hostile.CHINESE, "step_free": "yes", "defibrillator": "no"}
        kept = await submit(browser, page, page, capacity="90", **said)
        assert kept.headers["location"].endswith("done=kept")
        shown = await browser.get(page)
        assert EN["thresholds"].format(moderate=30, busy=60, full=90) in shown.text
        missing = await submit(browser, page, page, name_zh="")
        assert (missing.status_code, EN["trouble_not_publishable"] in missing.text) == (422, True)
        bad = await submit(browser, page, page, latitude="north")
        assert bad.status_code == 422
        stale = form_on(shown, page) | {"version": "1"}
        assert (await browser.post(page, data=stale, headers=SAME)).status_code == 412
        action = f"{scene.base}/publication"
        assert (await submit(browser, page, action, withdraw="1")).headers["location"].endswith("done=withdrawn")
        assert (await submit(browser, page, action)).headers["location"].endswith("done=published")


async def test_hours_and_other_days_are_kept(app: FastAPI, scene: Scene) -> None:
    page = f"{scene.base}/hours"
    async with visitor(app, scene.keeper) as browser:
        night = {"hours-1-starts": "19:00", "hours-1-ends": "25:00", "hours-1-weekday": "5"}
        first = form_on(await browser.get(page), page)
        whole = first | {"hours-0-weekday": ["1", "2", "3"]} | night
        kept = await browser.post(page, data=whole, headers=SAME)
        assert kept.headers["location"].endswith("done=hours_kept")
        assert "19:00 – 25:00" in (await browser.get(page)).text
        no_days: dict[str, Any] = form_on(await browser.get(page), page) | {"hours-0-weekday": []}
        wrong = await browser.post(page, data=no_days, headers=SAME)
        assert wrong.status_code == 422
        add = f"{page}/exceptions"
        one = await submit(
            browser, page, add, first_day="2026-05-01", starts="10:00", ends="12:00", reason_en="Holiday"
        )
        assert one.headers["location"].endswith("done=exception_added")
        twice = await submit(browser, page, add, first_day="2026-05-01")
        assert (twice.status_code, EN["trouble_exception_exists"] in twice.text) == (409, True)
        (gone,) = re.findall(rf"{re.escape(add)}/[\w-]+/removal", (await browser.get(page)).text)
        assert (await submit(browser, page, gone)).headers["location"].endswith("done=exception_removed")


async def test_a_photo_is_added_and_removed(app: FastAPI, scene: Scene) -> None:
    page, action = f"{scene.base}/edit", f"{scene.base}/photos"
    picture = BytesIO()
    Image.new("RGB", (64, 48), "teal").save(picture, "JPEG")
    async with visitor(app, scene.keeper) as browser:
        fields = form_on(await browser.get(page), action)
        fields.pop("photo", None)
        odd = {"photo": ("notes.txt", b"not a picture", "text/plain")}
        refused = await browser.post(action, data=fields, files=odd, headers=SAME)
        assert (refused.status_code, EN["trouble_no_photo"] in refused.text) == (422, True)
        lies = {"photo": ("lies.jpg", b"not a picture at all", "image/jpeg")}
        assert (await browser.post(action, data=fields, files=lies, headers=SAME)).status_code in (415, 422)
        good = {"photo": ("lake.jpg", picture.getvalue(), "image/jpeg")}
        added = await browser.post(action, data=fields, files=good, headers=SAME)
        assert added.headers["location"].endswith("done=photo_added")
        shown = await browser.get(page)
        assert EN["photo_number"].format(number=1) in shown.text
        (gone,) = re.findall(rf"{re.escape(action)}/[\w-]+/removal", shown.text)
        assert (await submit(browser, page, gone)).headers["location"].endswith("done=photo_removed")


async def test_sales_are_drawn_and_told_and_who_waits(app: FastAPI, scene: Scene) -> None:
    await tickets.sold(scene.worker, scene.museum, scene.slots[0], scene.adult, quantity=4)
    async with visitor(app, scene.keeper, language="zh-CN") as browser:
        page = await browser.get(f"{scene.base}/sales")
        assert "<svg" in page.text
        assert "240.00" in page.text
        assert EN["nobody_waits"] in page.text


@pytest.mark.parametrize(
    ("text", "currency", "amount"),
    [("12.50", "CNY", 1_250), ("12,5", "CNY", 1_250), ("0", "CNY", 0), ("500", "JPY", 500), ("1e2", "CNY", 10_000)],
)
def test_amounts_are_read_as_people_write_them(text: str, currency: str, amount: int) -> None:
    assert minor(text, currency) == amount
    assert minor(plain(amount, currency), currency) == amount
    assert money("en", amount, currency)


@pytest.mark.parametrize("text", ["", "cheap", "-1", "1.234", "NaN", "Infinity", "1e30", "12.5 CNY"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    assert minor(text, "CNY") is None
