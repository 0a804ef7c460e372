"""The pages about one resident: what each visitor sees of them, and what stays unshared."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.etree import ElementTree as ET
from zoneinfo import ZoneInfo

import httpx
import pytest
from fastapi import FastAPI
from starlette.datastructures import FormData

from app.core.clock import ManualClock
from app.core.database import Database
from app.portal.ground.forms import Form
from app.portal.ground.their import Their
from app.portal.residents.overview import State, own_state
from app.portal.residents.posting import _measured_at
from app.portal.residents.texts import WORDS
from tests.factories import community_home_care as home_care
from tests.factories import community_homes as homes
from tests.factories import eldercare_alarms as alarms
from tests.factories import eldercare_medication as medication
from tests.factories import eldercare_visits as visits
from tests.factories import identity
from tests.factories.sign_in import sign_in
from tests.portal.elements import phoned
from tests.portal.ground import submit
from tests.portal.hostile import NAMES, harmless
from tests.portal.residents.conftest import EVERYTHING, TABS, Looked, looked_at

pytestmark = pytest.mark.usefixtures("database")

EMERGENCY = {"112"}  # on every page, for a call for help that could not be sent
NEEDED = {
    "vitals": "vitals:read",
    "doses": "medication:read",
    "visits": "visits:read",
    "home": "home:activity",
    "appointments": "appointments:manage",
    "circle": "circle:read",
}


def tabs_on(page: str) -> list[str]:
    """Return the tabs a page leads to."""
    bar = page.split('<nav class="tabs"')[1].split("</nav>", maxsplit=1)[0]
    return [address.rpartition("/")[2] for address in re.findall(r'href="([^"]+)"', bar)][1:]


async def test_a_stranger_is_not_told_that_there_is_such_a_resident(looked: Looked) -> None:
    stranger = await identity.account(looked.place, name="Sam", phone="+8613800000009")
    async with looked.browser(stranger) as browser:
        for tab in ("", *(f"/{tab}" for tab in TABS)):
            page = await browser.get(looked.address + tab)
            assert page.status_code == 404
            assert "Grace" not in page.text


async def test_nobody_is_led_to_the_way_in(looked: Looked) -> None:
    async with looked.browser(looked.daughter) as browser:
        browser.cookies.clear()
        page = await browser.get(f"{looked.address}/vitals")
        assert page.status_code == 303
        assert page.headers["location"].startswith("/portal/sign-in?next=")


async def test_whoever_is_let_see_everything_sees_every_tab(looked: Looked) -> None:
    await looked.lets(*EVERYTHING)
    async with looked.browser(looked.daughter) as browser:
        first = await browser.get(looked.address)
        assert first.status_code == 200, first.text
        assert tabs_on(first.text) == list(TABS)
        for tab in TABS:
            page = await browser.get(f"{looked.address}/{tab}")
            assert page.status_code == 200, (tab, page.text[-3000:])
            assert " style=" not in page.text


@pytest.mark.parametrize("tab", sorted(NEEDED))
async def test_a_tab_that_is_not_shared_does_not_appear_and_says_so_when_asked(looked: Looked, tab: str) -> None:
    await looked.lets(*(scope for scope in EVERYTHING if scope != NEEDED[tab]))
    async with looked.browser(looked.daughter) as browser:
        assert tabs_on((await browser.get(looked.address)).text) == [one for one in TABS if one != tab]
        page = await browser.get(f"{looked.address}/{tab}")
        assert page.status_code == 403
        assert WORDS["en"]["not_shared_title"] in page.text


async def test_a_page_about_somebody_says_what_today_says_of_them(looked: Looked, clock: ManualClock) -> None:
    await looked.lets("visits:read")
    plan = await visits.care_plan(looked.resident, looked.agency, title="Mornings", tasks=[{"text": "Tea"}])
    await visits.template(plan)
    first = (await visits.visits(looked.resident))[0]
    clock.set(first.starts_at + first.late_after + timedelta(minutes=1))
    async with looked.browser(looked.daughter) as browser:
        said = (await browser.get(looked.address)).text
        assert WORDS["en"]["state_visit_late"].partition("{at}")[0] in said
        assert WORDS["en"]["stands_waiting"] in said
        assert "The carer is late" in (await browser.get("/portal/today")).text


async def test_one_right_alone_shows_nothing_else(looked: Looked) -> None:
    await looked.lets("vitals:read")
    async with looked.browser(looked.daughter) as browser:
        page = (await browser.get(looked.address)).text
        assert tabs_on(page) == ["timeline", "vitals", "consent"]
        assert WORDS["en"]["state_not_shared"].format(name="Grace") in page
        assert "Tea at eight" not in page
        assert "+8613800000001" not in page
        for tab in ("doses", "visits", "home", "appointments", "circle"):
            assert (await browser.get(f"{looked.address}/{tab}")).status_code == 403
        assert "/readings" not in page


async def test_the_overview_says_who_comes_what_is_due_and_whom_to_call(looked: Looked) -> None:
    await looked.lets(*EVERYTHING)
    async with looked.browser(looked.daughter) as browser:
        page = (await browser.get(looked.address)).text
        assert 'href="tel:+8613800000001"' in page
        assert "Tea at eight" in page
        # Four in the afternoon in Shanghai: the dose is due at half past four, the visit comes at seven.
        assert "4:30" in page
        assert "7:00" in page
        assert f'data-live="resident:{looked.resident.id}"' in page
        part = await browser.get(f"{looked.address}/part")
        assert part.status_code == 200
        assert "<html" not in part.text


async def test_whoever_wants_no_calls_is_not_called(looked: Looked) -> None:
    deaf = await identity.resident(
        looked.place, name="Hedy", phone="+8613800000021", accessibility_needs=["no_voice_calls"]
    )
    await identity.grant(deaf, looked.daughter, ["profile:read", "contacts:read"])
    async with looked.browser(looked.daughter) as browser:
        page = (await browser.get(f"/portal/residents/{deaf.id}")).text
        assert phoned(page) == EMERGENCY
        assert WORDS["en"]["no_calls"].format(name="Hedy") in page


async def test_an_open_alarm_stands_above_all(looked: Looked) -> None:
    alarm = await alarms.raised(looked.resident)
    await looked.lets("alarms:read", "profile:read")
    async with looked.browser(looked.daughter) as browser:
        page = (await browser.get(looked.address)).text
        assert f'href="/portal/alarms/{alarm.id}"' in page
        assert page.index("alarm-banner") < page.index("lead")


async def test_without_the_right_an_alarm_is_not_told(looked: Looked) -> None:
    alarm = await alarms.raised(looked.resident)
    await looked.lets("profile:read", "visits:read")
    async with looked.browser(looked.daughter) as browser:
        page = (await browser.get(looked.address)).text
        assert str(alarm.id) not in page
        assert WORDS["en"]["stands_fine"] not in page


async def test_the_charts_show_what_was_measured_with_its_limits_and_numbers(looked: Looked) -> None:
    await looked.lets("vitals:read")
    async with looked.browser(looked.daughter) as browser:
        page = (await browser.get(f"{looked.address}/vitals?days=7")).text
        pictures = re.findall(r"<svg xmlns.*?</svg>", page, re.DOTALL)
        assert len(pictures) == 2  # both values of the blood pressure share one
        assert all(ET.fromstring(picture).tag.endswith("svg") for picture in pictures)
        assert "chart-band" in page
        assert ">131</td>" in page
        assert WORDS["en"]["outside"] not in page
        assert 'value="pressure"' not in page  # no form without the right to write


async def test_a_helper_writes_a_measurement_down(looked: Looked) -> None:
    await looked.lets("vitals:read", "vitals:write")
    async with looked.browser(looked.daughter) as browser:
        answer = await submit_vitals(looked, browser, kind="pressure", value="142", lower="91")
        assert answer.status_code == 303, answer.text
        page = (await browser.get(answer.headers["location"])).text
        assert WORDS["en"]["done_measured"] in page
        assert "142/91" in page
        assert "You" in page


@pytest.mark.parametrize(
    ("kind", "value", "lower"),
    [("pulse", "9000", ""), ("pulse", "x", ""), ("pulse", "nan", ""), ("pressure", "80", "120"), ("other", "1", "")],
)
async def test_a_value_that_cannot_be_right_is_shown_again(looked: Looked, kind: str, value: str, lower: str) -> None:
    await looked.lets("vitals:read", "vitals:write")
    async with looked.browser(looked.daughter) as browser:
        answer = await submit_vitals(looked, browser, kind=kind, value=value, lower=lower)
        assert answer.status_code == 200, answer.text
        assert WORDS["en"]["reading_refused"] in answer.text
        assert f'value="{value}"' in answer.text


@pytest.mark.parametrize(
    ("now", "at", "measured"),
    [
        ("2026-03-02T08:30:00Z", "", "2026-03-02T08:30:00Z"),
        ("2026-03-02T08:30:00Z", "16:10", "2026-03-02T08:10:00Z"),
        ("2026-03-02T08:30:00Z", "16:31", "2026-03-02T08:30:00Z"),
        ("2026-03-02T16:30:00Z", "23:45", "2026-03-02T15:45:00Z"),
        # Neither today nor last evening: it was typed wrongly, and is not written down as now.
        ("2026-03-02T08:30:00Z", "20:10", None),
        ("2026-03-02T08:30:00Z", "29:10", None),
    ],
)
def test_a_measurement_stands_under_the_time_it_was_made(
    clock: ManualClock, now: str, at: str, measured: str | None
) -> None:
    clock.set(datetime.fromisoformat(now))
    found = _measured_at(Form(FormData([("at", at)])), Their("en", ZoneInfo("Asia/Shanghai")))
    assert (found and datetime.fromisoformat(found)) == (measured and datetime.fromisoformat(measured))


async def submit_vitals(looked: Looked, browser: httpx.AsyncClient, **fields: str) -> httpx.Response:
    return await submit(browser, f"{looked.address}/vitals", f"{looked.address}/vitals", **fields)


async def test_a_helper_writes_a_dose_down_and_the_strip_shows_it(looked: Looked, clock: ManualClock) -> None:
    await looked.lets("medication:read", "medication:record")
    [dose] = [one for one in await medication.doses(looked.resident) if one.due_at.date() == clock.now().date()]
    action = f"{looked.address}/doses/{dose.id}/record"
    async with looked.browser(looked.daughter) as browser:
        unsaid = await submit(browser, f"{looked.address}/doses", action, how="gave", status="")
        assert WORDS["en"]["dose_refused"] in unsaid.text
        answer = await submit(browser, f"{looked.address}/doses", action, how="gave", status="taken")
        assert answer.status_code == 303, answer.text
        page = (await browser.get(answer.headers["location"])).text
        assert "chart-taken" in page
        assert f'action="{action}"' not in page
    assert (await medication.dose(dose.id)).state == "taken"


async def test_without_the_right_no_dose_is_written_down(looked: Looked) -> None:
    await looked.lets("medication:read")
    async with looked.browser(looked.daughter) as browser:
        page = (await browser.get(f"{looked.address}/doses")).text
        assert "/record" not in page
        assert "chart-planned" in page


async def test_somebody_is_said_to_be_away_and_back(looked: Looked) -> None:
    await looked.lets("check_ins:read", "check_ins:manage", "alarms:read")
    pauses = f"{looked.address}/pauses"
    async with looked.browser(looked.daughter) as browser:
        refused = await submit(browser, looked.address, pauses, kind="hospital", since="2026-03-05", until="2026-03-04")
        assert WORDS["en"]["pause_refused"] in refused.text
        answer = await submit(browser, looked.address, pauses, kind="hospital", until="2026-03-04")
        assert answer.status_code == 303, answer.text
        page = (await browser.get(answer.headers["location"])).text
        assert WORDS["en"]["stands_away"] in page
        [ending] = re.findall(rf'action="({pauses}/[^"]+/end)"', page)
        back = await submit(browser, looked.address, ending)
        assert back.status_code == 303
        assert ending not in (await browser.get(looked.address)).text


async def test_a_carer_of_an_agency_sees_what_the_agreement_shares(looked: Looked) -> None:
    carer = await identity.account(looked.place, name="Cai", phone="+8613800000033")
    await identity.membership(looked.agency, carer, "carer")
    async with looked.browser(carer) as browser:
        page = (await browser.get(looked.address)).text
        assert tabs_on(page) == ["timeline", "vitals", "visits", "consent"]
        why = (await browser.get(f"{looked.address}/consent")).text
        assert "Agency Grace" in why
        assert WORDS["en"]["who_may"] not in why


async def test_the_desk_sees_what_it_needs_to_help(looked: Looked) -> None:
    house = await identity.organization(looked.place, "operator")
    await identity.agreement(house)
    desk = await identity.staff(house, "dispatcher", phone="+8613800000044")
    async with looked.browser(desk) as browser:
        page = await browser.get(looked.address)
        assert page.status_code == 200
        assert tabs_on(page.text) == ["timeline", "visits", "circle", "consent"]
        assert "tel:" in page.text


async def test_the_resident_sees_who_may_see_what_and_takes_it_back(looked: Looked) -> None:
    grant = await looked.lets("vitals:read")
    revoke = f"{looked.address}/grants/{grant.id}/revoke"
    async with looked.browser(looked.person) as browser:
        page = (await browser.get(f"{looked.address}/consent")).text
        assert "Dora Grace" in page
        answer = await submit(browser, f"{looked.address}/consent", revoke)
        assert answer.status_code == 303
        assert WORDS["en"]["nobody_may"] in (await browser.get(answer.headers["location"])).text
    async with looked.browser(looked.daughter) as browser:
        assert (await browser.get(f"{looked.address}/vitals")).status_code == 404


async def test_the_resident_sees_every_tab_of_their_own(looked: Looked) -> None:
    async with looked.browser(looked.person) as browser:
        for tab in ("", *(f"/{tab}" for tab in TABS)):
            page = await browser.get(looked.address + tab)
            assert page.status_code == 200, (tab, page.text[-2000:])
        assert phoned((await browser.get(looked.address)).text) == EMERGENCY


async def test_a_visit_is_shown_with_its_tasks(looked: Looked) -> None:
    plan = await visits.care_plan(looked.resident, looked.agency, title="Mornings", tasks=[{"text": "Open the blinds"}])
    await visits.template(plan)
    await looked.lets("visits:read")
    async with looked.browser(looked.daughter) as browser:
        page = (await browser.get(f"{looked.address}/visits")).text
        addresses = re.findall(rf'href="({looked.address}/visits/[^"]+)"', page)
        shown = [(await browser.get(address)).text for address in addresses[:3]]
        assert any("Open the blinds" in one for one in shown)
        assert all(WORDS["en"]["tab_visits"] in one for one in shown)


async def test_whoever_looks_from_elsewhere_is_told_whose_clock_it_is(looked: Looked) -> None:
    son = await identity.account(looked.place, name="Sven", phone="+8613800000055", time_zone="Europe/Stockholm")
    await identity.grant(looked.resident, son, EVERYTHING)
    note = "Times are Grace&#39;s own"
    async with looked.browser(son) as browser:
        page = (await browser.get(looked.address)).text
        assert note in page
        assert "4:30" in page  # their clock, not Stockholm's half past nine
    await looked.lets(*EVERYTHING)
    async with looked.browser(looked.daughter) as browser:
        assert note not in (await browser.get(looked.address)).text


async def test_every_tab_is_chinese_for_whoever_reads_chinese(looked: Looked) -> None:
    son = await identity.account(looked.place, name="伟", phone="+8613800000056", language="zh-CN")
    await identity.grant(looked.resident, son, EVERYTHING)
    async with looked.browser(son, language="zh-CN") as browser:
        for tab in ("", *(f"/{tab}" for tab in TABS)):
            page = await browser.get(looked.address + tab)
            assert page.status_code == 200, (tab, page.text[-2000:])
            assert 'lang="zh-CN"' in page.text
            assert WORDS["zh-CN"]["tab_consent"] in page.text


async def test_the_timeline_leads_to_what_is_older(looked: Looked, clock: ManualClock) -> None:
    await looked.lets("vitals:read")
    async with looked.browser(looked.daughter) as browser:
        page = await browser.get(f"{looked.address}/timeline?group=readings")
        assert page.status_code == 200
        assert page.text.count("<section><h2>") == 3  # three days on which something was measured
        assert (await browser.get(f"{looked.address}/timeline/part")).status_code == 200
        assert (await browser.get(f"{looked.address}/timeline?cursor=nonsense")).status_code in (400, 422)
    del clock


@pytest.mark.parametrize("name", NAMES)
async def test_what_people_write_stays_text_on_every_tab(
    app: FastAPI, database: Database, clock: ManualClock, name: str
) -> None:
    del database, clock
    looked = await looked_at(app, name=name, written=name[:60])
    await alarms.raised(looked.resident)
    await looked.lets(*EVERYTHING)
    plan = await visits.care_plan(looked.resident, looked.agency, title="Mornings", tasks=[{"text": name[:60]}])
    await visits.template(plan)
    planned = [f"/visits/{visit.id}" for visit in (await visits.visits(looked.resident))[:2]]
    for account in (looked.daughter, looked.person):
        async with looked.browser(account) as browser:
            for tab in ("", *(f"/{tab}" for tab in TABS), *planned):
                page = await browser.get(looked.address + tab)
                assert page.status_code == 200, (tab, page.text[-2000:])
                assert harmless(page.text), tab
                for picture in re.findall(r"<svg xmlns.*?</svg>", page.text, re.DOTALL):
                    ET.fromstring(picture)


def _check_in(state: str, at: str, **values: Any) -> dict[str, Any]:
    empty = {"answer": None, "answered_at": None, "how": None, "answer_by": None}
    return {**empty, "state": state, "due_at": f"2026-03-{at}Z", **values}


def _answered(at: str, answer: str = "ok", how: str = "self") -> dict[str, Any]:
    return _check_in("answered", at, answer=answer, how=how, answered_at=f"2026-03-{at}Z")


MISSED = _check_in("missed", "02T07:00:00", answer_by="2026-03-02T07:30:00Z")


def _stands(
    check_ins: Sequence[dict[str, Any]], *, alarms: Sequence[dict[str, Any]] = (), pause: dict[str, Any] | None = None
) -> State:
    today = datetime(2026, 3, 2, tzinfo=UTC)
    return own_state(alarms, check_ins, pause, today=today)


def test_how_somebody_stands_is_the_worst_that_is_known() -> None:
    alarm = {"raised_at": "2026-03-02T08:00:00Z", "is_test": False}
    fine = _answered("02T07:00:00")
    away = {"kind": "away", "ends_at": "2026-03-04T07:00:00Z"}
    assert _stands([MISSED], alarms=[alarm], pause=away).reason == "alarm"
    assert _stands([MISSED]).reason == "check_in_missed"
    assert _stands([fine], pause=away).reason == "away"
    assert _stands([fine]).kind == "fine"
    assert _stands([fine], alarms=[alarm | {"is_test": True}]).kind == "fine"
    assert _stands([]) == State("quiet", "nothing_asked")


def test_an_answer_of_another_day_tells_nothing_of_this_one() -> None:
    assert _stands([_answered("01T23:59:00")]).kind == "quiet"
    assert _stands([_answered("02T00:00:00")]).kind == "fine"


def test_whoever_could_not_be_reached_is_not_fine_for_what_they_said_before() -> None:
    unasked = _check_in("unasked", "02T07:00:00", answer_by="2026-03-02T07:30:00Z")
    assert _stands([unasked, _answered("01T07:00:00")]).reason == "not_reached"


def test_of_several_plans_the_latest_word_counts() -> None:
    assert _stands([_answered("02T07:10:00"), MISSED]).reason == "check_in_missed"
    assert _stands([_answered("02T07:40:00"), MISSED]).kind == "fine"
    waits = _check_in("prompted", "02T06:00:00", answer_by="2026-03-02T09:00:00Z")
    assert _stands([_answered("02T07:40:00"), waits]) == State("waiting", "not_answered_yet", "2026-03-02T09:00:00Z")
    assert _stands([waits, MISSED]).reason == "not_answered_yet"


def test_what_the_home_noticed_is_not_told_as_an_answer() -> None:
    assert _stands([_answered("02T07:00:00", how="home")]) == State("fine", "active_at_home", "2026-03-02T07:00:00Z")


def test_every_word_is_there_in_every_language() -> None:
    assert set(WORDS["en"]) == set(WORDS["zh-CN"])
    for key, said in WORDS["en"].items():
        assert sorted(re.findall(r"{\w+}", said)) == sorted(re.findall(r"{\w+}", WORDS["zh-CN"][key])), key


async def test_a_check_in_that_was_answered_shows_when(looked: Looked) -> None:
    await looked.lets("check_ins:read")
    async with looked.browser(looked.daughter) as browser:
        assert WORDS["en"]["no_answer_yet"] in (await browser.get(looked.address)).text


async def test_a_day_at_home_is_a_picture_of_its_rooms(looked: Looked, clock: ManualClock) -> None:
    home = await homes.home(looked.resident, time_zone="Asia/Shanghai", lives_alone=True, last_seen_at=clock.now())
    await home_care.watched(home)
    kitchen = await homes.room(home, name="Küche", kind="kitchen")
    sensor = await home_care.entity(home, "motion", room=kitchen)
    up = clock.now() - timedelta(hours=7)
    said = [(up + timedelta(minutes=number), "on" if number % 2 == 0 else "off") for number in range(10)]
    await home_care.readings(sensor, said)
    await looked.lets("home:activity")
    async with looked.browser(looked.daughter) as browser:
        page = (await browser.get(f"{looked.address}/home")).text
        assert "chart-level-" in page
        assert "Kitchen" in page
        assert "9:00\u202fAM–9:15\u202fAM" in page
        for day in ("2026-03-01", "1066-10-14", "nonsense", "2999-01-01"):
            assert (await browser.get(f"{looked.address}/home?day={day}")).status_code == 200


async def test_an_appointment_is_shown_to_those_who_arrange_them_and_to_no_agency(looked: Looked) -> None:
    await looked.lets("appointments:manage")
    async with looked.browser(looked.daughter) as browser:
        assert "Dr" not in (await browser.get(f"{looked.address}/consent")).text
        page = (await browser.get(f"{looked.address}/appointments")).text
        assert "Tea at eight" in page  # what the visit is called
        assert WORDS["en"]["appointment_booked"] in page
        assert WORDS["en"]["next_appointment"] in (await browser.get(looked.address)).text
    everywhere = await identity.organization(looked.place, "care_agency", name="Everywhere")
    await identity.agreement(everywhere)
    coordinator = await identity.staff(everywhere, "coordinator", phone="+8613800000066")
    async with looked.browser(coordinator) as browser:
        assert "appointments" not in tabs_on((await browser.get(looked.address)).text)
        assert (await browser.get(f"{looked.address}/appointments")).status_code == 403


async def test_emergency_access_says_why_and_until_when_and_shows_no_years(looked: Looked) -> None:
    await identity.grant(
        looked.resident,
        looked.daughter,
        ["alarms:read", "vitals:read"],
        kind="break_glass",
        expires_in=timedelta(hours=2),
    )
    async with looked.browser(looked.daughter) as browser:
        page = (await browser.get(f"{looked.address}/consent")).text
        assert WORDS["en"]["ground_break_glass"] in page
        assert "6:00" in page
        assert "timeline" not in tabs_on(page)
        assert (await browser.get(f"{looked.address}/timeline")).status_code == 403


async def test_what_runs_out_is_said_in_time(looked: Looked) -> None:
    [regimen] = await regimens_of(looked)
    async with looked.browser(looked.person) as browser:
        assert WORDS["en"]["stock"] not in (await browser.get(f"{looked.address}/doses")).text
    headers = await sign_in(looked.person)
    transport = httpx.ASGITransport(app=looked.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers) as client:
        path = f"/v1/residents/{looked.resident.id}/regimens/{regimen}/stock"
        kept = await client.put(path, json={"on_hand": 2, "remind_days": 5})
        assert kept.status_code in (200, 201), kept.text
    async with looked.browser(looked.person) as browser:
        page = (await browser.get(f"{looked.address}/doses")).text
        assert WORDS["en"]["low"] in page
        assert "runs out" in page


async def regimens_of(looked: Looked) -> list[str]:
    """Return the ids of what the resident takes."""
    return sorted({str(dose.regimen_id) for dose in await medication.doses(looked.resident)})


async def test_the_circle_says_on_which_days_of_the_week_somebody_can_be_called(looked: Looked) -> None:
    await looked.lets("circle:read")
    hours = [
        {"weekday": 0, "start": "18:00:00", "end": "22:00:00"},
        {"weekday": 6, "start": "08:00:00", "end": "12:00:00"},
    ]
    son = await identity.account(looked.place, name="Son")
    await alarms.circle_member(looked.resident, son, relationship="son", position=2, on_call=hours)
    async with looked.browser(looked.daughter) as browser:
        page = await browser.get(f"{looked.address}/circle")
    assert page.status_code == 200
    assert "Monday 6:00\u202fPM–10:00\u202fPM" in page.text
    assert "Sunday 8:00\u202fAM–12:00\u202fPM" in page.text
