"""What pages offer in a demo: whom to sign in as, where the code is, what one may let happen; and nowhere else."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

import httpx
import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from sqlmodel import col

from app import assembly
from app.core.clock import ManualClock
from app.core.database import unit_of_work
from app.core.jobs import settle
from app.core.settings import DemoSettings, Settings, install_settings
from app.identity.models import Account, Resident
from app.portal.ground.demo import FACES, GUIDE
from app.portal.ground.texts import COMMON
from eldercare.alarms.models import Alarm
from eldercare.check_ins.models import CheckIn, CheckInPlan
from eldercare.medication.models import Dose
from notifications.api import close_channels
from tests.factories import eldercare_alarms as alarms
from tests.factories import identity as make
from tests.portal.ground import form_on, submit, visitor
from tests.portal.sign_in.browser import SAME, ask_code, browser, send


@pytest.fixture
def demo(test_settings: Settings) -> Iterator[None]:
    """Switch the demo on."""
    install_settings(test_settings.model_copy(update={"demo": DemoSettings(enabled=True)}))
    yield
    install_settings(test_settings)


async def _kinds(resident: Resident) -> list[str]:
    async with unit_of_work() as session:
        found = await session.scalars(sa.select(Alarm).where(col(Alarm.resident_id) == resident.id))
        return [alarm.kind for alarm in found]


async def account_of(resident: Resident) -> Account:
    """Return a resident's own account."""
    async with unit_of_work() as session:
        return await session.get_one(Account, resident.account_id)


async def _due(table: type[CheckIn | Dose], resident: Resident) -> list[datetime]:
    """Return when something is due, once what lies ahead was planned."""
    await settle(assembly.JOBS)
    async with unit_of_work() as session:
        of = sa.select(col(table.due_at)).where(col(table.resident_id) == resident.id)
        return list(await session.scalars(of))


async def _plans(resident: Resident) -> int:
    async with unit_of_work() as session:
        of = sa.select(sa.func.count()).select_from(CheckInPlan).where(col(CheckInPlan.resident_id) == resident.id)
        return int(await session.scalar(of) or 0)


@pytest.mark.usefixtures("database", "clock", "demo")
async def test_a_visitor_presses_whom_to_be_and_is_led_to_the_code(app: FastAPI) -> None:
    await close_channels()
    community = await make.community()
    await make.account(community, phone=FACES[0][1], name="Family")
    await make.account(community, phone=FACES[1][1], name="Desk")
    async with browser(app) as client:
        other = await ask_code(client, FACES[1][1])
        page = await client.get("/portal/sign-in")
        assert re.findall(r'name="contact" value="(\+\d+)"', page.text) == [number for _, number in FACES]
        await send(page, client, "/portal/sign-in", contact=FACES[0][1])
        page = await client.get("/portal/sign-in/code")
        (way,) = _way_to_the_code(page)
        await settle(assembly.JOBS)
        box = (await client.get(way)).text
        assert (box.count("<article"), "Family" in box) == (1, True)
        assert _way_to_the_code(other) != [way]
        code = re.search(r"\b\d{6}\b", box)
        assert code is not None
        done = await send(page, client, "/portal/sign-in/code", code=code[0])
        assert (done.status_code, done.headers["location"]) == (303, "/portal")


@pytest.mark.usefixtures("database", "clock", "demo")
async def test_somebody_of_a_circle_lets_its_resident_fall_and_is_led_to_the_alarm(app: FastAPI) -> None:
    scene = await alarms.scene(circle=1)
    async with visitor(app, scene.circle[0]) as client:
        fallen = await submit(client, "/portal/me", "/portal/demo/fall")
        assert fallen.status_code == 303, fallen.text[:400]
        page = await client.get(fallen.headers["location"])
        assert COMMON["en"]["done_fallen"] in page.text
        assert '/acknowledge"' in page.text
    assert await _kinds(scene.resident) == ["fall"]


@pytest.mark.usefixtures("database", "clock", "demo")
async def test_at_the_desk_it_is_the_demos_resident_who_falls(app: FastAPI) -> None:
    community = await make.community()
    guide = await make.resident(community, phone=GUIDE)
    async with visitor(app, await make.operator(community, "dispatcher")) as client:
        fallen = await submit(client, "/portal/me", "/portal/demo/fall")
        assert fallen.headers["location"].startswith("/portal/desk/alarms/")
        assert (await client.get(fallen.headers["location"])).status_code == 200
    assert await _kinds(guide) == ["fall"]


@pytest.mark.usefixtures("database", "demo")
async def test_a_resident_is_asked_within_the_minute_and_never_by_two_plans(app: FastAPI, clock: ManualClock) -> None:
    resident = await make.resident(await make.community(), phone=GUIDE)
    async with visitor(app, await account_of(resident)) as client:
        for _ in range(2):
            begun = clock.now()
            pressed = await submit(client, "/portal/me", "/portal/demo/ask")
            assert (pressed.status_code, "done=ask" in pressed.headers["location"]) == (303, True)
            assert [at for at in await _due(CheckIn, resident) if begun < at <= begun + timedelta(seconds=65)]
            clock.advance(timedelta(seconds=66))
            await settle(assembly.JOBS)
            # Whoever is asked already is asked nothing else.
            assert "done=is_asked" in (await submit(client, "/portal/me", "/portal/demo/ask")).headers["location"]
            assert (await submit(client, "/me", "/me/fine")).status_code == 303
    assert await _plans(resident) == 1


@pytest.mark.usefixtures("database", "demo")
async def test_a_medicine_is_due_within_the_minute_and_missed_unless_it_is_taken(
    app: FastAPI, clock: ManualClock
) -> None:
    resident = await make.resident(await make.community(), phone=GUIDE)
    async with visitor(app, await account_of(resident)) as client:
        for after in (timedelta(), timedelta(minutes=3)):
            clock.advance(after)
            begun = clock.now()
            pressed = await submit(client, "/portal/me", "/portal/demo/dose")
            assert (pressed.status_code, "done=dose" in pressed.headers["location"]) == (303, True)
            assert [at for at in await _due(Dose, resident) if begun < at <= begun + timedelta(seconds=65)]
    clock.advance(timedelta(minutes=17))
    await settle(assembly.JOBS)
    async with unit_of_work() as session:
        of = sa.select(col(Dose.state)).where(col(Dose.resident_id) == resident.id).order_by(col(Dose.due_at))
        # What the second press took the place of is waited for no more.
        assert list(await session.scalars(of)) == ["excused", "missed"]


@pytest.mark.usefixtures("database", "clock", "demo")
async def test_where_nobody_is_free_nothing_is_booked_and_it_is_said(app: FastAPI) -> None:
    resident = await make.resident(await make.community(), phone=GUIDE)
    async with visitor(app, await account_of(resident)) as client:
        for act in ("doctor", "clean"):
            pressed = await submit(client, "/portal/me", f"/portal/demo/{act}")
            assert "done=nobody" in pressed.headers["location"]


@pytest.mark.usefixtures("database", "clock", "demo")
async def test_each_finds_what_they_may_let_happen_and_nothing_else(app: FastAPI) -> None:
    community = await make.community()
    resident = await make.resident(community, phone=GUIDE)
    clinic = await make.organization(community, "clinic")
    provider = await make.organization(community, "provider")
    everybody: list[tuple[Account, set[str]]] = [
        (await account_of(resident), {"ask", "dose", "clean", "doctor", "fall"}),
        (await make.operator(community, "dispatcher"), {"fall"}),
        (await make.staff(clinic, "clinician"), {"doctor"}),
        (await make.staff(provider, "worker"), set()),
    ]
    for account, acts in everybody:
        async with visitor(app, account) as client:
            page = await client.get("/portal/me")
            assert set(re.findall(r'action="/portal/demo/(\w+)"', page.text)) == acts
            form = form_on(page, "/portal/look")
            for act in {"ask", "dose", "clean", "doctor", "fall"} - acts:
                refused = await client.post(f"/portal/demo/{act}", data=form, headers=SAME)
                assert refused.status_code == 404


@pytest.mark.usefixtures("database", "clock", "demo")
async def test_a_demo_without_that_resident_says_so(app: FastAPI) -> None:
    async with visitor(app, await make.operator(await make.community())) as client:
        assert (await submit(client, "/portal/me", "/portal/demo/fall")).status_code == 404


@pytest.mark.usefixtures("database", "clock")
async def test_none_of_it_is_there_outside_a_demo(app: FastAPI) -> None:
    scene = await alarms.scene(circle=1)
    async with browser(app) as client:
        assert FACES[0][1] not in (await client.get("/portal/sign-in")).text
        assert _way_to_the_code(await ask_code(client, "+8613800000009")) == []
    async with visitor(app, scene.circle[0]) as client:
        page = await client.get("/portal/me")
        assert "/demo/" not in page.text
        form = form_on(page, "/portal/look")
        assert (await client.post("/portal/demo/fall", data=form, headers=SAME)).status_code == 404
    assert await _kinds(scene.resident) == []


def _way_to_the_code(page: httpx.Response) -> list[str]:
    return re.findall(r'href="(/demo/outbox\?about=[^"]+)"', page.text)


def test_a_fall_is_mounted_only_where_a_demo_may_be() -> None:
    assert "/portal/demo/fall" not in {getattr(route, "path", "") for one in assembly.ROUTERS for route in one.routes}
