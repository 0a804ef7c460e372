"""A call for help from the pages: stored at once, one call however often it is sent, taken back while it can be."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from app.core import clock
from app.portal.resident_home.texts import WORDS
from tests.factories import eldercare_alarms as alarms
from tests.portal.ground import submit
from tests.portal.resident_home.conftest import Living

EN = WORDS["en"]
SCRIPT = {"X-Outbox": "1", "Sec-Fetch-Site": "same-origin"}


async def called(browser: httpx.AsyncClient, action: str = "/me/help", **fields: Any) -> httpx.Response:
    """Send what the script of the page sends."""
    token = (await browser.get("/portal/outbox/person")).json()["csrf"]
    return await browser.post(action, data={"csrf": token, **fields}, headers=SCRIPT)


async def count() -> int:
    return int(await alarms.scalar("SELECT count(*) FROM eldercare_alarm"))


async def test_without_a_script_it_is_a_form_and_can_be_taken_back(living: Living) -> None:
    async with living.browser() as browser:
        said = await submit(browser, "/me/help", "/me/help")
        assert said.headers["location"] == "/me/help?done=called"
        page = await browser.get(said.headers["location"])
        assert EN["help_cancel"] in page.text
        assert (await submit(browser, "/me/help", "/me/help/cancel")).headers["location"] == "/me/help?done=taken_back"
    assert await alarms.scalar("SELECT state FROM eldercare_alarm") == "cancelled"


async def test_it_is_stored_at_once_with_its_time_its_place_and_what_is_left_of_the_countdown(living: Living) -> None:
    pressed = clock.now() - timedelta(seconds=4)
    place = {"latitude": "31.23", "longitude": "121.47", "accuracy": "12"}
    async with living.browser() as browser:
        sent = await called(browser, sos_id=str(clock.new_id()), given_at=pressed.isoformat(), **place)
        assert sent.status_code == 200, sent.text
        assert sent.json()["state"] == "raised"
        until = await alarms.scalar("SELECT countdown_until FROM eldercare_alarm")
        assert until - clock.now() == timedelta(seconds=6)
    assert await alarms.scalar("SELECT occurred_at FROM eldercare_alarm_signal") == pressed
    assert await alarms.scalar("SELECT place IS NOT NULL FROM eldercare_alarm") is True


async def test_one_that_comes_late_calls_at_once(living: Living) -> None:
    pressed = clock.now() - timedelta(minutes=20)
    async with living.browser() as browser:
        sent = await called(browser, sos_id=str(clock.new_id()), given_at=pressed.isoformat())
    assert sent.json()["countdown_until"] is None
    assert await alarms.scalar("SELECT occurred_at FROM eldercare_alarm_signal") == pressed


async def test_the_same_call_sent_again_and_again_is_one(living: Living) -> None:
    sos = str(clock.new_id())
    async with living.browser() as browser:
        answers = [await called(browser, sos_id=sos, given_at=clock.now().isoformat()) for _ in range(3)]
    assert len({one.json()["alarm_id"] for one in answers}) == 1
    assert await count() == 1
    assert await alarms.scalar("SELECT count(*) FROM eldercare_alarm_signal") == 1


async def test_a_device_whose_clock_was_wrong_still_calls_for_help(living: Living) -> None:
    async with living.browser() as browser:
        for at in ("1970-01-01T00:00:03+00:00", (clock.now() + timedelta(days=400)).isoformat(), "when?"):
            sent = await called(browser, sos_id=str(clock.new_id()), given_at=at)
            assert (sent.status_code, sent.json().get("state")) == (200, "raised"), at
            assert sent.json()["countdown_until"] is not None  # there is time to take it back
    assert await alarms.scalar("SELECT count(*) FROM eldercare_alarm_signal") == 3
    assert await alarms.scalar("SELECT min(occurred_at) FROM eldercare_alarm_signal") == clock.now()


@pytest.mark.parametrize("ago", [timedelta(hours=25), timedelta(days=4), timedelta(days=200)])
async def test_one_that_never_arrived_is_raised_whenever_it_does_and_says_when_it_was(
    living: Living, ago: timedelta
) -> None:
    pressed, sos = clock.now() - ago, str(clock.new_id())
    async with living.browser() as browser:
        for _ in range(2):
            sent = await called(browser, sos_id=sos, given_at=pressed.isoformat())
            assert (sent.status_code, sent.json()["state"]) == (200, "raised"), sent.text
            assert sent.json()["countdown_until"] is None
            living.clock.advance(timedelta(seconds=3))
        assert "data-pressed-late" in (await browser.get("/me/help")).text
    assert await count() == 1
    assert await alarms.scalar("SELECT pressed_at FROM eldercare_alarm") == pressed


async def test_one_of_days_ago_can_be_taken_back_and_stays_so(living: Living) -> None:
    given, sos = (clock.now() - timedelta(days=5)).isoformat(), str(clock.new_id())
    async with living.browser() as browser:
        back = await called(browser, "/me/help/cancel", sos_id=sos, given_at=given)
        assert (back.status_code, back.json()["state"]) == (200, "cancelled"), back.text
        living.clock.advance(timedelta(hours=3))
        assert (await called(browser, sos_id=sos, given_at=given)).json()["state"] == "cancelled"
    assert await count() == 1


async def test_what_may_have_arrived_is_taken_back_whether_it_had_or_not(living: Living) -> None:
    arrived, lost = str(clock.new_id()), str(clock.new_id())
    async with living.browser() as browser:
        await called(browser, sos_id=arrived, given_at=clock.now().isoformat())
        for sos in (arrived, lost):
            back = await called(browser, "/me/help/cancel", sos_id=sos, given_at=clock.now().isoformat())
            assert (back.status_code, back.json()["state"]) == (200, "cancelled"), back.text
            # Whichever comes late changes nothing more.
            assert (await called(browser, sos_id=sos, given_at=clock.now().isoformat())).status_code == 200
    assert await alarms.scalar("SELECT count(*) FROM eldercare_alarm WHERE state <> 'cancelled'") == 0


async def test_too_late_to_take_back_is_said(living: Living) -> None:
    async with living.browser() as browser:
        sent = await called(browser, sos_id=str(clock.new_id()), given_at=clock.now().isoformat())
        living.clock.advance(timedelta(seconds=11))
        late = await called(browser, "/me/help/cancel", alarm=sent.json()["alarm_id"])
        assert late.status_code in (409, 422)
        assert late.json()["said"] == EN["trouble_alarm_countdown_over"]


async def test_taking_one_press_back_leaves_the_next_one_alone(living: Living) -> None:
    first, second = str(clock.new_id()), str(clock.new_id())
    async with living.browser() as browser:
        given = clock.now().isoformat()
        sent = await called(browser, sos_id=first, given_at=given)
        living.clock.advance(timedelta(seconds=2))
        # Taken back, and pressed again; on a bad line the second press is there first.
        await called(browser, sos_id=second, given_at=clock.now().isoformat())
        for more in ({"alarm": sent.json()["alarm_id"]}, {}):
            late = await called(browser, "/me/help/cancel", sos_id=first, given_at=given, **more)
            assert (late.status_code, late.json()["said"]) == (422, EN["trouble_alarm_called_again"])
        assert await alarms.scalar("SELECT state FROM eldercare_alarm") == "raised"
        back = await called(browser, "/me/help/cancel", sos_id=second, before=first, given_at=clock.now().isoformat())
        assert back.json()["state"] == "cancelled"


async def test_taking_back_what_never_arrived_calls_nobody_a_second_time(living: Living) -> None:
    lost, given = str(clock.new_id()), clock.now().isoformat()
    async with living.browser() as browser:
        living.clock.advance(timedelta(minutes=2))
        await called(browser, sos_id=str(clock.new_id()), given_at=clock.now().isoformat())
        living.clock.advance(timedelta(seconds=11))
        await alarms.climb()
        told = await alarms.scalar("SELECT count(*) FROM notifications_delivery")
        late = await called(browser, "/me/help/cancel", sos_id=lost, given_at=given)
        assert late.status_code == 422
        # Also where it comes after all.
        await called(browser, sos_id=lost, given_at=given)
    assert await alarms.scalar("SELECT count(*) FROM notifications_delivery") == told > 0
    assert (await count(), await alarms.scalar("SELECT round FROM eldercare_alarm")) == (1, 1)


async def test_only_the_persons_own_token_sends_and_nobody_is_told_to_sign_in(living: Living) -> None:
    async with living.browser() as browser, living.browser(living.scene.circle[0]) as other:
        theirs = (await other.get("/portal/outbox/person")).json()["csrf"]
        wrong = await browser.post("/me/help", data={"csrf": theirs}, headers=SCRIPT)
        assert (wrong.status_code, wrong.json()["code"]) == (403, "not_our_form")
        browser.cookies.clear()
        nobody = await browser.post("/me/help", data={"csrf": theirs}, headers=SCRIPT)
        assert nobody.status_code == 401
        assert (await browser.get("/portal/outbox/person", headers=SCRIPT)).status_code == 401
        assert (await browser.get("/portal/outbox/person")).status_code == 303
    assert await count() == 0
