"""An order is found by its code, its number or a name, shows its money and scans, and is given back."""

from datetime import timedelta

import httpx
from fastapi import FastAPI

from app.core.clock import ManualClock
from app.core.database import unit_of_work
from app.identity.models import Account
from app.portal.attraction.texts import WORDS
from tests.factories import community_gates as gates
from tests.factories import community_ticketing as ticketing
from tests.factories import community_tickets as tickets
from tests.factories import identity
from tests.factories.eldercare_alarms import notices_of
from tests.portal import hostile
from tests.portal.attraction.conftest import NINE, Scene, work
from tests.portal.ground import form_on, submit, visitor

EN = WORDS["en"]
SAME = {"Sec-Fetch-Site": "same-origin"}


async def _looked(browser: httpx.AsyncClient, scene: Scene, **by: str) -> httpx.Response:
    page = f"{scene.base}/orders?day=2026-03-02"
    found = await submit(browser, page, f"{scene.base}/orders/search", **by)
    assert hostile.harmless(found.text)
    return found


async def test_an_order_is_found_by_code_number_and_name(app: FastAPI, scene: Scene) -> None:
    named = await ticketing.product(scene.museum, scene.place.id, "named", is_named=True)
    mine = await tickets.sold_to(scene.worker, scene.museum, scene.slots[0], named, "Zoë  Quillfeather")
    await tickets.sold_to(scene.worker, scene.museum, scene.slots[1], named, hostile.MARKUP)
    order = mine.orders[0]
    (text,) = await gates.texts([await tickets.ticket_row(order.tickets[0].id)])
    row = f'/orders/{order.id}"'
    async with visitor(app, scene.worker) as browser:
        for code in (text, str(order.id), f"…{str(order.id)[-6:]}", str(order.tickets[0].id)):
            found = await _looked(browser, scene, code=code)
            assert found.text.partition('id="found"')[2].partition("</section>")[0].count(row) == 1, code
        for name in ("zoe quill", "QUILLFEATHER"):
            found = await _looked(browser, scene, name=name)
            assert found.text.partition('id="found"')[2].partition("</section>")[0].count(row) == 1, name
        assert EN["found_none"] in (await _looked(browser, scene, name="Nobody")).text
        assert EN["found_none"] in (await _looked(browser, scene, code="ffffffff")).text
        assert EN["found_none"] in (await _looked(browser, scene, code="not a code!")).text
        assert (await _looked(browser, scene)).status_code == 422
    async with visitor(app, scene.stranger) as browser:
        theirs = f"/portal/attraction/{scene.other.organization_id}/{scene.other.id}"
        for by in ({"code": str(order.id)}, {"code": text}, {"name": "Quill"}):
            found = await submit(browser, f"{theirs}/orders", f"{theirs}/orders/search", **by)
            assert EN["found_none"] in found.text


async def test_what_a_resident_bought_is_given_back_by_the_rule_or_in_full(app: FastAPI, scene: Scene) -> None:
    await ticketing.terms(scene.museum, scene.place.id, refunds=[{"notice_hours": 1, "percent": 50}], pays_at_desk=True)
    resident = await identity.resident(scene.community, phone="+8613900000009")
    cart = await tickets.cart(resident, scene.slots[1], scene.adult, quantity=3)
    await work()
    page = f"{scene.base}/orders/{cart.orders[0].id}"
    action = f"{page}/refund"
    first, second, third = (str(one.id) for one in cart.orders[0].tickets)
    async with visitor(app, scene.keeper) as browser:
        shown = await browser.get(page)
        assert EN["refund_of"].format(rule="CN¥30.00", full="CN¥60.00") in shown.text
        meant = await submit(browser, page, action, ticket=first)
        assert EN["refund_means"].format(count=1, money="CN¥30.00") in meant.text
        done = await browser.post(action, data=form_on(meant, action), headers=SAME)
        assert done.headers["location"].endswith("done=given_back"), done.text
        unsaid = await submit(browser, page, action, ticket=second, basis="full")
        assert (unsaid.status_code, EN["wrong_why"] in unsaid.text) == (422, True)
        meant = await submit(browser, page, action, ticket=second, basis="full", reason=hostile.MARKUP)
        assert hostile.harmless(meant.text)
        assert EN["refund_means"].format(count=1, money="CN¥60.00") in meant.text
        fields = form_on(meant, action)
        odd = await browser.post(action, data=fields | {"amount": "1"}, headers=SAME)
        assert (odd.status_code, EN["trouble_refund_changed"] in odd.text) == (409, True)
        assert (await browser.post(action, data=form_on(odd, action), headers=SAME)).status_code == 303
        left = await browser.get(page)
        assert EN["refunded_so_far"].format(money="CN¥90.00") in left.text
        again = await browser.post(action, data=form_on(left, action) | {"ticket": second}, headers=SAME)
        assert EN["trouble_nothing_chosen"] in again.text
    async with visitor(app, scene.worker) as browser:
        # Who sells there keeps to the terms, whatever is sent.
        meant = await submit(browser, page, action, ticket=third, basis="full", reason="A friend")
        assert EN["refund_means"].format(count=1, money="CN¥30.00") in meant.text


async def test_tickets_are_sent_again_once_in_a_while(app: FastAPI, scene: Scene, clock: ManualClock) -> None:
    resident = await identity.resident(scene.community, phone="+8613900000009")
    await ticketing.terms(scene.museum, scene.place.id, pays_at_desk=True)
    cart = await tickets.cart(resident, scene.slots[1], scene.adult)
    await work()
    page = f"{scene.base}/orders/{cart.orders[0].id}"

    async def told() -> int:
        async with unit_of_work() as session:
            account = await session.get_one(Account, resident.account_id)
        return sum(key == "community.tickets_confirmed" for key, _ in await notices_of(account))

    before = await told()
    async with visitor(app, scene.worker) as browser:
        for _ in range(2):
            sent = await submit(browser, page, f"{page}/sending")
            assert sent.headers["location"].endswith("done=sent_again")
        assert await told() == before + 1
        clock.set(NINE)
        await submit(browser, page, f"{page}/sending")
        assert await told() == before + 2
        sold = await tickets.sold(scene.worker, scene.museum, scene.slots[1], scene.adult)
        counter = await browser.get(f"{scene.base}/orders/{sold.orders[0].id}")
        assert EN["send_again"] not in counter.text


async def test_what_was_sold_at_the_counter_is_handed_back_from_a_till(
    app: FastAPI, scene: Scene, clock: ManualClock
) -> None:
    await ticketing.terms(scene.museum, scene.place.id, refunds=[{"notice_hours": 1, "percent": 50}])
    async with visitor(app, scene.worker) as browser, visitor(app, scene.keeper) as keeper:
        office = f"{scene.base}/office"
        await submit(browser, office, f"{office}/till", counted="200")
        choice = {"slot_id": str(scene.slots[1].id), f"q-{scene.adult.id}": "3"}
        quoted = await submit(browser, office, f"{office}/quote", **choice)
        sale = f"{office}/sale"
        sold = await browser.post(sale, data=form_on(quoted, sale) | {"method": "cash"}, headers=SAME)
        page = sold.headers["location"].split("?")[0]
        action = f"{page}/refund"
        shown = await browser.get(page)
        assert EN["payment_paid"] in shown.text
        assert EN["method_cash"] in shown.text
        ids = [one.partition('"')[0] for one in shown.text.split('name="ticket" value="')[1:]]
        meant = await submit(browser, page, action, ticket=ids[0])
        done = await browser.post(action, data=form_on(meant, action), headers=SAME)
        assert done.headers["location"].endswith("done=given_back"), done.text
        # Who answers for the museum decides; whoever has the till hands it over.
        meant = await submit(keeper, page, action, ticket=ids[1], basis="full", reason="The lift was out of order")
        assert (await keeper.post(action, data=form_on(meant, action), headers=SAME)).status_code == 303
        due = await browser.get(page)
        assert EN["to_hand_back"].format(money="CN¥60.00") in due.text
        back = await submit(browser, page, f"{page}/handing-back")
        assert back.headers["location"].endswith("done=handed_back")
        after = await browser.get(page)
        assert after.text.count(f'{EN["payment_given_back"]} <span class="soft">{EN["method_cash"]}') == 2
        assert EN["hand_it_back"] not in after.text
        # The third comes in, and the order says where.
        clock.set(NINE + timedelta(hours=2))
        why = {"reason": "Screen broken", "gate_id": str(scene.gate.id)}
        await submit(browser, page, f"{page}/admission", **why)
        assert EN["scan_of"].format(number=3, gate=scene.gate.name) in (await browser.get(page)).text
