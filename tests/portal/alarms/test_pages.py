"""The pages of alarms as a browser without scripts uses them: every state, every act, and what is not shown."""

import asyncio
import re
from datetime import timedelta
from html import unescape
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.core import clock as clocks
from app.core.clock import ManualClock
from app.core.database import unit_of_work
from app.identity.models import Account
from eldercare.alarms.models import AlarmKind, Severity
from eldercare.response.service import resolve
from tests.factories import eldercare_alarms as alarms
from tests.factories import eldercare_zones as zones
from tests.factories import identity
from tests.factories.sign_in import sign_in, sign_in_resident
from tests.portal.ground import form_on, submit, visitor
from tests.portal.hostile import MARKUP, NAMES, harmless

pytestmark = pytest.mark.usefixtures("clock", "client")

NUMBER = "+8613800000001"


def words_on(page: httpx.Response) -> str:
    """Return what a page says, without its markup."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", page.text)))


async def resident_and(*scopes: str, **values: Any) -> tuple[alarms.Scene, Account]:
    """Return a scene and one more relative with these scopes, and the resident's home with a way in."""
    scene = await alarms.scene()
    friend = await identity.account(scene.community, name="Friend", phone="+8613800000055", **values)
    await identity.grant(scene.resident, friend, scopes)
    return scene, friend


async def test_from_nobody_has_it_to_over_by_the_buttons_of_the_page(app: FastAPI) -> None:
    scene = await alarms.scene()
    alarm = await alarms.raised(scene.resident, kind=AlarmKind.FALL, severity=Severity.HIGH)
    await alarms.climb()
    page_path = f"/portal/alarms/{alarm.id}"
    async with visitor(app, scene.circle[0]) as browser:
        page = await browser.get(page_path)
        assert page.status_code == 200, page.text
        assert "Nobody has it yet" in words_on(page)
        assert "A fall" in words_on(page)
        for act, says in (
            ("acknowledge", "You have taken it"),
            ("depart", "You are on the way"),
            ("arrive", "You are there"),
        ):
            answer = await submit(browser, page_path, f"{page_path}/{act}")
            assert (answer.status_code, answer.headers["location"]) == (303, f"{page_path}?done={act}"), answer.text
            page = await browser.get(answer.headers["location"])
            assert says in words_on(page)
            assert f"{page_path}/{act}" not in page.text
        assert f'href="{page_path}/resolution"' in page.text
        answer = await submit(
            browser, f"{page_path}/resolution", f"{page_path}/resolution", outcome="helped", note=MARKUP
        )
        page = await browser.get(answer.headers["location"])
        assert "It is over: Somebody helped, all is well" in words_on(page)
        assert MARKUP in words_on(page)
        assert harmless(page.text)
        assert "<form" not in page.text.split('id="alarm-top"')[1].split("</section>")[0]


async def test_of_two_who_take_it_at_once_the_other_sees_who_was_first_and_how_it_stands(app: FastAPI) -> None:
    scene = await alarms.scene()
    alarm = await alarms.raised(scene.resident)
    await alarms.climb()
    page_path = f"/portal/alarms/{alarm.id}"
    async with visitor(app, scene.circle[0]) as first, visitor(app, scene.circle[1]) as second:
        browsers = (first, second)
        pages = [await browser.get(page_path) for browser in browsers]
        answers = await asyncio.gather(
            *(
                browser.post(f"{page_path}/acknowledge", data=form_on(page, f"{page_path}/acknowledge"))
                for browser, page in zip(browsers, pages, strict=True)
            )
        )
    assert sorted(answer.status_code for answer in answers) == [303, 409]
    lost = next(number for number, answer in enumerate(answers) if answer.status_code == 409)
    said = words_on(answers[lost])
    winner = scene.circle[1 - lost].name
    assert f"{winner} was first." in said
    assert f"{winner} has taken it" in said
    assert f"{page_path}/take-over" in answers[lost].text


async def test_it_can_be_taken_over_and_given_back(app: FastAPI) -> None:
    scene = await alarms.scene()
    alarm = await alarms.raised(scene.resident)
    await alarms.climb()
    page_path = f"/portal/alarms/{alarm.id}"
    async with visitor(app, scene.circle[0]) as first, visitor(app, scene.circle[1]) as second:
        await submit(first, page_path, f"{page_path}/acknowledge")
        stale = await first.get(page_path)
        answer = await submit(second, f"{page_path}/take-over", f"{page_path}/take-over")
        assert answer.headers["location"].endswith("done=take_over")
        assert f"{scene.circle[1].name} has taken it" in words_on(await first.get(page_path))
        late = await first.post(f"{page_path}/release", data=form_on(stale, f"{page_path}/release"))
        assert (late.status_code, "You do not have it any more" in words_on(late)) == (409, True)
        await submit(second, page_path, f"{page_path}/release")
        assert "Nobody has it yet" in words_on(await first.get(page_path))


async def test_what_another_has_is_never_taken_over_by_one_press_on_the_page_that_changes(app: FastAPI) -> None:
    scene = await alarms.scene(circle=3)
    alarm = await alarms.raised(scene.resident)
    await alarms.climb()
    page_path = f"/portal/alarms/{alarm.id}"
    one, two, three = scene.circle
    async with visitor(app, one) as first, visitor(app, two) as second, visitor(app, three) as third:
        await submit(first, page_path, f"{page_path}/acknowledge")
        part = await second.get(f"{page_path}/top/part")
        assert f'action="{page_path}/take-over"' not in part.text
        assert f'action="{page_path}/acknowledge"' not in part.text
        asked = await second.get(f"{page_path}/take-over")
        assert f"{one.name}: has it since" in words_on(asked)
        await submit(third, f"{page_path}/take-over", f"{page_path}/take-over")
        # It was asked of the first, and is the third's by now: that is another question.
        form = form_on(asked, f"{page_path}/take-over")
        again = await second.post(f"{page_path}/take-over", data=form)
        assert again.status_code == 409
        assert f"{three.name}: has it since" in words_on(again)
        assert (await alarms.current(alarm)).acknowledged_by == three.id
        sure = await second.post(f"{page_path}/take-over", data=form_on(again, f"{page_path}/take-over"))
        assert sure.status_code == 303
        assert (await alarms.current(alarm)).acknowledged_by == two.id


@pytest.mark.parametrize("act", ["depart", "arrive"])
async def test_of_two_who_set_out_at_once_the_second_does_not_speak_for_the_first(app: FastAPI, act: str) -> None:
    scene = await alarms.scene()
    alarm = await alarms.raised(scene.resident)
    await alarms.climb()
    page_path = f"/portal/alarms/{alarm.id}"
    async with visitor(app, scene.circle[0]) as first, visitor(app, scene.circle[1]) as second:
        stale = await second.get(page_path)
        await submit(first, page_path, f"{page_path}/acknowledge")
        late = await second.post(f"{page_path}/{act}", data=form_on(stale, f"{page_path}/{act}"))
        assert late.status_code == 409
        assert f"{scene.circle[0].name} was first." in words_on(late)
        assert (await alarms.current(alarm)).state == "acknowledged"


async def test_who_is_there_is_who_said_so_and_not_who_has_it(app: FastAPI) -> None:
    scene = await alarms.scene()
    alarm = await alarms.raised(scene.resident)
    await alarms.climb()
    page_path = f"/portal/alarms/{alarm.id}"
    async with visitor(app, scene.circle[0]) as first, visitor(app, scene.circle[1]) as second:
        await submit(first, page_path, f"{page_path}/acknowledge")
        came = await submit(second, page_path, f"{page_path}/arrive")
        assert "You are there" in words_on(await second.get(came.headers["location"]))
        assert f"{scene.circle[1].name} is there" in words_on(await first.get(page_path))


async def test_having_it_is_said_only_to_who_has_it_still(app: FastAPI) -> None:
    scene = await alarms.scene()
    alarm = await alarms.raised(scene.resident)
    await alarms.climb()
    page_path = f"/portal/alarms/{alarm.id}"
    async with visitor(app, scene.circle[0]) as first, visitor(app, scene.circle[1]) as second:
        taken = await submit(first, page_path, f"{page_path}/acknowledge")
        assert "You have it. Everybody who was told knows." in words_on(await first.get(taken.headers["location"]))
        await submit(second, f"{page_path}/take-over", f"{page_path}/take-over")
        assert "You have it" not in words_on(await first.get(taken.headers["location"]))


async def test_pressing_twice_does_once(app: FastAPI) -> None:
    scene = await alarms.scene()
    alarm = await alarms.raised(scene.resident)
    page_path = f"/portal/alarms/{alarm.id}"
    async with visitor(app, scene.circle[0]) as browser:
        page = await browser.get(page_path)
        form = form_on(page, f"{page_path}/depart")
        answers = [await browser.post(f"{page_path}/depart", data=form) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    assert (await alarms.kinds(alarm)).count("en_route") == 1


async def test_who_comes_late_to_what_is_over_sees_how_it_ended(app: FastAPI) -> None:
    scene = await alarms.scene()
    alarm = await alarms.raised(scene.resident)
    page_path = f"/portal/alarms/{alarm.id}"
    async with visitor(app, scene.circle[0]) as first, visitor(app, scene.circle[1]) as second:
        stale = await second.get(page_path)
        await submit(first, f"{page_path}/resolution", f"{page_path}/resolution", outcome="false_alarm")
        late = await second.post(f"{page_path}/depart", data=form_on(stale, f"{page_path}/depart"))
        assert late.status_code == 409
        assert "It is over already" in words_on(late)
        assert "A false alarm" in words_on(late)
        away = await second.get(f"{page_path}/resolution")
        assert (away.status_code, away.headers["location"]) == (303, page_path)


async def test_an_end_without_saying_how_is_asked_again_and_the_note_is_kept(app: FastAPI) -> None:
    scene = await alarms.scene()
    alarm = await alarms.raised(scene.resident)
    page_path = f"/portal/alarms/{alarm.id}"
    async with visitor(app, scene.circle[0]) as browser:
        answer = await submit(browser, f"{page_path}/resolution", f"{page_path}/resolution", note="She laughed")
    assert answer.status_code == 422
    assert "Say how it ended." in words_on(answer)
    assert "She laughed" in words_on(answer)


async def test_the_resident_can_take_it_back_in_the_countdown_and_sees_help_coming_after(
    app: FastAPI, client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await alarms.scene()
    headers = await sign_in_resident(scene.resident)
    person = await identity_of(scene)
    async with visitor(app, person) as browser:
        sos = (await client.post("/v1/me/sos", headers=headers, json={"countdown_seconds": 20})).json()
        page_path = f"/portal/alarms/{sos['id']}"
        page = await browser.get(page_path)
        assert "It can be taken back until" in words_on(page)
        assert f"tel:{NUMBER}" not in page.text
        await submit(browser, page_path, f"{page_path}/cancel")
        assert "It was taken back" in words_on(await browser.get(page_path))

        sos = (await client.post("/v1/me/sos", headers=headers, json={"countdown_seconds": 20})).json()
        page_path = f"/portal/alarms/{sos['id']}"
        stale = await browser.get(page_path)
        clock.advance(timedelta(seconds=21))
        await alarms.climb()
        late = await browser.post(f"{page_path}/cancel", data=form_on(stale, f"{page_path}/cancel"))
        assert (late.status_code, "It can no longer be taken back" in words_on(late)) == (409, True)
        assert scene.circle[0].name in words_on(late)


async def identity_of(scene: alarms.Scene) -> Account:
    """Return the resident's account."""
    async with unit_of_work() as session:
        return await session.get_one(Account, scene.resident.account_id)


async def test_where_to_go_how_to_get_in_and_whom_to_call(app: FastAPI) -> None:
    community = await identity.community()
    home = await identity.household(community, address="12 Plum Lane", building="B", place=(31.23, 121.47))
    resident = await identity.resident(
        community, phone=NUMBER, home=home, emergency_notes="Key safe left of the door, 4711"
    )
    daughter = await identity.account(community, name="Daughter", phone="+8613800000055")
    await alarms.circle_member(resident, daughter, has_key=True)
    scopes = ["alarms:read", "alarms:respond", "profile:read", "contacts:read", "circle:read"]
    await identity.grant(resident, daughter, scopes)
    alarm = await alarms.raised(resident, kind=AlarmKind.SMOKE, severity=Severity.CRITICAL)
    async with visitor(app, daughter) as browser:
        page = await browser.get(f"/portal/alarms/{alarm.id}")
    said = words_on(page)
    assert "12 Plum Lane" in said
    assert "Key safe left of the door, 4711" in said
    assert f'href="tel:{NUMBER}"' in page.text
    assert 'href="tel:119"' in page.text
    assert 'href="tel:+862155551000"' in page.text
    assert 'href="geo:31.230000,121.470000?q=31.230000,121.470000"' in page.text
    assert "https://www.openstreetmap.org/?mlat=31.230000&amp;mlon=121.470000#map=17/31.230000/121.470000" in page.text
    assert "Has a key Daughter" in said
    assert "Call 119 now. Do not go into smoke." in said


async def test_without_the_rights_neither_address_nor_number_nor_names_are_shown(app: FastAPI) -> None:
    scene, friend = await resident_and("alarms:read")
    alarm = await alarms.raised(scene.resident, severity=Severity.LOW)
    await alarms.climb()
    async with visitor(app, friend) as browser:
        page = await browser.get(f"/portal/alarms/{alarm.id}")
    said = words_on(page)
    assert page.status_code == 200
    assert "1 Lake Road" not in said
    assert NUMBER not in page.text
    assert scene.circle[0].name not in said
    assert "somebody of the circle" in said
    assert "/acknowledge" not in page.text
    assert "You may not see the address" in said


async def test_where_somebody_was_last_is_shown_to_those_who_may_see_it_alone(app: FastAPI) -> None:
    scene = await zones.scene()
    other = await identity.account(scene.community, name="Neighbour", phone="+8613800000077")
    await identity.grant(scene.resident, other, ["alarms:read", "alarms:respond"])
    await zones.position(scene.resident, zones.fix(800))
    alarm = await alarms.raised(scene.resident, kind=AlarmKind.WANDERING, severity=Severity.MEDIUM)
    async with visitor(app, scene.daughter) as browser:
        seen = await browser.get(f"/portal/alarms/{alarm.id}")
    async with visitor(app, other) as browser:
        hidden = await browser.get(f"/portal/alarms/{alarm.id}")
    assert "Last known position" in words_on(seen)
    assert "geo:31.237" in seen.text
    assert "Last known position" not in words_on(hidden)
    assert "geo:" not in hidden.text


async def test_a_measurement_is_shown_to_those_who_may_see_it_alone(app: FastAPI, client: httpx.AsyncClient) -> None:
    scene, friend = await resident_and("alarms:read", "vitals:read", "vitals:write")
    given = {"readings": [{"code": "8867-4", "value": 141, "unit": "/min", "measured_at": clocks.now().isoformat()}]}
    answer = await client.post(f"/v1/residents/{scene.resident.id}/vitals", headers=await sign_in(friend), json=given)
    if answer.status_code >= 400:
        pytest.fail(answer.text)
    listed = await client.get(f"/v1/residents/{scene.resident.id}/vitals", headers=await sign_in(friend))
    reading_id = listed.json()["items"][0]["id"]
    alarm = await alarms.raised(
        scene.resident, kind=AlarmKind.VITAL_SIGN, severity=Severity.MEDIUM, evidence={"reading_ids": [reading_id]}
    )
    async with visitor(app, friend) as browser:
        assert "141" in words_on(await browser.get(f"/portal/alarms/{alarm.id}"))
    async with visitor(app, scene.circle[0]) as browser:
        assert "141" not in words_on(await browser.get(f"/portal/alarms/{alarm.id}"))


async def test_a_stranger_learns_nothing_and_nobody_is_led_to_the_sign_in(app: FastAPI) -> None:
    scene = await alarms.scene()
    alarm = await alarms.raised(scene.resident)
    stranger = await identity.account(scene.community, name="Stranger", phone="+8613900000099")
    async with visitor(app, stranger) as browser:
        page = await browser.get(f"/portal/alarms/{alarm.id}")
        assert page.status_code == 404
        assert "not shared with you" in words_on(page)
        assert (await browser.get("/portal/alarms")).status_code == 200
        browser.cookies.clear()
        away = await browser.get(f"/portal/alarms/{alarm.id}")
        part = await browser.get(f"/portal/alarms/{alarm.id}/top/part")
    assert away.status_code == 303
    assert away.headers["location"] == f"/portal/sign-in?next=%2Fportal%2Falarms%2F{alarm.id}"
    assert part.status_code == 401


async def test_a_form_from_elsewhere_does_nothing(app: FastAPI) -> None:
    scene = await alarms.scene()
    alarm = await alarms.raised(scene.resident)
    page_path = f"/portal/alarms/{alarm.id}"
    async with visitor(app, scene.circle[0]) as browser:
        form = form_on(await browser.get(page_path), f"{page_path}/acknowledge")
        forged = await browser.post(f"{page_path}/acknowledge", data=form | {"csrf": "x"})
        elsewhere = await browser.post(
            f"{page_path}/acknowledge", data=form, headers={"Origin": "https://evil.example"}
        )
        unknown = await browser.post(f"{page_path}/explode", data=form)
    assert (forged.status_code, elsewhere.status_code, unknown.status_code) == (403, 403, 404)
    assert (await alarms.current(alarm)).state == "raised"


@pytest.mark.parametrize("name", NAMES)
async def test_what_people_are_called_and_write_stays_text(app: FastAPI, name: str) -> None:
    community = await identity.community()
    home = await identity.household(community, address=name)
    resident = await identity.resident(community, name=name, phone=NUMBER, home=home, emergency_notes=name)
    relative = await identity.account(community, name=name, phone="+8613800000055")
    await alarms.circle_member(resident, relative, relationship=name[:80], has_key=True)
    await identity.grant(
        resident, relative, ["alarms:read", "alarms:respond", "profile:read", "contacts:read", "circle:read"]
    )
    alarm = await alarms.raised(resident, evidence={"note": name})
    await alarms.climb()
    page_path = f"/portal/alarms/{alarm.id}"
    async with visitor(app, relative) as browser:
        await submit(browser, page_path, f"{page_path}/acknowledge")
        pages = [
            await browser.get(path)
            for path in (
                page_path,
                f"{page_path}/top/part",
                f"{page_path}/trail/part",
                f"{page_path}/resolution",
                "/portal/alarms",
                "/portal/alarms/part",
            )
        ]
    for page in pages:
        assert page.status_code == 200
        assert harmless(page.text)
    assert name in unescape(pages[0].text)


async def test_in_chinese_all_of_it_is_chinese(app: FastAPI) -> None:
    scene, friend = await resident_and("alarms:read", "alarms:respond", language="zh-CN")
    alarm = await alarms.raised(scene.resident, kind=AlarmKind.FALL, severity=Severity.MEDIUM)
    await alarms.climb()
    async with visitor(app, friend) as browser:
        page = await browser.get(f"/portal/alarms/{alarm.id}")
        listed = await browser.get("/portal/alarms")
    said = words_on(page)
    assert '<html lang="zh-CN"' in page.text
    for text in ("还没有人接手", "跌倒", "我来处理", "首先做什么", "通知了谁", "拨打 120"):
        assert text in said
    left = re.findall(r"[A-Za-z]{4,}", words_on(page).replace("Hearthline", "").replace("Grace", ""))
    assert [word for word in left if word not in ("Relative", "Friend", "Lake", "Road", "Desk")] == []
    assert "进行中" in words_on(listed)


async def test_the_list_shows_the_open_and_the_past_and_who_has_them(app: FastAPI, clock: ManualClock) -> None:
    scene = await alarms.scene()
    past = await alarms.raised(scene.resident)
    page_path = f"/portal/alarms/{past.id}"
    async with visitor(app, scene.circle[0]) as browser:
        await submit(browser, f"{page_path}/resolution", f"{page_path}/resolution", outcome="false_alarm")
        assert "No alarm is open." in words_on(await browser.get("/portal/alarms"))
        clock.advance(timedelta(minutes=30))
        again = await alarms.raised(scene.resident, kind=AlarmKind.FALL)
        await submit(browser, f"/portal/alarms/{again.id}", f"/portal/alarms/{again.id}/acknowledge")
        listed = await browser.get("/portal/alarms")
        assert f"/portal/alarms/{again.id}" in listed.text
        assert f"/portal/alarms/{past.id}" not in listed.text
        assert f"{scene.circle[0].name} has it" in words_on(listed)
        over = await browser.get("/portal/alarms?part=past")
    assert "A false alarm" in words_on(over)
    assert f"/portal/alarms/{again.id}" not in over.text


async def test_what_was_taken_back_is_said_once(app: FastAPI, client: httpx.AsyncClient) -> None:
    scene = await alarms.scene()
    headers = await sign_in_resident(scene.resident)
    sos = (await client.post("/v1/me/sos", headers=headers, json={"countdown_seconds": 20})).json()
    await client.post(f"/v1/alarms/{sos['id']}/cancellation", headers=headers)
    async with visitor(app, scene.circle[0]) as browser:
        over = words_on(await browser.get("/portal/alarms?part=past"))
    assert over.lower().count("taken back") == 1


async def test_who_is_told_next_reads_it_and_that_the_number_is_not_shared(app: FastAPI) -> None:
    scene = await alarms.scene(circle=2)
    await alarms.circle_member(scene.resident, await identity.account(scene.community, name="Third"), position=3)
    steps = [{"target_kind": "circle_member", "target_order": 1}, {"target_kind": "circle_member", "target_order": 2}]
    await alarms.plan(scene.resident, [*steps, {"target_kind": "duty_desk"}])
    alarm = await alarms.raised(scene.resident, kind=AlarmKind.FALL, severity=Severity.HIGH)
    await alarms.climb()
    async with visitor(app, scene.circle[0]) as told, visitor(app, scene.circle[1]) as following:
        first = await told.get(f"/portal/alarms/{alarm.id}")
        second = await following.get(f"/portal/alarms/{alarm.id}")
    assert f"tel:{NUMBER}" in first.text  # emergency access comes with being told
    assert f"tel:{NUMBER}" not in second.text
    assert "does not share their number with you" in words_on(second)
    assert "does not share their number with you" not in words_on(first)
    assert re.search(r"If nobody takes it by \S+ \S+, you are told next\.", words_on(second).replace("\u202f", " "))
    assert "(Hearthline)" in words_on(second)


async def test_an_older_alarm_is_a_page_further(app: FastAPI, clock: ManualClock) -> None:
    scene = await alarms.scene()
    first = None
    for _ in range(21):
        alarm = await alarms.raised(scene.resident)
        first = first or alarm
        async with unit_of_work() as session:
            await resolve(session, alarms.actor_of(scene.desk), alarm.id, outcome="helped", note=None)
        clock.advance(timedelta(minutes=20))
    assert first is not None
    async with visitor(app, scene.circle[0]) as browser:
        page = await browser.get("/portal/alarms?part=past")
        assert str(first.id) not in page.text
        further = re.search(r'href="(/portal/alarms\?[^"]+cursor[^"]+)"', page.text)
        assert further is not None
        page = await browser.get(unescape(further[1]))
    assert str(first.id) in page.text
