"""Help at home: ordered one question at a time at the price that was shown, followed, called off, and judged."""

import re
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import httpx
import pytest

from app.core.clock import ManualClock
from app.core.database import unit_of_work
from app.portal.resident_home.texts import WORDS as FIRST_WORDS
from app.portal.resident_life import repeating, times
from app.portal.resident_life.texts import WORDS
from community.housekeeping.models import HomeService, ServiceOffer
from community.orders.models import Order
from tests.community.orders.conftest import THURSDAY, Body, Scene
from tests.community.orders.test_paying import card_of
from tests.factories import billing_subsidies as subsidies
from tests.factories import community_order_series as series
from tests.factories import community_orders as orders
from tests.factories import identity
from tests.portal import hostile
from tests.portal.elements import Elements
from tests.portal.ground import form_on, submit
from tests.portal.resident_life.conftest import Life, Opening, account_of, language_of, links

EN = WORDS["en"]
FIRST = FIRST_WORDS["en"]
SERVICES = "/me/services"
ZONE = ZoneInfo("Asia/Shanghai")


async def _asked(browser: httpx.AsyncClient, life: Life) -> httpx.Response:
    """Answer each question with what comes first, and return the page that asks whether it is to be so."""
    page = await browser.get(f"{SERVICES}/book/{life.service.id}")
    for _ in range(5):
        assert page.status_code == 200, page.text[:500]
        if "<form" in page.text and f'action="{SERVICES}/book/' in page.text:
            return page
        onward = [one for one in links(page, f"{SERVICES}/book/") if "offer=" in one and "first=" not in one]
        page = await browser.get([one for one in onward if one != page.url.raw_path.decode()][-1])
    raise AssertionError("no end of questions")


async def ordered(browser: httpx.AsyncClient, life: Life, **fields: str) -> str:
    page = await _asked(browser, life)
    where = f"{SERVICES}/book/{life.service.id}"
    answer = await browser.post(where, data=form_on(page, where) | {"pay": "provider"} | fields)
    assert answer.status_code == 303, answer.text[-800:]
    return answer.headers["location"].partition("?")[0]


async def test_help_is_ordered_one_question_at_a_time(life: Life, browser: httpx.AsyncClient) -> None:
    first = await browser.get(SERVICES)
    assert EN["nothing_comes"] in first.text
    assert links(first, f"{SERVICES}/book/") == [f"{SERVICES}/book/{life.service.id}"]
    page = await _asked(browser, life)
    assert "CN¥" in page.text
    order = await ordered(browser, life, instructions=hostile.MARKUP)
    shown = await browser.get(f"{order}?done=ordered")
    assert EN["done_ordered"] in shown.text
    assert EN["order_placed"] in shown.text
    assert hostile.harmless(shown.text)
    assert links(await browser.get(SERVICES), order) == [order]


async def test_what_somebody_else_pays_is_said_before(life: Life, browser: httpx.AsyncClient) -> None:
    programme = await subsidies.programme(life.place, rate=6_000, categories=["cleaning"])
    await subsidies.entitlement(programme, life.resident)
    page = await _asked(browser, life)
    (total,) = re.findall(r"It costs CN¥([\d.]+)\.", page.text)
    (own,) = re.findall(r"You pay CN¥([\d.]+)\.", page.text)
    assert float(own) == pytest.approx(float(total) * 0.4)


async def test_pressed_twice_is_ordered_once(life: Life, browser: httpx.AsyncClient) -> None:
    page = await _asked(browser, life)
    where = f"{SERVICES}/book/{life.service.id}"
    fields = form_on(page, where) | {"pay": "provider"}
    first, again = await browser.post(where, data=fields), await browser.post(where, data=fields)
    assert first.headers["location"] == again.headers["location"]
    # The same once more from another page of the same questions leads to the order there is.
    other = await browser.post(where, data=fields | {"key": "another-key"})
    assert other.headers["location"] == first.headers["location"].replace("done=ordered", "done=known")


async def test_a_price_that_has_changed_is_asked_about_anew(life: Life, browser: httpx.AsyncClient) -> None:
    page = await _asked(browser, life)
    where = f"{SERVICES}/book/{life.service.id}"
    async with unit_of_work() as session:
        offer = await session.get_one(ServiceOffer, life.offer.id)
        offer.amount += 1_000
    refused = await browser.post(where, data=form_on(page, where) | {"pay": "provider"})
    assert refused.status_code == 409
    assert EN["trouble_price_changed"] in refused.text
    assert (await browser.post(where, data=form_on(refused, where) | {"pay": "provider"})).status_code == 303


async def test_a_saved_card_can_be_chosen(life: Life, browser: httpx.AsyncClient) -> None:
    card = await card_of(life.person.id, life.place.id)
    order = await ordered(browser, life, pay=str(card))
    assert EN["order_held"] in (await browser.get(order)).text
    # Nobody else's card: that is refused in words, and nothing is ordered.
    other = await card_of((await identity.account(life.place, phone="+8613800000077")).id, life.place.id)
    page = await _asked(browser, life)
    where = f"{SERVICES}/book/{life.service.id}"
    refused = await browser.post(where, data=form_on(page, where) | {"pay": str(other)})
    assert refused.status_code == 409
    assert EN["trouble_payment_method_unusable"] in refused.text


async def test_who_comes_and_the_code_for_the_door_are_there(scene: Scene, browser: httpx.AsyncClient) -> None:
    page = await browser.get(_page_of(await scene.assigned()))
    assert "Li Mei" in page.text
    assert re.search(r'class="code" translate="no">\d{6}<', page.text)


async def test_who_comes_to_help_is_told_on_the_first_page(
    scene: Scene, browser: httpx.AsyncClient, clock: ManualClock
) -> None:
    order = await scene.assigned()
    assert "Li Mei" not in (await browser.get("/me")).text
    clock.set(THURSDAY - timedelta(hours=1))
    page = await browser.get("/me")
    assert FIRST["coming_expected"].partition("{at}")[0].format(who="Li Mei") in page.text
    await scene.do(order, "on-the-way", by=scene.worker)
    page = await browser.get("/me")
    assert FIRST["coming_on_the_way"].format(who="Li Mei") in page.text
    assert links(page, SERVICES) == [_page_of(order), SERVICES]


async def test_who_books_too_late_to_call_it_off_for_nothing_is_told_so(life: Life, browser: httpx.AsyncClient) -> None:
    async with unit_of_work() as session:
        offer = await session.get_one(ServiceOffer, life.offer.id)
        offer.late_percent, offer.notice_period = 50, timedelta(days=30)
    page = await _asked(browser, life)
    assert EN["call_off_terms"].partition("{")[0] not in page.text
    assert EN["call_off_costs"].partition("{")[0] in page.text


async def test_calling_off_says_what_it_costs_and_holds_to_it(
    life: Life, browser: httpx.AsyncClient, clock: ManualClock
) -> None:
    async with unit_of_work() as session:
        offer = await session.get_one(ServiceOffer, life.offer.id)
        offer.late_percent, offer.notice_period = 50, timedelta(hours=4)
    order = await ordered(browser, life)
    where = f"{order}/calling-off"
    shown = await browser.get(where)
    assert EN["call_off_costs_nothing"] in shown.text
    fields = form_on(shown, where)
    starts_at = await _starts(order)
    clock.set(starts_at - timedelta(hours=1))
    late = await browser.post(where, data=fields)
    assert late.status_code == 409
    assert EN["trouble_cancellation_fee_changed"] in late.text
    assert EN["call_off_costs_nothing"] not in late.text
    assert int(form_on(late, where)["fee"]) > 0
    done = await browser.post(where, data=form_on(late, where))
    assert done.headers["location"] == f"{order}?done=called_off"
    assert EN["order_cancelled"] in (await browser.get(order)).text


async def _starts(order: str) -> datetime:
    async with unit_of_work() as session:
        return (await session.get_one(Order, order.rpartition("/")[2])).starts_at


def _page_of(order: Body) -> str:
    return f"{SERVICES}/orders/{order['id']}"


async def _done(scene: Scene, clock: ManualClock) -> str:
    order = await scene.started(clock)
    clock.advance(timedelta(hours=2))
    await scene.do(order, "completion", {"done": ["kitchen"]}, by=scene.worker)
    return _page_of(order)


async def test_stars_are_given_once(scene: Scene, clock: ManualClock, browser: httpx.AsyncClient) -> None:
    order = await _done(scene, clock)
    where = f"{order}/rating"
    page = await browser.get(where)
    fields = form_on(page, where) | {"stars": "5", "comment": hostile.QUOTES}
    assert (await browser.post(where, data=fields)).headers["location"] == f"{order}?done=rated"
    assert (await browser.post(where, data=fields | {"key": "k2", "stars": "1"})).status_code == 303
    shown = await browser.get(order)
    assert EN["you_gave"].format(stars=5) in shown.text
    assert f"{where}" not in links(shown, order)


async def test_stars_that_are_none_are_asked_for_again(
    scene: Scene, clock: ManualClock, browser: httpx.AsyncClient
) -> None:
    order = await _done(scene, clock)
    refused = await submit(browser, f"{order}/rating", f"{order}/rating", comment="x")
    assert refused.status_code == 422
    assert EN["trouble_malformed"] in refused.text


async def test_something_was_wrong_is_asked_question_by_question(
    scene: Scene, clock: ManualClock, browser: httpx.AsyncClient
) -> None:
    order = await _done(scene, clock)
    where = f"{order}/complaint"
    page = await browser.get(where)
    for _ in range(3):
        page = await browser.get(links(page, f"{where}?")[0])
    empty = await browser.post(where, data=form_on(page, where) | {"statement": ""})
    assert empty.status_code == 422
    said = await browser.post(where, data=form_on(empty, where) | {"statement": hostile.MARKUP})
    assert said.headers["location"] == f"{order}?done=complained"
    shown = await browser.get(order)
    assert EN["complaint_open"].format(who="Bright Homes") in shown.text
    assert hostile.harmless(shown.text)
    back = await submit(browser, order, f"{order}/complaint/withdrawal")
    assert back.headers["location"] == f"{order}?done=complaint_withdrawn"


async def test_more_time_is_agreed_to_at_its_price(
    scene: Scene, clock: ManualClock, browser: httpx.AsyncClient
) -> None:
    row = await scene.started(clock)
    asked = await scene.do(
        row, "extra-time", {"duration": "PT30M", "reason": hostile.MARKUP}, by=scene.worker, expect=201
    )
    order, extra = _page_of(row), asked["id"]
    page = await browser.get(order)
    assert EN["more_time_yes"] in page.text
    assert hostile.harmless(page.text)
    fields = form_on(page, f"{order}/more-time/{extra}")
    answer = await browser.post(f"{order}/more-time/{extra}", data=fields | {"says": "no"})
    assert answer.headers["location"] == f"{order}?done=no_more_time"
    late = await browser.post(f"{order}/more-time/{extra}", data=fields | {"says": "yes", "key": "another"})
    assert late.status_code == 409
    assert EN["trouble_extra_over"] in late.text


async def test_what_comes_again_and_again_is_said_and_a_day_left_out(life: Life, browser: httpx.AsyncClient) -> None:
    row = await series.series(life.resident, life.offer)
    page = await browser.get(SERVICES)
    where = f"{SERVICES}/repeats/{row.id}"
    assert links(page, where) == [where]
    shown = await browser.get(where)
    assert shown.status_code == 200
    assert "Bright Homes" in shown.text
    leave_out = [one for one in _forms(shown) if one.startswith(f"{where}/days/")]
    skipped = await submit(browser, where, leave_out[0])
    assert skipped.headers["location"] == f"{where}?done=skipped"
    after = await browser.get(where)
    assert EN["day_skipped"] in after.text
    assert (await submit(browser, where, leave_out[0])).headers["location"] == f"{where}?done=comes"


async def test_help_is_had_again_and_again_from_its_first_time_on_and_ended(
    life: Life, browser: httpx.AsyncClient
) -> None:
    whether = await _asked(browser, life)
    where = f"{SERVICES}/book/{life.service.id}/repeat"
    (often,) = links(whether, where)
    choices = links(await browser.get(often), where)
    assert [one.rpartition("=")[2] for one in choices] == ["week", "two_weeks", "day"]
    asked = await browser.get(choices[0])
    assert EN["repeat_promise"] in asked.text
    fields = form_on(asked, where) | {"pay": "provider"}
    stale = await browser.post(where, data=fields | {"workday": "1", "key": "other"})
    assert stale.status_code == 409
    assert EN["trouble_terms_changed"] in stale.text
    made, twice = await browser.post(where, data=fields), await browser.post(where, data=fields)
    assert made.headers["location"] == twice.headers["location"]
    series = made.headers["location"].removesuffix("?done=repeats")
    shown = await browser.get(made.headers["location"])
    assert EN["done_repeats"] in shown.text
    assert shown.text.count(EN["not_this_day"]) >= 4
    # The first time is the one that was chosen, on the resident's own wall.
    first = datetime.fromisoformat(fields["at"]).astimezone(ZONE)
    assert f"{series}/days/{first.date()}" in _forms(shown)
    ending = f"{series}/ending"
    assert ending in links(shown, series)
    assert EN["shall_it_end"] in (await browser.get(ending)).text
    ended = await submit(browser, ending, ending)
    assert ended.headers["location"] == f"{SERVICES}?done=repeat_ended"
    assert not links(await browser.get(SERVICES), series)
    assert (await submit(browser, ending, ending)).status_code == 303  # ended twice is ended


async def test_what_cannot_recur_is_no_page(life: Life, browser: httpx.AsyncClient) -> None:
    where = f"{SERVICES}/book/{life.service.id}/repeat"
    fields = form_on(await _asked(browser, life), f"{SERVICES}/book/{life.service.id}")
    for wrong in ({"every": "year"}, {"at": "soon"}, {"at": "2026-03-05T08:00:00"}, {"offer": "x"}):
        given = fields | {"every": "week", "pay": "provider"} | wrong
        assert (await browser.post(where, data=given)).status_code == 404, wrong
    naive = f"{where}?offer={fields['offer']}&at=2026-03-05T08:00:00"
    assert (await browser.get(naive)).status_code == 404


async def test_series_are_agreed_on_in_chinese(life: Life, browser: httpx.AsyncClient) -> None:
    where = f"{SERVICES}/book/{life.service.id}/repeat"
    (often,) = links(await _asked(browser, life), where)
    await language_of(life, "zh-CN")
    for page, says in ((often, "how_often"), (f"{often}&every=week", "yes_repeat")):
        assert WORDS["zh-CN"][says] in (await browser.get(page)).text


def _forms(page: httpx.Response) -> list[str]:
    return [str(given.get("action")) for tag, given in Elements(page.text).found if tag == "form"]


@pytest.mark.parametrize(
    ("rrule", "said"),
    [
        ("FREQ=DAILY", "Every day at 9:00"),
        ("FREQ=WEEKLY;BYDAY=TU,FR", "Every Tuesday, Friday at 9:00"),
        ("FREQ=WEEKLY;INTERVAL=2", "Every 2 weeks, Monday at 9:00"),
        ("FREQ=MONTHLY;BYDAY=1MO", "Again and again, at 9:00"),
        ("FREQ=WEEKLY;BYDAY=TU;BYMONTH=3", "Again and again, at 9:00"),
    ],
)
def test_a_rhythm_is_said_as_one_says_it(rrule: str, said: str) -> None:
    class Reader:
        language, time_zone = "en", ZONE

    words = {**EN, "joined_by": ", "}
    row = {"rrule": rrule, "begins": "09:00:00", "starts_on": "2026-03-02"}
    assert repeating.rhythm(row, words, Reader()).replace("\u202f", " ") == f"{said} AM"


def test_times_that_are_proposed_are_free_and_not_too_soon() -> None:
    now = datetime(2026, 3, 2, 7, tzinfo=ZONE)
    busy = [(datetime(2026, 3, 2, 13, tzinfo=ZONE), datetime(2026, 3, 2, 17, tzinfo=ZONE))]
    found = times.proposed(now, ZONE, timedelta(hours=2), busy)
    assert [one.isoformat() for one in found[0].times] == ["2026-03-02T11:00:00+08:00"]
    assert [len(day.times) for day in found] == [1, 4, 4]
    later = times.proposed(now, ZONE, timedelta(hours=2), busy, date(2026, 3, 9))
    assert later[0].day == date(2026, 3, 9)
    assert times.proposed(now, ZONE, timedelta(hours=2), busy, date(2020, 1, 1))[0].day == now.date()
    assert times.proposed(now, ZONE, timedelta(hours=2), busy, date(2099, 1, 1)) == []


def test_lengths_to_choose_from_are_few() -> None:
    two, six, half = timedelta(hours=2), timedelta(hours=6), timedelta(minutes=30)
    assert times.lengths(two, six, half) == [timedelta(hours=hours) for hours in (2, 3, 4, 5)]
    assert times.lengths(half, half, half) == [half]


async def test_pages_are_there_in_both_languages_whatever_things_are_called(
    life: Life, browser: httpx.AsyncClient
) -> None:
    order = await ordered(browser, life)
    for name in hostile.NAMES:
        async with unit_of_work() as session:
            service = await session.get_one(HomeService, life.service.id)
            service.name = {"en": name[:80], "zh-CN": name[:80]}
        for page in (SERVICES, f"{SERVICES}/book/{life.service.id}", order, f"{order}/calling-off"):
            assert hostile.harmless((await browser.get(page)).text)
    await language_of(life, "zh-CN")
    zh = WORDS["zh-CN"]
    for page, says in ((SERVICES, "services"), (order, "order_placed"), (f"{SERVICES}/past", "past_orders")):
        assert zh[says] in (await browser.get(page)).text


async def test_to_whoever_does_not_live_here_there_are_no_such_pages(life: Life, open_browser: Opening) -> None:
    order = await orders.order(life.resident, life.person, life.offer, life.service)
    stranger = await open_browser(await identity.account(life.place, phone="+8613800000099"))
    for page in (SERVICES, f"{SERVICES}/orders/{order.id}", "/me/tickets", "/me/home", "/me/messages", "/me/looked-at"):
        assert (await stranger.get(page)).status_code == 403
    neighbour = await identity.resident(life.place, phone="+8613800000088")
    other = await open_browser(await account_of(neighbour))
    assert (await other.get(f"{SERVICES}/orders/{order.id}")).status_code == 404
