"""Plans, announcements, what stands still, the trail and settings, in the operator's browser."""

import re
from typing import Final

import httpx
import pytest
from fastapi import FastAPI

from app.core.clock import ManualClock
from app.core.jobs import settle
from app.portal.operator.needs import needs
from notifications.broadcasts.jobs import JOBS
from tests.factories import identity
from tests.policies.journeys.operations.test_parked_items import park_fact
from tests.portal.ground import form_on, submit
from tests.portal.hostile import MARKUP, harmless
from tests.portal.operator.conftest import Scene
from tests.portal.operator.test_people import after

PAGE: Final = "/portal/operator"
PLANS: Final = f"{PAGE}/plans"
BROADCASTS: Final = f"{PAGE}/broadcasts"
PARKED: Final = f"{PAGE}/parked"
SAME: Final = {"Sec-Fetch-Site": "same-origin"}


@pytest.mark.parametrize(("what", "value"), [("role", "wizard"), ("channels", "pigeon")])
async def test_a_plan_with_something_invented_is_refused_in_words(
    browser: httpx.AsyncClient, scene: Scene, what: str, value: str
) -> None:
    new = f"{PLANS}/new"
    step = {"kind_0": "organization", "organization_0": str(scene.agency.id), "channels_0": "push"}
    fields = form_on(await browser.get(new), new) | step | {f"{what}_0": value}
    drawn = await browser.post(new, data=fields, headers=SAME)
    assert drawn.status_code == 200
    refused = await browser.post(new, data=fields | {"keep": "1"}, headers=SAME)
    assert refused.status_code == 422
    before = refused.text.partition(f'name="{what}_0"')[0]
    assert what != "role" or "wrong" in before[before.rindex("<div class=") :]  # at the field


async def test_a_plan_is_drawn_kept_and_put_in_force_after_the_desk_was_tested(
    browser: httpx.AsyncClient, scene: Scene, app: FastAPI
) -> None:
    new = f"{PLANS}/new"
    page = await browser.get(new)
    assert "<svg" in page.text
    fields = form_on(page, new) | {"wait_0": "120"}
    ways = {f"channels_{number}": ["push", "sms", "inbox"] for number in range(4)}
    drawn = await browser.post(new, data=fields | ways, headers=SAME)
    assert drawn.status_code == 200
    assert "2′" in drawn.text
    text = await after(browser, await browser.post(new, data=fields | ways | {"keep": "1"}, headers=SAME))
    assert "Draft" in text

    [activation] = re.findall(rf"{PLANS}/[0-9a-f-]+/activation", text)
    refused = await submit(browser, activation, activation)
    assert refused.status_code == 409
    assert "The duty desk has not answered a test" in refused.text

    wrong = await browser.post(new, data=fields | ways | {"keep": "1", "wait_1": "3", "key": "another"}, headers=SAME)
    assert wrong.status_code == 422
    assert 'id="e-wait_1"' in wrong.text, re.findall(r"<li>.*?</li>|class=.error.*", wrong.text)


async def test_an_announcement_is_counted_sent_followed_and_stopped(
    browser: httpx.AsyncClient, scene: Scene, clock: ManualClock
) -> None:
    new = f"{BROADCASTS}/new"
    given = {
        "audience": "role",
        "role": "resident",
        "title_en": "The lift",
        "body_en": "It works again.",
        "urgency": "normal",
    }
    seen = await submit(browser, new, new, **given, channels="push")
    assert seen.status_code == 200, seen.text
    assert "would be reached at the moment" in seen.text
    assert re.search(r'class="count">1<', seen.text)
    fields = form_on(seen, new) | {"channels": "push"}
    back = await browser.post(new, data=fields | {"change": "1"}, headers=SAME)
    assert 'value="The lift"' in back.text
    answer = await browser.post(new, data=fields | {"announce": "1"}, headers=SAME)
    one = answer.headers["location"].partition("?")[0]
    again = await browser.post(new, data=fields | {"announce": "1"}, headers=SAME)
    assert again.headers["location"].partition("?")[0] == one  # pressing twice announces once

    assert "data-progress" in (await browser.get(one)).text
    await settle(JOBS)
    part = (await browser.get(f"{one}/part")).text
    assert "<html" not in part
    assert "Written to all" in part
    cancel = f"{one}/cancellation"
    assert "cannot be called back" in (await browser.get(cancel)).text
    assert "Stopped" in await after(browser, await submit(browser, cancel, cancel))


async def test_an_announcement_that_is_not_right_is_shown_again(browser: httpx.AsyncClient, scene: Scene) -> None:
    new = f"{BROADCASTS}/new"
    empty = await submit(browser, new, new, audience="community")
    assert (empty.status_code, "at least one language" in empty.text) == (422, True)
    nowhere = await submit(browser, new, new, audience="building", building="", title_en="A", body_en="B")
    assert (nowhere.status_code, 'id="e-building"' in nowhere.text) == (422, True)
    seen = await submit(browser, new, new, audience="community", title_en=MARKUP, body_en=MARKUP)
    assert harmless(seen.text)
    fields = form_on(seen, new)
    half = await browser.post(new, data=fields | {"announce": "1", "body_en": ""}, headers=SAME)
    assert (half.status_code, 'id="e-body_en"' in half.text) == (422, True)


async def test_what_stands_still_is_tried_again(browser: httpx.AsyncClient, scene: Scene, clock: ManualClock) -> None:
    about = await park_fact(scene.community)
    elsewhere = await park_fact(await identity.community(), "tests.elsewhere")
    front = (await browser.get(PAGE)).text
    assert "Events that were given up: 1" in front
    text = (await browser.get(PARKED)).text
    assert str(about) in text
    assert str(elsewhere) not in text
    action = f"{PARKED}/event%3Atests.listener%3A{about}/replay"
    fields = form_on(await browser.get(PARKED), action)
    answer = await browser.post(action, data=fields, headers=SAME)
    assert str(about) not in await after(browser, answer)
    gone = await browser.post(action, data=fields | {"key": "another"}, headers=SAME)
    assert gone.status_code == 404
    assert "done already" in gone.text

    await park_fact(scene.community, "tests.another")
    ask = f"{PARKED}/replay?kind=event"
    page = await browser.get(ask)
    assert "Try all events again?" in page.text
    text = await after(
        browser, await browser.post(f"{PARKED}/replay", data=form_on(page, f"{PARKED}/replay"), headers=SAME)
    )
    assert "tests.another" not in text


async def test_the_trail_is_searched_and_says_so(browser: httpx.AsyncClient, scene: Scene) -> None:
    await browser.get(f"{PAGE}/residents/{scene.resident.id}")
    address = f"{PAGE}/audit?resident_id={scene.resident.id}"
    text = (await browser.get(address)).text
    assert "Boss" in text
    assert "Grace Hopper" in text
    assert "audit_entry:list" in (await browser.get(address)).text
    wrong = await browser.get(f"{PAGE}/audit?resident_id=nobody&from=2026-01-01")
    assert wrong.status_code == 422
    assert 'id="e-resident_id"' in wrong.text
    far = await browser.get(f"{PAGE}/audit?from=2020-01-01")
    assert 'id="e-to"' in far.text


async def test_settings_are_changed_and_nobody_is_overwritten(browser: httpx.AsyncClient, scene: Scene) -> None:
    page = f"{PAGE}/settings"
    stale = form_on(await browser.get(page), page)
    text = await after(browser, await submit(browser, page, page, name="Lakeside Two", number_fire="112"))
    assert 'value="Lakeside Two"' in text
    assert 'value="112"' in text
    late = await browser.post(page, data=stale | {"name": "Lakeside Three", "key": "another"}, headers=SAME)
    assert late.status_code == 412
    wrong = await submit(browser, page, page, time_zone="Nowhere")
    assert (wrong.status_code, 'id="e-time_zone"' in wrong.text) == (422, True)

    year = f"{page}/holidays/2026"
    text = await after(
        browser, await submit(browser, year, year, days="2026-10-01 National Day\n2026-10-10 *Make-up day")
    )
    assert "2026-10-10 *Make-up day" in text
    bad = await submit(browser, year, year, days="2026-10-01 National Day\nsome day")
    assert (bad.status_code, "These lines name no day: 2" in bad.text) == (422, True)
    other = await submit(browser, year, year, days="2025-10-01 National Day")
    assert (other.status_code, 'id="e-days"' in other.text) == (422, True)


async def test_how_a_message_reads_is_shown(browser: httpx.AsyncClient, scene: Scene) -> None:
    page = f"{PAGE}/settings/messages"
    keys = re.findall(r'<option value="(\w+\.\w+)"', (await browser.get(page)).text)
    shown = await browser.get(page, params={"notice": keys[0], "channel": "inbox", "language": "zh-CN"})
    assert shown.status_code == 200
    assert '<article class="card" lang="zh-CN">' in shown.text


def test_people_who_may_need_help_come_first() -> None:
    item = {"parked_at": None}
    quiet = {"lanes": [{"lane": "bulk", "lag_seconds": 3.0}]}
    house = {
        "queues": [{"name": "eldercare.alarm_steps", "is_vital": True, "lag_seconds": 90.0}],
        "providers": [{"what": "sms", "reaches_people": False}, {"what": "files", "reaches_people": False}],
        "environment": "production",
        "schema_expected": None,
        "schema_found": "1",
    }
    found = needs({"event": [], "deadline": [item], "delivery": [{"parked_at": "x"}] * 20}, house, quiet, [])
    assert [(need.grade, need.key) for need in found] == [
        ("needs", "stuck"),
        ("needs", "queue"),
        ("needs", "provider_sms"),
        ("waiting", "delivery"),
        ("waiting", "no_plan"),
    ]
    assert next(need.about for need in found if need.key == "delivery") == {"count": "20+"}
    calm = {**house, "queues": [], "providers": []}
    assert needs({"event": [], "deadline": [], "delivery": []}, calm, quiet, [{"state": "active"}]) == []
