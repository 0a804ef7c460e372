"""A resident's first screen: what it shows, "I'm fine" as of when it was said, today's medicine, appointments."""

import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest

from app.core import clock
from app.core.database import unit_of_work
from app.portal.ground.asking import Answer, OwnApi, Refused
from app.portal.ground.pages import environment
from app.portal.resident_home import knowing
from app.portal.resident_home.coming import AHEAD, coming
from app.portal.resident_home.texts import WORDS
from eldercare.visits.models import Visit
from tests.factories import eldercare_alarms as alarms
from tests.factories import eldercare_check_ins as check_ins
from tests.factories import eldercare_medication as medication
from tests.factories import eldercare_visits as visits
from tests.factories import identity
from tests.factories import telemedicine_appointments as appointments
from tests.factories import telemedicine_clinics as clinics
from tests.portal import hostile
from tests.portal.ground import form_on, submit
from tests.portal.resident_home.conftest import Living

EN = WORDS["en"]


async def sent_later(browser: httpx.AsyncClient, page: str, action: str, **fields: str) -> httpx.Response:
    """Send a form as the outbox does, asking for JSON."""
    given = form_on(await browser.get(page), action)
    headers = {"X-Outbox": "1", "Sec-Fetch-Site": "same-origin"}
    return await browser.post(action, data=given | fields, headers=headers)


async def test_a_resident_begins_at_their_own_first_screen(living: Living) -> None:
    async with living.browser() as browser:
        assert (await browser.get("/portal")).headers["location"] == "/me"
        page = await browser.get("/me")
        assert page.status_code == 200
        for text in (EN["help"], EN["fine_none"], EN["dose_none"], EN["appointments_none"]):
            assert text in page.text
        assert "tel:120" in page.text
        assert page.headers["x-who"] == str(living.person.id)
        assert "geolocation=(self)" in page.headers["permissions-policy"]


async def test_who_is_no_resident_has_no_such_page(living: Living) -> None:
    relative = living.scene.circle[0]
    async with living.browser(relative) as browser:
        assert (await browser.get("/portal")).headers["location"] == "/portal/today"
        for path in ("/me", "/me/help", "/me/doses", "/me/appointments", "/me/part", "/me/help/part"):
            assert (await browser.get(path)).status_code == 403


async def test_a_resident_who_works_here_begins_at_work_and_has_both(living: Living) -> None:
    await identity.membership(living.scene.operator, living.person, "dispatcher")
    async with living.browser() as browser:
        assert (await browser.get("/portal")).headers["location"] != "/me"
        assert EN["way_others"] in (await browser.get("/me")).text


async def test_the_pages_are_chinese_for_who_reads_chinese(living: Living) -> None:
    person = await identity.account(living.scene.community, phone="+8613800000055", language="zh-CN")
    await identity.resident(living.scene.community, person=person)
    async with living.browser(person) as browser:
        assert WORDS["zh-CN"]["help"] in (await browser.get("/me")).text


async def test_i_am_fine_answers_what_is_being_asked(living: Living) -> None:
    await check_ins.plan(living.resident)
    await living.passes(30)
    async with living.browser() as browser:
        assert EN["fine_asked"].partition("{")[0] in (await browser.get("/me")).text
        said = await submit(browser, "/me", "/me/fine")
        assert said.headers["location"] == "/me?done=fine"
        page = await browser.get("/me?done=fine")
        assert EN["done_fine"] in page.text
        assert EN["fine_answered"].partition("{")[0] in page.text
    [first, *_] = await check_ins.check_ins(living.resident)
    assert (first.state, first.answer, first.how, first.late) == ("answered", "ok", "self", False)


def test_who_is_asked_before_anything_was_sent_is_told_no_time_to_answer_by() -> None:
    page = environment().get_template("resident_home/now.html")
    visit = SimpleNamespace(csrf="", language="en", time_zone=UTC, is_viewing_as=False, name="")
    now = datetime(2026, 3, 2, 8, tzinfo=UTC)
    for answer_by, said in (
        (None, EN["fine_asked_now"]),
        ("2026-03-02T08:05:00Z", EN["fine_asked"].format(until="8:05\u202fAM")),
    ):
        check_in = {"state": "prompted", "due_at": "2026-03-02T08:00:00Z", "answer_by": answer_by}
        asked = knowing.asked([check_in], now)
        shown = page.render(visit=visit, words=EN, asked=asked, standings=(), coming=(), given="")
        assert f'<p class="lead">{said}</p>' in shown


async def test_an_answer_given_in_time_counts_as_of_then_and_the_page_says_who_was_called(living: Living) -> None:
    await check_ins.plan(living.resident)
    await living.passes(30)
    given = clock.now() + timedelta(minutes=28)
    await living.passes(60)  # nobody heard of it: the circle was called
    assert await alarms.scalar("SELECT state FROM eldercare_alarm") == "raised"
    async with living.browser() as browser:
        said = await sent_later(browser, "/me", "/me/fine", given_at=given.isoformat())
        assert (said.status_code, said.json()["next"]) == (200, "/me?done=fine_late")
        assert EN["done_fine_late"] in (await browser.get(said.json()["next"])).text
        # The answer was lost on the way: the same form once more is told the same, and changes nothing.
        again = await sent_later(browser, "/me", "/me/fine", given_at=given.isoformat())
        assert again.status_code == 200
    [first, *_] = await check_ins.check_ins(living.resident)
    assert (first.state, first.answered_at, first.late) == ("answered", given, True)
    assert await alarms.scalar("SELECT state FROM eldercare_alarm") == "resolved"


async def test_the_same_press_once_more_says_nothing_of_the_next_question(living: Living) -> None:
    await check_ins.plan(living.resident, times=["08:30", "09:15"])
    await living.passes(30)
    given = (clock.now() + timedelta(minutes=1)).isoformat()
    living.clock.advance(timedelta(minutes=2))
    async with living.browser() as browser:
        for _ in range(2):  # the answer to the first was lost on its way
            assert (await sent_later(browser, "/me", "/me/fine", given_at=given)).status_code == 200
    first, second, *_ = sorted(await check_ins.check_ins(living.resident), key=lambda one: one.due_at)
    assert (first.state, second.state) == ("answered", "scheduled")


async def test_a_question_somebody_else_answered_meanwhile_leaves_no_other_unanswered(
    living: Living, monkeypatch: pytest.MonkeyPatch
) -> None:
    await check_ins.plan(living.resident, times=["08:30", "08:40"])
    await living.passes(40)
    asked = OwnApi.post
    latest = max(await check_ins.check_ins(living.resident), key=lambda one: (one.state == "prompted", one.due_at))

    async def raced(api: OwnApi, path: str, *rest: Any, **more: Any) -> Any:
        if str(latest.id) in path:
            raise Refused(409, {"code": "answer_contradicts", "status": 409})
        return await asked(api, path, *rest, **more)

    monkeypatch.setattr(OwnApi, "post", raced)
    async with living.browser() as browser:
        assert (await sent_later(browser, "/me", "/me/fine")).status_code == 200
    first = min(await check_ins.check_ins(living.resident), key=lambda one: one.due_at)
    assert first.state == "answered"


async def test_what_nobody_asked_is_not_written_down_and_that_is_said(living: Living) -> None:
    async with living.browser() as browser:
        refused = await sent_later(browser, "/me", "/me/fine")
        assert (refused.status_code, refused.json()["said"]) == (422, EN["trouble_check_in_not_open"])
        plain = await submit(browser, "/me", "/me/fine")
        assert plain.status_code == 409
        assert EN["trouble_check_in_not_open"] in plain.text


async def test_what_was_given_too_long_ago_or_ahead_is_not_passed_off_as_now(living: Living) -> None:
    await check_ins.plan(living.resident)
    await living.passes(30)
    async with living.browser() as browser:
        for given in (clock.now() - timedelta(days=4), clock.now() + timedelta(minutes=5)):
            refused = await sent_later(browser, "/me", "/me/fine", given_at=given.isoformat())
            assert refused.status_code == 422, refused.text
        for text in ("yesterday", "2026-03-02T08:00:00"):
            assert (await sent_later(browser, "/me", "/me/fine", given_at=text)).status_code == 422
    [first, *_] = await check_ins.check_ins(living.resident)
    assert first.state == "prompted"


async def test_todays_medicine_is_taken_when_it_was_taken_and_skipped_with_a_reason(living: Living) -> None:
    for hour in ("08:30", "09:00"):
        await medication.regimen(living.resident, drug={"name": f"{hostile.MARKUP[:60]}{hour}"}, times=[hour])
    first, second = (await medication.doses(living.resident))[:2]
    living.clock.advance(timedelta(minutes=30))
    taken_at = clock.now() - timedelta(minutes=7)
    async with living.browser() as browser:
        page = await browser.get("/me/doses")
        assert hostile.harmless(page.text)
        action = f"/me/doses/{first.id}/record"
        sent = await sent_later(browser, "/me", action, given_at=taken_at.isoformat(), status="taken")
        assert sent.json() == {"next": "/me?done=recorded"}, sent.text
        said = await submit(
            browser, "/me/doses", f"/me/doses/{second.id}/record", status="skipped", skip_reason="unwell"
        )
        assert said.headers["location"] == "/me/doses?done=recorded"
    taken, skipped = await medication.dose(first.id), await medication.dose(second.id)
    assert (taken.state, taken.taken_at, taken.how) == ("taken", taken_at, "self")
    assert (skipped.state, skipped.skip_reason) == ("skipped", "unwell")


async def test_medicine_of_later_does_not_stand_there_as_one_to_take_now(living: Living) -> None:
    await medication.regimen(living.resident, times=["10:00"])
    async with living.browser() as browser:

        async def stands() -> tuple[bool, bool, bool]:
            start, doses = (await browser.get("/me")).text, (await browser.get("/me/doses")).text
            return EN["dose_title"] in start, f"{EN['dose_state_reminded']}</span>" in doses, EN["dose_early"] in doses

        assert await stands() == (False, False, True)  # two hours before
        living.clock.advance(timedelta(minutes=89))
        assert await stands() == (False, False, True)
        living.clock.advance(timedelta(minutes=1))
        assert await stands() == (True, True, False)


async def test_who_comes_within_hours_is_told_and_who_is_on_the_way(living: Living) -> None:
    agency = await identity.organization(living.scene.community, "care_agency", name="Careful")
    await identity.agreement(agency, ["visits:read", "visits:manage"], living.resident)
    plan = await visits.care_plan(living.resident, agency)
    carer = await identity.account(living.scene.community, name=hostile.GERMAN)
    begins = clock.now() + AHEAD + timedelta(minutes=5)
    await identity.membership(agency, carer, "carer")
    one = await visits.single(plan, begins, account_id=carer.id)
    await visits.assign(one.id, carer)
    expected = EN["coming_expected"].partition("{at}")[0].format(who=hostile.GERMAN)
    async with living.browser() as browser:
        assert expected not in (await browser.get("/me")).text
        living.clock.advance(timedelta(minutes=10))
        for state, told in (
            ("assigned", expected),
            ("en_route", EN["coming_on_the_way"].format(who=hostile.GERMAN)),
        ):
            async with unit_of_work() as session:
                (await session.get_one(Visit, one.id)).state = state
            assert told in (await browser.get("/me/part")).text
        living.clock.set(begins + timedelta(hours=3))  # half an hour that nobody ended
        assert hostile.GERMAN not in (await browser.get("/me/part")).text


async def test_whoever_comes_today_is_told_of_however_much_help_is_agreed_on_ahead(living: Living) -> None:
    """Help that recurs is planned weeks ahead, and lists begin with what is furthest."""
    begins = [clock.now() + timedelta(minutes=30, hours=8 * times) for times in range(3 * 28)]
    orders = [
        {
            "id": str(clock.new_id()),
            "state": "placed",
            "worker": f"Worker {times}",
            "starts_at": at.isoformat(),
            "ends_at": (at + timedelta(hours=1)).isoformat(),
        }
        for times, at in reversed(list(enumerate(begins)))
    ]

    async def get(path: str, *, limit: int, cursor: str | None = None, **_: Any) -> Any:
        if not path.endswith("home-orders"):
            return {"items": [], "next": None}
        begin = int(cursor or 0)
        return {"items": orders[begin : begin + limit], "next": str(begin + limit) if begin + limit < 84 else None}

    visit = SimpleNamespace(actor=SimpleNamespace(resident_id=living.resident.id), api=SimpleNamespace(get=get))
    assert [one.who for one in await coming(cast("Any", visit))] == ["Worker 0", "Worker 1"]


async def test_a_dose_somebody_wrote_down_already_is_said_to_be(living: Living) -> None:
    await medication.regimen(living.resident)
    [first, *_] = await medication.doses(living.resident)
    living.clock.advance(timedelta(minutes=30))
    async with living.browser() as browser:
        fields = form_on(await browser.get("/me/doses"), f"/me/doses/{first.id}/record")
        relative = await medication.relative(living.resident)
        await medication.record(living.resident, first.id, by=relative, status="taken", how="saw")
        headers = {"X-Outbox": "1", "Sec-Fetch-Site": "same-origin"}
        sent = await browser.post(f"/me/doses/{first.id}/record", data=fields | {"status": "taken"}, headers=headers)
        assert sent.status_code in (409, 422)
        assert sent.json()["said"] == EN["trouble_dose_already_recorded"]


async def test_an_appointment_is_shown_and_cancelled(living: Living) -> None:
    clinic = await clinics.clinic(living.scene.community)
    doctor = await clinics.practitioner(clinic, name=hostile.QUOTES)
    kind = await clinics.visit_type(clinic, name={"en": hostile.MARKUP[:60], "zh-CN": "复诊"})
    booked = await appointments.appointment(living.resident, doctor, kind, clock.now() + timedelta(days=2))
    async with living.browser() as browser:
        assert EN["appointments_none"] not in (await browser.get("/me")).text
        assert hostile.harmless((await browser.get("/me/appointments")).text)
        said = await submit(browser, "/me/appointments", f"/me/appointments/{booked.id}/cancel")
        assert said.headers["location"] == "/me/appointments?done=cancelled", said.text
        assert EN["appointments_none"] in (await browser.get("/me/appointments")).text


async def test_an_alarm_of_theirs_says_who_is_on_the_way(living: Living) -> None:
    alarm = await alarms.raised(living.resident)
    daughter = living.scene.circle[0]
    async with living.browser(daughter) as browser:
        page = f"/portal/alarms/{alarm.id}"
        for act in ("acknowledge", "depart"):
            assert (await submit(browser, page, f"{page}/{act}")).status_code == 303
    async with living.browser() as browser:
        assert EN["alarm_en_route"].format(who=daughter.name) in (await browser.get("/me/part")).text


async def test_one_part_that_fails_does_not_take_help_with_it(living: Living, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = OwnApi.ask

    async def refused(api: OwnApi, method: str, path: str, *rest: Any, **more: Any) -> Answer:
        if path in ("/v1/me/doses", "/v1/me/appointments", "/v1/me/alarms", "/v1/me/check-ins", "/v1/me/circles"):
            raise Refused(503, {"code": "unavailable"})
        return await asked(api, method, path, *rest, **more)

    monkeypatch.setattr(OwnApi, "ask", refused)
    async with living.browser() as browser:
        page = await browser.get("/me")
    assert page.status_code == 200
    assert EN["help"] in page.text
    assert "tel:120" in page.text
    assert page.text.count(EN["not_shown"]) == 3


async def test_the_app_and_its_worker_are_everybodys_and_say_nothing(client: httpx.AsyncClient) -> None:
    worker = await client.get("/me/worker.js")
    assert worker.headers["service-worker-allowed"] == "/me"
    assert worker.headers["cache-control"] == "no-cache"
    manifest = json.loads((await client.get("/me/manifest.webmanifest")).text)
    assert (manifest["start_url"], manifest["scope"], manifest["display"]) == ("/me", "/me", "standalone")
    for language in ("en", "zh-CN"):
        page = await client.get(f"/me/offline?lang={language}")
        assert page.status_code == 200
        assert "tel:112" in page.text
        assert "x-who" not in page.headers
        assert "data-push-who" not in page.text
        assert WORDS[language]["offline_title"] in page.text
