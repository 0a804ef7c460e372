"""The circles' pages: saying yes, writing to each other, taking turns and being away."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
from fastapi import FastAPI

from app.core import clock
from app.core.database import Database
from app.portal.circles import composing
from app.portal.circles.texts import WORDS
from tests.factories import eldercare_alarms as alarms
from tests.factories import identity
from tests.portal import hostile
from tests.portal.elements import Elements
from tests.portal.ground import form_on, submit, visitor

EN = WORDS["en"]
ZONE = ZoneInfo("Asia/Shanghai")
SCOPES = ["messages:read", "messages:write", "circle:read"]


async def circle_of_two() -> tuple[alarms.Scene, list[Any]]:
    """Return a resident with two in their circle, who read along."""
    scene = await alarms.scene(circle=0)
    members = []
    for number in (1, 2):
        person = await identity.account(scene.community, name=f"Relative {number}")
        member = await alarms.circle_member(scene.resident, person, position=number, scopes=SCOPES)
        await identity.grant(scene.resident, person, SCOPES)
        members.append((person, member))
    return scene, members


async def test_somebody_who_is_asked_says_yes(app: FastAPI, database: Database) -> None:
    scene = await alarms.scene(circle=0)
    person = await identity.account(scene.community, name="Asked")
    member = await alarms.circle_member(
        scene.resident, person, state="invited", relationship=hostile.MARKUP[:80], answered_at=None
    )
    async with visitor(app, person) as browser:
        page = await browser.get("/portal/circles")
        assert hostile.harmless(page.text)
        said = await submit(browser, "/portal/circles", f"/portal/circles/{member.id}/answer", says="yes")
        assert said.headers["location"] == "/portal/circles?done=accepted"
        assert EN["done_accepted"] in (await browser.get(said.headers["location"])).text


async def test_what_one_writes_the_other_reads_once_as_new(app: FastAPI, database: Database) -> None:
    scene, ((first, _), (second, _)) = await circle_of_two()
    page = f"/portal/circles/{scene.resident.id}/messages"
    async with visitor(app, first) as one, visitor(app, second, language="zh-CN") as other:
        for name in hostile.NAMES:
            assert (await submit(one, page, page, text=f"{name} ")).status_code == 303
        listed = await other.get("/portal/circles")
        assert EN["unread"].format(count=len(hostile.NAMES)) in listed.text
        read = await other.get(page)
        assert hostile.harmless(read.text)
        assert EN["new"] in read.text
        assert hostile.CHINESE in read.text
        assert EN["unread"].format(count=len(hostile.NAMES)) not in (await other.get("/portal/circles/part")).text
        withdrawals = [
            str(given["action"])
            for tag, given in Elements((await one.get(page)).text).found
            if tag == "form" and str(given.get("action")).endswith("/withdrawal")
        ]
        assert len(withdrawals) == len(hostile.NAMES)
        assert (await submit(one, page, withdrawals[0])).status_code == 303
        assert EN["withdrawn"] in (await other.get(f"{page}/part")).text
        # What is another's cannot be taken back, though a form says so.
        fields = form_on(await other.get(page), page)
        assert (await other.post(withdrawals[1], data=fields)).status_code in (403, 404)


async def test_what_comes_while_a_page_is_in_the_background_is_not_taken_for_read(
    app: FastAPI, database: Database
) -> None:
    scene, ((first, _), (second, _)) = await circle_of_two()
    page = f"/portal/circles/{scene.resident.id}/messages"
    async with visitor(app, first) as one, visitor(app, second) as other:
        await submit(one, page, page, text="Are you coming?")
        for headers, unread in (({"X-Seen": "0"}, True), ({"X-Seen": "1"}, False)):
            assert "Are you coming?" in (await other.get(f"{page}/part", headers=headers)).text
            assert (EN["unread"].format(count=1) in (await other.get("/portal/circles")).text) == unread


async def test_whoever_does_not_read_along_reads_nothing(app: FastAPI, database: Database) -> None:
    scene, _ = await circle_of_two()
    async with visitor(app, await identity.account(scene.community, name="Stranger")) as browser:
        page = await browser.get(f"/portal/circles/{scene.resident.id}/messages")
        assert page.status_code in (403, 404)


async def _rota_page(browser: httpx.AsyncClient) -> httpx.Response:
    page = await browser.get("/portal/rota")
    assert page.status_code == 200
    return page


async def test_a_turn_is_offered_and_taken(app: FastAPI, database: Database) -> None:
    _, ((first, mine), (second, theirs)) = await circle_of_two()
    async with visitor(app, first) as one, visitor(app, second) as other:
        page = await _rota_page(one)
        assert EN["your_turn"] in page.text
        offer = f"/portal/rota/{mine.id}/swaps"
        assert form_on(page, offer)["taker_id"] == str(theirs.id)
        assert (await submit(one, "/portal/rota", offer)).headers["location"] == "/portal/rota?done=offered"
        shown = await _rota_page(other)
        (take,) = [
            str(given["action"])
            for tag, given in Elements(shown.text).found
            if tag == "form" and str(given.get("action")).endswith("/acceptance")
        ]
        assert (await submit(other, "/portal/rota", take)).headers["location"] == "/portal/rota?done=acceptance"
        late = await other.post(take, data=form_on(shown, take))
        assert late.status_code == 409
        assert EN["trouble_swap_over"] in late.text


async def test_being_away_and_hours_are_kept(app: FastAPI, database: Database) -> None:
    _, ((first, mine), _) = await circle_of_two()
    tomorrow = (clock.now() + timedelta(days=1)).date().isoformat()  # a day ahead in every zone the reader may be in
    base = f"/portal/rota/{mine.id}"
    async with visitor(app, first) as browser:
        away = await submit(browser, "/portal/rota", f"{base}/absences", starts_on=tomorrow, ends_on=tomorrow)
        assert away.headers["location"] == "/portal/rota?done=away"
        wrong = await submit(browser, "/portal/rota", f"{base}/absences", starts_on="soon", ends_on=tomorrow)
        assert wrong.status_code == 422
        assert EN["trouble_malformed"] in wrong.text
        (back,) = [
            str(given["action"])
            for tag, given in Elements((await _rota_page(browser)).text).found
            if tag == "form" and str(given.get("action")).endswith("/removal")
        ]
        assert (await submit(browser, "/portal/rota", back)).headers["location"] == "/portal/rota?done=back"
        kept = await submit(browser, "/portal/rota", f"{base}/hours", **{"start-0": "08:00", "end-0": "12:00"})
        assert kept.headers["location"] == "/portal/rota?done=hours"
        assert ("start-0", "08:00") in _times_on(await _rota_page(browser))
        emptied = {"start-0": "", "end-0": "", "any_time": ""}
        assert (await submit(browser, "/portal/rota", f"{base}/hours", **emptied)).status_code == 422


def _times_on(page: httpx.Response) -> list[tuple[str, str]]:
    """Return the fields of the hours that are filled in."""
    found = [given for tag, given in Elements(page.text).found if tag == "input" and given.get("type") == "time"]
    return [(str(given["name"]), str(given["value"])) for given in found if given.get("value")]


async def test_hours_are_kept_whole_by_who_changes_one_of_them(app: FastAPI, database: Database) -> None:
    _, ((first, mine), _) = await circle_of_two()
    hours = f"/portal/rota/{mine.id}/hours"
    split = {"start-1": ["08:00", "18:00"], "end-1": ["12:00", "22:00"], "start-4": ["22:00"], "end-4": ["06:00"]}
    async with visitor(app, first) as browser:
        form = form_on(await _rota_page(browser), hours)
        assert (await browser.post(hours, data={**form, **split})).status_code == 303
        page = await _rota_page(browser)
        assert _times_on(page) == [
            ("start-1", "08:00"),
            ("end-1", "12:00"),
            ("start-1", "18:00"),
            ("end-1", "22:00"),
            ("start-4", "22:00"),
            ("end-4", "06:00"),
        ]
        # Half a window is not dropped unsaid, and changes nothing.
        half = await browser.post(hours, data={**form_on(page, hours), **split, "start-5": ["08:00"], "end-5": [""]})
        assert half.status_code == 422
        assert EN["trouble_hours_half"] in half.text
        assert _times_on(half) == _times_on(page)


async def test_whoever_can_be_called_at_any_time_again_need_not_empty_their_hours(
    app: FastAPI, database: Database
) -> None:
    _, ((first, mine), _) = await circle_of_two()
    hours = f"/portal/rota/{mine.id}/hours"
    filled = {"start-0": "08:00", "end-0": "12:00"}
    async with visitor(app, first) as browser:
        await submit(browser, "/portal/rota", hours, **filled)
        assert (await submit(browser, "/portal/rota", hours, **filled, any_time="1")).status_code == 303
        assert _times_on(await _rota_page(browser)) == []


def test_a_time_over_midnight_stands_on_both_days() -> None:
    slot = {
        "starts_at": "2026-03-02T12:00:00+00:00",
        "ends_at": "2026-03-02T20:00:00+00:00",
        "on_call": [{"member_id": "m", "name": "Relative"}],
    }
    found = composing.days([slot], "m", ZONE)
    assert [day.day.isoformat() for day in found] == ["2026-03-02", "2026-03-03"]
    first, second = found[0].turns[0], found[1].turns[0]
    assert first.ends_at == second.starts_at == datetime(2026, 3, 2, 16, tzinfo=UTC)
    assert second.ends_at == datetime(2026, 3, 2, 20, tzinfo=UTC)
    assert first.is_mine
    assert composing.days([{**slot, "ends_at": "2026-03-02T16:00:00+00:00"}], "x", ZONE)[-1].day.isoformat() == (
        "2026-03-02"
    )


def test_what_one_wrote_oneself_is_not_new() -> None:
    written = [{"author_id": author, "written_at": "2026-03-02T12:00:00+00:00"} for author in "ymy"]
    assert [one.is_new for one in composing.conversation(written, "m", 2, ZONE)] == [True, False, False]
    assert [one.is_new for one in composing.conversation(written, "m", 1, ZONE)] == [False, False, True]
    assert not any(one.is_new for one in composing.conversation(written, "m", 0, ZONE))
    assert not any(one.is_new for one in composing.conversation(written[:0], "m", 1, ZONE))
