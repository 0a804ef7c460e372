"""A company's desk: the board, one order, the plan of a day, and two who dispatch at once."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest

from app.core.clock import ManualClock
from app.core.database import unit_of_work
from app.core.sealing import seal
from app.identity.models import Account
from app.portal.provider import composing
from app.portal.provider.texts import WORDS
from community.orders.models import PLACE, Order
from tests.factories import community_orders as orders
from tests.factories import community_ratings as ratings
from tests.factories import identity
from tests.portal import hostile
from tests.portal.ground import form_on, submit, visitor
from tests.portal.provider.conftest import Scene

EN = WORDS["en"]
PAGES = ("", "/part", "/plan", "/plan/part", "/people", "/complaints", "/ratings", "/statements", "/statements/2026-03")


async def of_order(row: Order) -> Order:
    """Return an order as it stands."""
    async with unit_of_work() as session:
        found: Order = await session.get_one(Order, row.id)
    return found


async def in_chinese(person: Account) -> None:
    """Have somebody read Chinese."""
    async with unit_of_work() as session:
        (await session.get_one(Account, person.id)).language = "zh-CN"


async def filled(scene: Scene) -> Order:
    """Have one order of each kind, a complaint and a rating; return the one that is placed."""
    placed = await scene.ordered()
    gone = await scene.ordered(hours=2, worker_id=scene.ai.id, state="finished")
    await ratings.rating(gone)
    await ratings.complaint(gone)
    await orders.on_the_way(await scene.ordered(hours=6), scene.people["bo"])
    return placed


@pytest.mark.parametrize("language", ["en", "zh-CN"])
async def test_every_page_stands_in_both_languages_whatever_people_are_called(scene: Scene, language: str) -> None:
    placed = await filled(scene)
    if language != "en":
        await in_chinese(scene.boss)
    more = (f"/orders/{placed.id}", f"/orders/{placed.id}/part", f"/people/{scene.people['ai'].id}")
    async with visitor(scene.app, scene.boss) as browser:
        for path in (*PAGES, *more):
            page = await browser.get(scene.root + path)
            assert page.status_code == 200, (path, page.status_code)
            assert hostile.harmless(page.text), path
            assert len(page.content) < 100_000, path
            if not path.endswith("/part"):
                assert WORDS[language]["tab_orders"] in page.text, path


async def test_nobody_sees_another_companys_pages(scene: Scene) -> None:
    placed = await filled(scene)
    more = (f"/orders/{placed.id}", f"/orders/{placed.id}/part", f"/people/{scene.people['ai'].id}")
    for person in (scene.rival, scene.ai, await identity.account(scene.place, name="Stranger")):
        async with visitor(scene.app, person) as browser:
            for path in (*PAGES, *more, f"/complaints/{placed.id}"):
                page = await browser.get(scene.root + path)
                assert page.status_code in (403, 404), (person.name, path, page.status_code)
                assert "Lane 7" not in page.text


async def test_another_companys_order_is_not_shown_under_ones_own(scene: Scene) -> None:
    placed = await scene.ordered()
    async with visitor(scene.app, scene.rival) as browser:
        page = await browser.get(f"/portal/provider/{scene.other.id}/orders/{placed.id}")
        assert page.status_code == 404


async def test_who_is_nobody_here_is_told_so_and_everybody_else_is_led_home(scene: Scene) -> None:
    async with visitor(scene.app, scene.boss) as browser:
        assert (await browser.get("/portal/provider")).headers["location"] == scene.root
        assert (await browser.get("/portal")).headers["location"] == "/portal/provider"
    async with visitor(scene.app, scene.ai) as browser:
        assert (await browser.get("/portal/provider")).headers["location"] == "/portal/provider/mine"
        assert (await browser.get("/portal")).headers["location"] == "/portal/provider/mine"
    async with visitor(scene.app, await identity.account(scene.place, name="Stranger")) as browser:
        assert (await browser.get("/portal/provider")).status_code == 403
    await identity.membership(scene.other, scene.boss, "coordinator")
    async with visitor(scene.app, scene.boss) as browser:
        page = await browser.get("/portal/provider")
        assert hostile.harmless(page.text)
        assert "Another" in page.text


async def test_the_board_finds_by_name_service_worker_and_lane(scene: Scene) -> None:
    await filled(scene)
    async with visitor(scene.app, scene.boss) as browser:

        async def found(query: str) -> int:
            page = await browser.get(f"{scene.root}?{query}")
            assert page.status_code == 200
            return len(set(re.findall(rf"{scene.root}/orders/([0-9a-f-]+)", page.text)))

        assert await found("") == 3
        assert await found("q=lane+7") == 3
        assert await found("q=alert(1)") == 3
        assert await found("q=nobody+of+this+name") == 0
        assert await found(f"worker={scene.bo.id}") == 1
        assert await found("worker=-") == 1
        assert await found("show=to_place") == 1
        assert await found("show=on_the_way") == 1
        assert await found("show=done") == 1
        assert await found(f"service={scene.service.id}&district=town") == 3
        assert await found("day=2026-03-09") == 0
        assert await found("day=never&show=nothing") == 3


async def test_an_order_is_given_to_somebody_by_a_form_once_however_often_it_is_pressed(scene: Scene) -> None:
    row = await scene.ordered()
    page, action = f"{scene.root}/orders/{row.id}", f"{scene.root}/orders/{row.id}/assignment"
    async with visitor(scene.app, scene.boss) as browser:
        shown = await browser.get(page)
        fields = form_on(shown, action)
        answers = [await browser.post(action, data=fields) for _ in range(2)]
        assert [one.headers["location"] for one in answers] == [f"{page}?done=sent"] * 2
        assert EN["done_sent"] in (await browser.get(answers[0].headers["location"])).text
    kept = await of_order(row)
    assert (kept.state, str(kept.worker_id)) == ("assigned", fields["worker_id"])


async def test_of_two_who_send_somebody_at_once_the_second_is_told(scene: Scene) -> None:
    row = await scene.ordered()
    page, action = f"{scene.root}/orders/{row.id}", f"{scene.root}/orders/{row.id}/assignment"
    async with visitor(scene.app, scene.boss) as one, visitor(scene.app, scene.colleague) as other:
        theirs = form_on(await other.get(page), action) | {"worker_id": str(scene.bo.id)}
        mine = form_on(await one.get(page), action) | {"worker_id": str(scene.ai.id)}
        assert (await one.post(action, data=mine)).status_code == 303
        late = await other.post(action, data=theirs)
        assert late.status_code == 412
        assert EN["trouble_stale_version"] in late.text
    assert (await of_order(row)).worker_id == scene.ai.id


async def test_who_is_somewhere_else_is_not_sent_and_the_page_says_so(scene: Scene) -> None:
    taken = await scene.ordered()
    await orders.on_the_way(taken, scene.people["ai"])
    row = await scene.ordered(hours=5)
    page, action = f"{scene.root}/orders/{row.id}", f"{scene.root}/orders/{row.id}/assignment"
    async with visitor(scene.app, scene.boss) as browser:
        said = await submit(browser, page, action, worker_id=str(scene.ai.id))
        assert said.status_code == 409
        assert EN["trouble_calendar_taken"] in said.text


async def test_what_may_be_set_aside_is_asked_for_once_more_and_what_may_not_is_not(scene: Scene) -> None:
    row = await scene.ordered(wished_sex="male")
    page, action = f"{scene.root}/orders/{row.id}", f"{scene.root}/orders/{row.id}/assignment"
    async with visitor(scene.app, scene.boss) as browser:
        said = await submit(browser, page, action, worker_id=str(scene.ai.id))
        assert said.status_code == 409
        assert EN["obstacle_sex"] in said.text
        fields = form_on(said, action)
        assert fields["despite"] == "sex"
        assert (await browser.post(action, data=fields)).status_code == 303
        assert (await of_order(row)).worker_id == scene.ai.id
        unable = await scene.ordered(hours=8, skills=["plumbing"])
        said = await submit(browser, f"{scene.root}/orders/{unable.id}", f"{scene.root}/orders/{unable.id}/assignment")
        assert said.status_code == 409
        assert unescape(EN["despite_never"]) in unescape(said.text)


async def test_an_order_is_moved_within_what_was_agreed_and_no_further(scene: Scene) -> None:
    row = await scene.ordered(flexibility=timedelta(hours=1))
    page, action = f"{scene.root}/orders/{row.id}", f"{scene.root}/orders/{row.id}/assignment"
    async with visitor(scene.app, scene.boss) as browser:
        await submit(browser, page, action, worker_id=str(scene.ai.id))
        later = (row.starts_at + timedelta(minutes=30)).isoformat()
        assert later in (await browser.get(page)).text
        said = await submit(browser, page, action, worker_id=str(scene.ai.id), starts_at=later)
        assert said.status_code == 303, said.text
        assert (await of_order(row)).starts_at == row.starts_at + timedelta(minutes=30)
        far = (row.starts_at + timedelta(hours=3)).isoformat()
        said = await submit(browser, page, action, worker_id=str(scene.ai.id), starts_at=far)
        assert (said.status_code, EN["trouble_outside_window"] in said.text) == (409, True)


async def test_an_order_is_taken_back_and_called_off_with_what_that_means(scene: Scene) -> None:
    row = await scene.ordered()
    page = f"{scene.root}/orders/{row.id}"
    async with visitor(scene.app, scene.boss) as browser:
        await submit(browser, page, f"{page}/assignment", worker_id=str(scene.ai.id))
        taken = await submit(browser, page, f"{page}/unassignment", reason="worker_ill", note=hostile.MARKUP)
        assert taken.headers["location"] == f"{page}?done=taken"
        shown = await browser.get(page)
        assert unescape(EN["cancel_is_near"]) in unescape(shown.text)
        assert hostile.harmless(shown.text)
        off = await submit(browser, page, f"{page}/cancellation", reason="no_worker", note=hostile.QUOTES)
        assert off.headers["location"] == f"{page}?done=called_off"
        assert hostile.harmless((await browser.get(page)).text)
        again = await browser.post(f"{page}/cancellation", data=form_on(shown, f"{page}/cancellation"))
        assert again.headers["location"] == f"{page}?done=called_off"
        assert "<form" not in (await browser.get(f"{page}/part")).text
        gone = await browser.post(f"{page}/assignment", data=form_on(shown, f"{page}/assignment") | {"version": ""})
        assert (gone.status_code, EN["trouble_order_not_open"] in gone.text) == (409, True)


async def test_the_door_and_the_end_are_seen_to_by_the_desk(scene: Scene, clock: ManualClock) -> None:
    row = await scene.ordered(hours=0.25)
    page = f"{scene.root}/orders/{row.id}"
    async with visitor(scene.app, scene.boss) as browser:
        await submit(browser, page, f"{page}/assignment", worker_id=str(scene.ai.id))
        begun = await submit(browser, page, f"{page}/start-confirmation", reason="I rang her")
        assert begun.headers["location"] == f"{page}?done=begun"
        open_steps = await submit(browser, page, f"{page}/completion")
        assert (open_steps.status_code, EN["trouble_checklist_open"] in open_steps.text) == (409, True)
        ended = await submit(browser, page, f"{page}/completion", undone_reason="No time")
        assert ended.headers["location"] == f"{page}?done=ended"


async def test_a_day_is_planned_and_carried_out_and_what_changed_meanwhile_is_told(scene: Scene) -> None:
    row = await scene.ordered()
    second = await scene.ordered(hours=7)
    plan = f"{scene.root}/plan?day=2026-03-02"
    async with visitor(scene.app, scene.boss) as browser:
        shown = await browser.get(plan)
        assert shown.status_code == 200
        assert "<svg" in shown.text
        proposed = await submit(browser, plan, f"{scene.root}/plan/proposals")
        assert proposed.status_code == 303, proposed.text
        page = await browser.get(proposed.headers["location"])
        assert EN["done_proposed"] in page.text
        (action,) = set(re.findall(rf"{scene.root}/plan/[0-9a-f-]+/acceptance", page.text))
        assert (await of_order(row)).state == "placed"
        done = await submit(browser, proposed.headers["location"], action)
        assert done.status_code == 303, done.text
        assert {(await of_order(one)).state for one in (row, second)} == {"assigned"}
        late = await browser.post(action, data=form_on(page, action) | {"key": "another"})
        assert (late.status_code, EN["trouble_day_plan_not_open"] in late.text) == (409, True)

        third = await scene.ordered(hours=1)
        proposed = await submit(browser, plan, f"{scene.root}/plan/proposals")
        page = await browser.get(proposed.headers["location"])
        (action,) = set(re.findall(rf"{scene.root}/plan/[0-9a-f-]+/acceptance", page.text))
        await submit(browser, plan, f"{scene.root}/orders/{third.id}/assignment", worker_id=str(scene.bo.id))
        stale = await browser.post(action, data=form_on(page, action))
        assert (stale.status_code, EN["trouble_day_plan_stale"] in stale.text) == (409, True)


async def test_the_plan_sends_somebody_by_a_form_and_comes_back_to_its_day(scene: Scene) -> None:
    row = await scene.ordered()
    plan = f"{scene.root}/plan?day=2026-03-02"
    async with visitor(scene.app, scene.boss) as browser:
        sent = await submit(browser, plan, f"{scene.root}/orders/{row.id}/assignment", worker_id=str(scene.ai.id))
        assert sent.headers["location"] == f"{plan}&done=sent"
        page = await browser.get(plan)
        assert EN["plan_none_open"] in page.text


async def test_what_cannot_be_in_time_is_a_conflict_on_the_plan(scene: Scene) -> None:
    far = await identity.household(scene.place, place=(31.4, 121.9), building="9")
    away = await identity.resident(scene.place, home=far, phone="+8613800000077", name="Far")
    first, second = await scene.ordered(), await scene.ordered(of=away, hours=6.2)
    async with unit_of_work() as session:
        spot = '{"address": "Far away", "building": "9", "latitude": 31.4, "longitude": 121.9}'
        (await session.get_one(Order, second.id)).place = seal(spot, PLACE)
    for row in (first, second):
        await orders.on_the_way(row, scene.people["ai"])
    async with visitor(scene.app, scene.boss) as browser:
        page = await browser.get(f"{scene.root}/plan")
        assert EN["plan_conflicts"].format(count=1) in page.text
        assert EN["problem_late"] in page.text


def test_the_board_says_once_where_an_order_is() -> None:
    def where(address: str | None, building: str | None, district: str) -> list[str]:
        return composing.Row({"address": address, "building": building}, "new", "", district).where

    assert where("1 Lake Road, Lakeside", "Lake Road", "lakeside") == ["1 Lake Road, Lakeside"]
    assert where("1 Lake Road", "House B", "north") == ["House B", "1 Lake Road", "north"]
    assert where(None, "House B", composing.NO_DISTRICT) == ["House B"]
    assert where(None, None, composing.NO_DISTRICT) == []


def test_lanes_are_told_by_what_is_the_matter_first() -> None:
    now = datetime(2026, 3, 2, 8, tzinfo=UTC)
    base: dict[str, object] = {
        "is_late": False,
        "starts_at": "2026-03-02T10:00:00Z",
        "ends_at": "2026-03-02T12:00:00Z",
        "asked": 0,
        "why": None,
        "latitude": None,
    }
    cases: list[tuple[dict[str, object], str]] = [
        ({"state": "held"}, "new"),
        ({"state": "placed"}, "to_place"),
        ({"state": "placed", "asked": 2}, "offered"),
        ({"state": "placed", "why": "hours"}, "trouble"),
        ({"state": "placed", "why": "hours", "starts_at": "2026-03-09T10:00:00Z"}, "to_place"),
        ({"state": "assigned"}, "accepted"),
        ({"state": "assigned", "is_late": True}, "trouble"),
        ({"state": "on_the_way"}, "on_the_way"),
        ({"state": "started"}, "at_work"),
        ({"state": "started", "ends_at": "2026-03-02T07:00:00Z"}, "trouble"),
        ({"state": "no_access"}, "trouble"),
        ({"state": "cancelled"}, "done"),
    ]
    for change, lane in cases:
        (row,) = composing.rows([base | change], now, [])
        assert row.lane == lane, change
