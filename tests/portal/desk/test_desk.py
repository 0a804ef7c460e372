"""The desk's pages: what waits, who takes it, what each may do, and what names can not do to a page."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

from app.core.clock import ManualClock
from app.core.database import Database
from app.identity.models import Account
from app.portal.desk import composing, routes
from app.portal.desk.texts import WORDS
from app.portal.ground.links import Place
from app.portal.ground.pages import words_of
from app.portal.ground.wording import relation
from eldercare.alarms.models import Alarm
from tests.factories import eldercare_alarms as alarms
from tests.factories import eldercare_desk as desks
from tests.factories import identity
from tests.portal import hostile
from tests.portal.ground import form_on, submit, visitor

EN = WORDS["en"]


@dataclass
class Desk:
    """A desk with two at it, in front of an alarm that waits."""

    scene: alarms.Scene
    alarm: Alarm
    mine: httpx.AsyncClient
    colleague: Account
    theirs: httpx.AsyncClient

    @property
    def page(self) -> str:
        return f"/portal/desk/alarms/{self.alarm.id}"


@pytest_asyncio.fixture(loop_scope="session")
async def desk(app: FastAPI, database: Database, clock: ManualClock) -> AsyncIterator[Desk]:
    scene = await alarms.scene(circle=0)
    await desks.shift(scene.desk)
    colleague = await desks.colleague(scene, name=hostile.MARKUP)
    await desks.shift(colleague)
    alarm = await alarms.raised(scene.resident)
    await alarms.climb()
    async with visitor(app, scene.desk) as mine, visitor(app, colleague, language="zh-CN") as theirs:
        yield Desk(scene, alarm, mine, colleague, theirs)


async def test_what_waits_is_counted_and_taken_once(desk: Desk) -> None:
    page = await desk.mine.get("/portal/desk")
    assert page.status_code == 200
    assert EN["one_waits"] in page.text
    assert f'data-waiting="{desk.alarm.id}"' in page.text
    claimed = await submit(desk.mine, "/portal/desk", f"{desk.page}/claim")
    assert claimed.headers["location"] == f"{desk.page}?done=claim"
    assert EN["you_have_it"] in (await desk.mine.get(desk.page)).text
    assert EN["none_waits"] in (await desk.mine.get("/portal/desk/part")).text
    assert desk.page in (await desk.mine.get("/portal/desk?show=mine")).text
    assert desk.page not in (await desk.mine.get("/portal/desk?show=unclaimed")).text


@pytest.mark.parametrize(
    "page", ["/portal/desk?show=mine", "/portal/desk/response-times", "", "/portal/desk/waiting/part"]
)
async def test_what_waits_is_told_on_every_page_of_the_desk(desk: Desk, page: str) -> None:
    other = await alarms.raised(await identity.resident(desk.scene.community))
    await alarms.climb()
    await submit(desk.mine, "/portal/desk", f"{desk.page}/claim")
    shown = await desk.mine.get(page or desk.page)
    assert f'data-waiting="{other.id}"' in shown.text
    assert EN["one_waits"] in shown.text


async def test_what_waits_is_told_beyond_what_is_shown(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes, "MOST_SHOWN", 1)
    other = await alarms.raised(await identity.resident(desk.scene.community))
    await alarms.climb()
    shown = await desk.mine.get("/portal/desk")
    assert f'data-waiting="{desk.alarm.id} {other.id}"' in shown.text
    assert EN["some_wait"].format(count=2) in shown.text


async def test_what_is_with_the_circle_is_told_apart_from_what_waits_for_the_desk(desk: Desk) -> None:
    await submit(desk.mine, "/portal/desk", f"{desk.page}/claim")
    await alarms.raised(await identity.resident(desk.scene.community))
    shown = await desk.mine.get("/portal/desk")
    assert EN["with_circle_told"].partition("{at}")[0].format(circle=EN["one_with_circle"]) in shown.text
    assert EN["none_waits"] not in shown.text


async def test_whom_the_desk_can_send_is_on_the_page_until_the_alarm_is_over(app: FastAPI, desk: Desk) -> None:
    scene = desk.scene
    helper = await identity.account(scene.community, name=hostile.MARKUP, phone="+8613800000500")
    await alarms.circle_member(scene.resident, helper, has_key=True, relationship="neighbour")
    page = (await desk.mine.get(desk.page)).text
    assert hostile.harmless(page)
    assert EN["has_key"] in page
    assert 'href="tel:+8613800000500"' in page
    assert EN["no_notes"] in page
    assert "data-ticks" in page
    assert "(neighbour)" in page
    assert relation("zh-CN", "neighbour") == "邻居"
    assert relation("zh-CN", "of the choir") == "of the choir"
    await submit(desk.mine, "/portal/desk", f"{desk.page}/claim")
    form = form_on(await desk.mine.get(desk.page), f"{desk.page}/resolution")
    assert form["outcome"] == ""  # nobody says for the person at the desk how it ended
    await submit(desk.mine, desk.page, f"{desk.page}/resolution", outcome="helped")
    over = (await desk.mine.get(desk.page)).text
    assert words_of(WORDS, "en")["outcome_helped"] in over
    assert "tel:+8613800000500" not in over
    assert "data-ticks" not in over


async def test_with_nobody_on_shift_it_says_who_comes_next(
    app: FastAPI, database: Database, clock: ManualClock
) -> None:
    scene = await alarms.scene(circle=0)
    await desks.shift(scene.desk)
    late = await desks.colleague(scene, name="Late shift")
    begins = clock.now() + 5 * desks.HOUR
    await desks.shift(late, starts_at=begins, ends_at=begins + desks.HOUR)
    alarm = await alarms.raised(scene.resident)
    await alarms.climb()
    async with visitor(app, scene.desk) as alone:
        page = f"/portal/desk/alarms/{alarm.id}"
        await submit(alone, "/portal/desk", f"{page}/claim")
        said = (await alone.get(page)).text
    assert EN["no_colleague"] in said
    assert EN["comes_next"].partition("{at}")[0].format(name="Late shift") in said


async def test_of_two_who_take_it_at_once_one_learns_who_has_it(desk: Desk) -> None:
    page = await desk.theirs.get("/portal/desk")
    assert page.status_code == 200
    await submit(desk.mine, "/portal/desk", f"{desk.page}/claim")
    late = await desk.theirs.post(f"{desk.page}/claim", data=form_on(page, f"{desk.page}/claim"))
    assert late.status_code == 409
    assert "trouble" in late.text


async def test_nobody_sets_a_colleague_on_the_way_who_has_taken_over(desk: Desk) -> None:
    await submit(desk.mine, "/portal/desk", f"{desk.page}/claim")
    stale = await desk.mine.get(desk.page)
    asks = f"/portal/alarms/{desk.alarm.id}"
    assert (await submit(desk.theirs, f"{asks}/take-over", f"{asks}/take-over")).status_code == 303
    late = await desk.mine.post(f"{desk.page}/departure", data=form_on(stale, f"{desk.page}/departure"))
    assert late.status_code == 409
    assert EN["trouble_alarm_already_acknowledged"] in late.text
    assert (await alarms.current(desk.alarm)).state == "acknowledged"


async def test_it_is_handed_over_and_ended(desk: Desk) -> None:
    await submit(desk.mine, "/portal/desk", f"{desk.page}/claim")
    handed = await submit(
        desk.mine, desk.page, f"{desk.page}/handover", account_id=str(desk.colleague.id), note=hostile.MARKUP
    )
    assert handed.status_code == 303
    page = await desk.theirs.get(desk.page)
    assert hostile.harmless(page.text)
    (offer,) = [piece for piece in page.text.split('action="') if "/acceptance" in piece]
    taken = await submit(desk.theirs, desk.page, offer.partition('"')[0])
    assert taken.status_code == 303
    there = await submit(desk.theirs, desk.page, f"{desk.page}/arrival")
    assert there.status_code == 303
    ended = await submit(desk.theirs, desk.page, f"{desk.page}/resolution", outcome="helped", note="Fine again")
    assert ended.headers["location"].endswith("done=resolution")
    assert desk.page not in (await desk.mine.get("/portal/desk")).text
    over = await desk.mine.post(f"{desk.page}/arrival", data={})
    assert over.status_code == 403  # without the page's own fields nothing is done


async def test_the_board_shows_how_fast_people_were(desk: Desk) -> None:
    for period in (*composing.PERIODS, "nonsense"):
        page = await desk.mine.get(f"/portal/desk/response-times?period={period}")
        assert page.status_code == 200
        assert EN["within_60"] in page.text


async def test_whoever_is_not_at_the_desk_sees_nothing_of_it(app: FastAPI, desk: Desk) -> None:
    outsider = await identity.account(desk.scene.community, name="Somebody")
    async with visitor(app, outsider) as browser:
        for path in ("/portal/desk", "/portal/desk/part", "/portal/desk/response-times", "/portal/desk/waiting/part"):
            assert (await browser.get(path)).status_code == 403
        assert (await browser.get(desk.page)).status_code in (403, 404)
    assert (await desk.mine.get(f"/portal/desk/alarms/{desk.scene.resident.id}")).status_code == 404


@pytest.mark.parametrize("act", ["nonsense", "handovers"])
async def test_an_act_there_is_not_does_nothing(desk: Desk, act: str) -> None:
    page = await desk.mine.get("/portal/desk")
    fields = form_on(page, f"{desk.page}/claim")
    assert (await desk.mine.post(f"{desk.page}/{act}", data=fields)).status_code == 404


def test_the_desk_goes_where_the_alarm_was_raised_else_home() -> None:
    home = {"household": {"latitude": 1.5, "longitude": -2.0}}
    assert composing.place_of({"place": None, "place_at": None}, None) is None
    assert (
        composing.place_of({"place": None, "place_at": None}, {"household": {"latitude": None, "longitude": None}})
        is None
    )
    assert composing.place_of({"place": None, "place_at": None}, home) == Place(1.5, -2.0)
    raised = {"place": {"latitude": 3.0, "longitude": 4.0}, "place_at": "2026-03-01T08:00:00Z"}
    spot = composing.place_of(raised, home)
    assert spot is not None
    assert spot == Place(3.0, 4.0, at="2026-03-01T08:00:00Z")
    assert spot.age("2026-03-02T08:00:00Z") == timedelta(days=1)
    assert spot.age("2026-03-01T08:04:59Z") is None
    points = [{"value": "a@example.org", "capabilities": ["email"]}, {"value": "110", "capabilities": ["sms", "voice"]}]
    assert composing.numbers(points) == ["110"]


def test_an_emergency_number_is_shown_once_and_the_ambulance_first() -> None:
    said = words_of(WORDS, "en")
    of_china = {"fire": "119", "medical": "120", "police": "110"}
    assert composing.emergency(of_china, said) == [("120", "Ambulance"), ("119", "Fire service"), ("110", "Police")]
    assert composing.emergency({"fire": "911", "medical": "911"}, said) == [("911", "")]
    assert composing.emergency({"fire": "112", "medical": "112", "water": "110"}, said) == [
        ("112", "Ambulance, Fire service"),
        ("110", "water"),
    ]
