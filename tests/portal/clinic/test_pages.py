"""The clinic's pages: every one in both languages, for those who may, with names that are not kind to pages."""

from typing import Any, Final

import httpx
import pytest
from fastapi import FastAPI

from app.core.clock import ManualClock, new_id
from app.core.database import Database
from app.portal.clinic.texts import WORDS
from tests.factories import (
    identity,
    telemedicine,
    telemedicine_prescriptions,
    telemedicine_records,
    telemedicine_referrals,
)
from tests.portal import hostile
from tests.portal.clinic.world import Ward, allergic, number, ward
from tests.portal.elements import Elements
from tests.portal.ground import form_on, submit, visitor

EN: Final = WORDS["en"]
MOST: Final = 100_000


async def full(**booking: Any) -> tuple[Ward, dict[str, str]]:
    """Return a clinic in which something is on every page, and the addresses of all of them."""
    here = await ward((hostile.MARKUP, hostile.QUOTES, hostile.CHINESE), called=hostile.MARKUP, **booking)
    ticket = await number(here, here.walks_in)
    await allergic(here.walks_in)
    for content in (telemedicine_records.CONDITION, telemedicine_records.OBSERVATION, telemedicine_records.CARE_PLAN):
        by = telemedicine.clinician_of(here.organization, here.doctor)
        await telemedicine_records.health_record(here.walks_in, content, by=by)
    drug = await telemedicine_prescriptions.prescription(here.walks_in, here.organization, here.doctor)
    draft = await telemedicine_prescriptions.prescription(
        here.walks_in,
        here.organization,
        here.doctor,
        status="draft",
        signed_at=None,
        signed_by=None,
        licence_number=None,
    )
    await telemedicine_prescriptions.renewal(drug, here.walks_in.account_id)
    hospital = await telemedicine_referrals.hospital(here.scene, name=hostile.GERMAN)
    referral = await telemedicine_referrals.referral(here.scene, hospital.organization)
    question = await telemedicine_referrals.question(here.scene, hospital.organization)
    patient = f"{here.address}/patients/{here.walks_in.id}"
    return here, {
        "day": here.address,
        "day_part": f"{here.address}/part",
        "all": f"{here.address}?who=all",
        "appointment": f"{here.address}/appointments/{here.appointment.id}",
        "book": f"{here.address}/book?find=a",
        "times": f"{here.address}/book?resident_id={here.booked.id}",
        "queue": f"{here.address}/queue?find=a",
        "queue_part": f"{here.address}/queue/part",
        "board": f"{here.address}/board",
        "board_part": f"{here.address}/board/part",
        "screens": f"{here.address}/screens",
        "referrals": f"{here.address}/referrals?way=out",
        "referrals_part": f"{here.address}/referrals/part?way=out",
        "referral": f"{here.address}/referrals/{referral}",
        "questions": f"{here.address}/questions?way=out",
        "questions_part": f"{here.address}/questions/part?way=out",
        "question": f"{here.address}/questions/{question}",
        "ask": f"{patient}/ask",
        "patient": f"{patient}?ticket={ticket.id}",
        "prescriptions": f"{patient}/prescriptions",
        "prescription": f"{patient}/prescriptions/{drug.id}",
        "draft": f"{patient}/prescriptions/{draft.id}",
        "refer": f"{patient}/refer",
        "renewals": f"{here.address}/renewals",
        "renewals_part": f"{here.address}/renewals/part",
        "video": f"{here.address}/video",
        "video_part": f"{here.address}/video/part",
    }


CLINICIANS: Final = ("prescriptions", "prescription", "draft", "refer", "ask", "renewals", "renewals_part")


@pytest.mark.parametrize("language", ["en", "zh-CN"])
async def test_every_page_says_what_it_has_in_both_languages(app: FastAPI, database: Database, language: str) -> None:
    here, pages = await full(language=language)
    async with visitor(app, here.doctor, language=language) as browser:
        for name, address in pages.items():
            page = await browser.get(address)
            assert page.status_code == 200, (name, page.status_code, page.text[:600])
            assert hostile.harmless(page.text), name
            if not name.endswith("_part") and name != "board":
                assert f'<html lang="{language}"' in page.text, name
            assert len(page.content) < MOST, name
            assert "{" not in page.text.split("</head>")[-1].replace(hostile.TEMPLATE, "").replace(
                "{capsule}", ""
            ).replace("{tablet}", "").replace("{day}", ""), name


async def test_the_desk_sees_no_charts_and_is_shown_no_way_to_them(app: FastAPI, database: Database) -> None:
    here, pages = await full()
    async with visitor(app, here.desk) as browser:
        for name, address in pages.items():
            page = await browser.get(address)
            assert page.status_code == (403 if name in CLINICIANS else 200), (name, page.status_code)
        day = await browser.get(pages["all"])
        assert f"{here.address}/renewals" not in day.text
        assert f"{here.address}/patients" not in day.text
        assert f"{here.address}/screens" in day.text
        chart = await browser.get(pages["patient"])
        assert EN["no_chart"] in chart.text
        assert EN["no_break_glass"].split(",")[0] in chart.text
        assert "Penicillin" not in chart.text


async def test_whoever_works_elsewhere_sees_nothing(app: FastAPI, database: Database) -> None:
    here, pages = await full()
    other = await identity.organization(here.place, "clinic", name="Other clinic")
    for stranger in (
        await identity.staff(other, "clinician", name="Stranger"),
        await identity.account(here.place, name="Relative"),
        await identity.operator(here.place),
    ):
        async with visitor(app, stranger, second_factor=True) as browser:
            for name, address in pages.items():
                page = await browser.get(address)
                assert page.status_code == 403, (name, page.status_code)
                assert "Penicillin" not in page.text
    async with visitor(app, await identity.account(here.place, name="Nobody")) as browser:
        assert (await browser.get("/portal/clinic")).status_code == 403


async def test_a_clinic_is_where_its_people_begin(app: FastAPI, database: Database) -> None:
    here = await ward()
    async with visitor(app, here.desk) as browser:
        start = await browser.get("/portal")
        assert start.headers["location"] == "/portal/clinic"
        assert (await browser.get("/portal/clinic")).headers["location"] == here.address


async def test_somebody_comes_is_called_in_and_is_done(app: FastAPI, database: Database) -> None:
    here = await ward()
    act = f"{here.address}/appointments/{here.appointment.id}/outcome"
    async with visitor(app, here.desk) as desk, visitor(app, here.doctor) as doctor:
        come = await submit(desk, here.address, act, status="arrived")
        assert come.headers["location"].endswith("done=arrived")
        assert EN["count_waiting"].format(count=1) in (await desk.get(come.headers["location"])).text
        called = await submit(doctor, here.address, act, status="checked-in")
        assert called.headers["location"].startswith(f"{here.address}/patients/{here.booked.id}?appointment=")
        late = await desk.post(
            act, data=form_on(await desk.get(f"{here.address}?who=all"), act) | {"status": "arrived"}
        )
        assert late.status_code == 409
        assert EN["trouble_appointment_status"] in late.text


async def test_an_appointment_is_moved_to_a_free_time_and_called_off(app: FastAPI, database: Database) -> None:
    here = await ward()
    page = f"{here.address}/appointments/{here.appointment.id}"
    async with visitor(app, here.desk) as browser:
        shown = await browser.get(page)
        slots = [
            str(given["value"])
            for tag, given in Elements(shown.text).found
            if tag == "button" and given.get("name") == "slot"
        ]
        assert slots, "the doctor is there all day"
        taken = await submit(browser, page, f"{page}/move", slot=f"2020-01-01T00:00:00Z|{here.practitioner.id}")
        assert taken.status_code == 409
        assert EN["trouble_not_offered"] in taken.text
        off = await submit(browser, page, f"{page}/cancellation", reason=hostile.MARKUP)
        assert off.headers["location"] == f"{page}?done=cancellation"
        gone = await browser.get(page)
        assert hostile.harmless(gone.text)
        assert f"{page}/move" not in gone.text
        assert (await browser.get(f"{here.address}?who=all")).text.count(EN["state_cancelled"]) == 1


async def test_a_number_is_given_called_and_done_and_the_wall_never_says_whose(
    app: FastAPI, database: Database
) -> None:
    here = await ward()
    queue = f"{here.address}/queue"
    async with visitor(app, here.desk) as desk, visitor(app, here.doctor) as doctor:
        given = await submit(desk, f"{queue}?find=Walter", f"{queue}/tickets", department_id="")
        assert given.headers["location"] == f"{queue}?done=taken"
        made = await submit(desk, f"{here.address}/screens", f"{here.address}/screens", name="Hall")
        (address,) = {
            str(found["href"])
            for tag, found in Elements(made.text).found
            if tag == "a" and "/display/" in str(found.get("href"))
        }
        path = httpx.URL(address).path
        assert path not in (await desk.get(f"{here.address}/screens")).text
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://wall") as wall:
            calm = await wall.get(path)
            assert (calm.status_code, EN["wall_calm"] in calm.text) == (200, True)
            assert WORDS["zh-CN"]["wall_calm"] in calm.text
            called = await submit(doctor, queue, f"{queue}/calls", room=hostile.QUOTES[:30])
            assert called.headers["location"] == f"{queue}?done=called"
            board = await wall.get(f"{path}/part")
            assert hostile.harmless(board.text)
            assert '<span class="number">1</span>' in board.text
            for never in ("Walter", str(here.walks_in.id), "Grace"):
                assert never not in board.text + calm.text
            # Whoever called from this browser before finds their room again.
            assert form_on(await doctor.get(queue), f"{queue}/calls")["room"] == hostile.QUOTES[:30].strip()
            off = await submit(desk, f"{here.address}/screens", _removal(await desk.get(f"{here.address}/screens")))
            assert off.headers["location"].endswith("done=screen_off")
            assert (await wall.get(f"{path}/part")).status_code == 404
            assert (await wall.get(f"/portal/clinic/display/{'x' * 43}")).status_code == 404


def _removal(page: httpx.Response) -> str:
    return next(
        str(given["action"])
        for tag, given in Elements(page.text).found
        if tag == "form" and str(given.get("action")).endswith("/removal")
    )


async def test_of_two_desks_that_call_the_same_number_one_is_told(app: FastAPI, database: Database) -> None:
    here = await ward()
    ticket = await number(here, here.walks_in)
    queue, act = f"{here.address}/queue", f"{here.address}/queue/tickets/{ticket.id}/call"
    async with visitor(app, here.desk) as one, visitor(app, here.nurse) as other:
        fields = form_on(await other.get(queue), act)
        assert (await submit(one, queue, act)).headers["location"].endswith("done=called")
        late = await other.post(act, data=fields)
        assert (late.status_code, EN["trouble_called_already"] in late.text) == (409, True)
        again = await submit(other, queue, f"{queue}/tickets/{ticket.id}/again")
        assert again.headers["location"].endswith("done=called")
        for step, done in (
            ("return", "returned"),
            ("call", "called"),
            ("skipped", "number_skipped"),
            ("return", "returned"),
        ):
            moved = await submit(one, queue, f"{queue}/tickets/{ticket.id}/{step}")
            assert moved.headers["location"].endswith(f"done={done}"), step
        handed = await submit(
            one, queue, f"{queue}/tickets/{ticket.id}/transfer", department_id=str(here.department.id)
        )
        assert handed.headers["location"].endswith("done=transferred")
        left = await submit(one, queue, f"{queue}/tickets/{ticket.id}/left")
        assert left.headers["location"].endswith("done=number_left")
        nobody = await submit(one, queue, f"{queue}/calls")
        assert (nobody.status_code, EN["trouble_nobody_waits"] in nobody.text) == (409, True)


async def test_a_call_pressed_twice_calls_one(app: FastAPI, database: Database) -> None:
    here = await ward()
    for count, resident in enumerate((here.walks_in, here.booked), 1):
        await number(here, resident, number=count)
    queue = f"{here.address}/queue"
    async with visitor(app, here.desk) as browser:
        fields = form_on(await browser.get(queue), f"{queue}/calls")
        for _ in range(2):
            assert (await browser.post(f"{queue}/calls", data=fields)).status_code == 303
        page = await browser.get(f"{queue}/part")
        assert EN["waiting_count"].format(count=1) in page.text


async def test_the_day_is_shown_to_who_may_not_change_it_without_ways_to(app: FastAPI, database: Database) -> None:
    here = await ward()
    async with visitor(app, here.desk) as browser:
        strange = f"{here.address}/appointments/{new_id()}"
        assert (await browser.get(strange)).status_code == 404
        assert (await browser.post(f"{strange}/nonsense", data={})).status_code == 403
        bad = await browser.get(f"{here.address}?day=soon&who=nobody")
        assert bad.status_code == 200
        delay = await submit(browser, f"{here.address}?who={here.practitioner.id}", f"{here.address}/delays", late="20")
        assert delay.headers["location"].endswith("done=delay")


async def test_the_clock_is_the_clinics(app: FastAPI, database: Database, clock: ManualClock) -> None:
    here = await ward()
    async with visitor(app, here.doctor) as browser:
        page = await browser.get(here.address)
        assert EN["today"] in page.text
        assert (await browser.get(f"{here.address}?day=2020-01-01&who=all")).text.count(EN["nobody_booked"]) == 1
