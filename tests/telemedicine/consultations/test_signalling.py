"""The line of a video visit, between real processes: who hears what, what breaks off goes on, rights end at once."""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import httpx
import pytest
import pytest_asyncio
import sqlalchemy as sa
from websockets.exceptions import ConnectionClosed

from app.core import clock
from app.core.clock import ManualClock
from app.core.database import Database, reading, unit_of_work
from app.identity.models import Grant
from app.identity.sessions.models import AccountSession
from telemedicine.consultations import jobs
from telemedicine.consultations.models import CONSULTATIONS, PRESENCES, SIGNALS
from tests.factories import identity
from tests.factories import telemedicine as factory
from tests.factories.sign_in import access_headers, session_of, sign_in
from tests.factories.telemedicine import Scene
from tests.faults.processes import House, Process, until
from tests.faults.processes import looking as looking_at
from tests.telemedicine.consultations.lines import Page, guest_page, hanging_up, line_url, page_of


@dataclass(frozen=True, slots=True)
class Visit:
    """A visit at an API process, and the headers of the two whose it is."""

    scene: Scene
    id: uuid.UUID
    api: Process
    clinician: dict[str, str]
    resident: dict[str, str]


@pytest_asyncio.fixture(loop_scope="session")
async def visit(home: House) -> AsyncIterator[Visit]:
    scene = await factory.scene()
    planned = await factory.consultation(scene)
    api = await home.api()
    yield Visit(scene, planned.id, api, await sign_in(scene.clinician), await sign_in(scene.account))


async def both_in(visit: Visit) -> tuple[Page, Page]:
    """Return the pages of clinician and resident, who was let in."""
    clinician = await page_of(visit.api.url, visit.id, visit.clinician)
    resident = await page_of(visit.api.url, visit.id, visit.resident)
    await clinician.open()
    await resident.open()
    await let_in(clinician, resident)
    return clinician, resident


async def let_in(clinician: Page, other: Page) -> None:
    await clinician.sees(other, state="waiting")
    await clinician.say("admit", participant_id=other.id)
    await other.standing_as("admitted")
    await clinician.sees(other, state="admitted", instance=str(other.instance))
    await other.sees(clinician, state="admitted")


async def test_who_waits_sees_nobody_and_hears_nothing_until_they_are_let_in(visit: Visit) -> None:
    clinician = await page_of(visit.api.url, visit.id, visit.clinician)
    resident = await page_of(visit.api.url, visit.id, visit.resident)
    guest = await guest_page(visit.api.url, visit.id, visit.resident)
    async with hanging_up(clinician, resident, guest):
        await clinician.open()
        await resident.open()
        await guest.open()
        assert (await guest.standing_as("waiting"))["visit"] == "waiting"
        await let_in(clinician, resident)

        # To who waits nothing can be sent, and they can send nothing.
        await clinician.offer(guest)
        assert (await clinician.told("error"))["code"] == "not_there"
        await guest.offer(clinician)
        assert (await guest.told("error"))["code"] == "not_there"
        await guest.say("chat", text="Let me in")
        assert (await guest.told("error"))["code"] == "not_there"
        await guest.say("admit", participant_id=guest.id)
        assert (await guest.told("error"))["code"] == "not_your_consultation"
        await clinician.offer(resident, "v=0 between us")
        assert (await resident.told("signal"))["description"]["sdp"] == "v=0 between us"
        await clinician.say("chat", text="Good morning")
        assert (await resident.told("chat"))["text"] == "Good morning"
        assert guest.signals == []
        assert {person["id"] for person in guest.standing["people"]} <= {clinician.id}
        assert not any("instance" in person for person in guest.standing["people"])

        # Who gives way is decided for both: exactly one of two does.
        assert (await clinician.sees(resident))["polite"] is not (await resident.sees(clinician))["polite"]


async def test_begin_and_end_are_taken_from_who_was_there(visit: Visit, database: Database) -> None:
    clinician, resident = await both_in(visit)
    async with hanging_up(clinician, resident):
        assert clinician.standing["visit"] == "in_progress"
        await clinician.say("end")
        assert await resident.closed() == 4410
        assert await clinician.closed() == 4410
    async with reading() as connection:
        row = (await connection.execute(sa.select(CONSULTATIONS))).one()
        presences = (await connection.execute(sa.select(PRESENCES))).all()
        assert await connection.scalar(sa.select(sa.func.count()).select_from(SIGNALS)) == 0
    assert row.state == "ended"
    assert max(presence.began_at for presence in presences) <= row.started_at <= row.ended_at
    assert all(presence.ended_at is not None for presence in presences)


async def test_signals_pass_between_processes_and_go_on_at_another_one(visit: Visit, home: House) -> None:
    clinician, resident = await both_in(visit)
    other = await home.api()
    async with hanging_up(clinician, resident):
        await resident.drop()
        for number in range(5):
            await clinician.offer(resident, f"v=0 while away {number}")
        welcome = await resident.open(line_url(other.url, visit.id))
        assert welcome["came_back"] is True
        while len(resident.signals) < 5:
            await resident.hear()
        await resident.offer(clinician, "v=0 from elsewhere")
        assert (await clinician.told("signal"))["description"]["sdp"] == "v=0 from elsewhere"
        assert [said["number"] for said in resident.signals] == [1, 2, 3, 4, 5]
        assert [said["description"]["sdp"][-1] for said in resident.signals] == list("01234")


async def test_a_process_that_is_killed_loses_no_signal(visit: Visit, home: House) -> None:
    clinician, resident = await both_in(visit)
    other = await home.api()
    async with hanging_up(clinician, resident):
        await clinician.offer(resident, "v=0 before")
        await resident.told("signal")
        await clinician.offer(resident, "v=0 as it dies")
        await clinician.say("chat", text="Still there?")
        await clinician.told("said")
        await visit.api.kill()
        heard = resident.heard
        for page in (clinician, resident):
            assert page.socket
            await page.socket.wait_closed()
            assert (await page.open(line_url(other.url, visit.id)))["came_back"] is True
        while resident.heard < 3:
            await resident.hear()
        assert heard <= 3
        # Once each, and in order: what had arrived is not told again.
        assert [said["number"] for said in resident.signals] == [1, 2, 3]
        assert await standing_in(resident) == "admitted"


async def standing_in(page: Page) -> str:
    await page.standing_as("admitted")
    return str(page.standing["you"])


async def test_a_visit_that_everybody_was_torn_from_ended_with_their_last_sign_of_life(
    visit: Visit, database: Database
) -> None:
    clinician, resident = await both_in(visit)
    await resident.drop()
    await clinician.offer(resident, "v=0 that nobody fetches")
    await clinician.sees(resident, is_present=False)
    await visit.api.kill()
    later = ManualClock(clock.now() + timedelta(minutes=11))
    previous = clock.install(later)
    try:
        assert await jobs.notice_who_is_gone() == 1
        assert await jobs.forget() == 1
        later.advance(timedelta(minutes=60))
        assert await jobs.close() == 1
    finally:
        clock.install(previous)
    async with reading() as connection:
        row = (await connection.execute(sa.select(CONSULTATIONS))).one()
        ends = list(await connection.scalars(sa.select(PRESENCES.c.ended_at)))
    assert (row.state, row.end_reason) == ("ended", "left")
    assert row.ended_at == max(ends)
    assert row.ended_at < later.now() - timedelta(minutes=60)


async def test_what_was_meant_for_an_earlier_page_does_not_reach_the_next(visit: Visit) -> None:
    clinician, resident = await both_in(visit)
    async with hanging_up(clinician, resident):
        await resident.drop()
        await clinician.offer(resident, "v=0 for the page before")
        resident.instance, before = clock.new_id(), resident.instance
        assert (await resident.open())["came_back"] is False
        await clinician.sees(resident, instance=str(resident.instance))
        await clinician.say("signal", to=resident.id, instance=str(before), description={"type": "offer", "sdp": "v=0"})
        assert (await clinician.told("error"))["code"] == "not_there"
        await clinician.offer(resident, "v=0 for this one")
        assert (await resident.told("signal"))["description"]["sdp"] == "v=0 for this one"


async def test_a_second_window_takes_the_place_of_the_first(visit: Visit) -> None:
    clinician, resident = await both_in(visit)
    second = Page(resident.url, resident.credential)
    async with hanging_up(clinician, resident, second):
        await second.open()
        assert await resident.closed() == 4409
        assert await standing_in(second) == "admitted"


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "no JSON",
        "[]",
        "null",
        "{}",
        '{"type": "signal"}',
        '{"type": "nothing"}',
        '{"type": "chat", "text": ""}',
        '{"type": "chat", "text": "\\u0000"}',
        '{"type": "chat", "text": "\\ud800"}',
        '{"type": "chat", "text": "x", "more": 1}',
        '{"type": "ack", "number": -1}',
        '{"type": "admit", "participant_id": "me"}',
        b"\xff\xfe\x00",
        "[" * 5000,
    ],
)
async def test_what_is_no_message_is_answered_and_ends_nothing(visit: Visit, raw: str | bytes) -> None:
    clinician = await page_of(visit.api.url, visit.id, visit.clinician)
    async with hanging_up(clinician):
        await clinician.open()
        await clinician.send(raw)
        assert (await clinician.told("error"))["code"] == "malformed"
        await clinician.send("x" * 16_385)
        assert (await clinician.told("error"))["code"] == "too_large"
        await clinician.say("ice")
        assert "iceServers" in await clinician.told("ice")


async def test_who_says_too_much_is_not_listened_to(visit: Visit) -> None:
    clinician = await page_of(visit.api.url, visit.id, visit.clinician)
    async with hanging_up(clinician):
        await clinician.open()
        with contextlib.suppress(ConnectionClosed):
            for _ in range(2000):
                await clinician.say("ack", number=0)
        assert await clinician.closed() == 4429


async def test_a_forged_pass_and_another_visits_pass_open_no_line(visit: Visit) -> None:
    elsewhere = await factory.consultation(visit.scene)
    mine = await page_of(visit.api.url, visit.id, visit.resident)
    name = mine.credential["pass"].partition(".")[0]
    for credential, code in (
        ({"pass": f"{name}.{'A' * 43}"}, "put_out"),
        ({"pass": "nothing"}, "link_unknown"),
        ({"access_token": "nothing"}, "unauthenticated"),
    ):
        page = Page(mine.url, credential)
        assert (await page.open())["code"] == code
        assert await page.closed() == 4403
    page = Page(line_url(visit.api.url, elsewhere.id), mine.credential)
    assert (await page.open())["code"] == "not_found"
    page.socket = None
    mute = Page(mine.url, {})
    assert (await mute.open())["code"] == "hello_expected"
    assert await mute.closed() == 4403


async def test_an_app_opens_its_line_with_its_token(visit: Visit) -> None:
    token = visit.resident["Authorization"].removeprefix("Bearer ")
    app = Page(line_url(visit.api.url, visit.id), {"access_token": token})
    stranger = await identity.account(visit.scene.place, name="Stranger")
    other = (await sign_in(stranger))["Authorization"].removeprefix("Bearer ")
    refused = Page(line_url(visit.api.url, visit.id), {"access_token": other})
    async with hanging_up(app, refused):
        await app.open()
        await app.standing_as("waiting")
        assert (await refused.open())["code"] == "not_found"


async def test_a_revoked_session_a_revoked_grant_and_a_removed_guest_are_out(visit: Visit) -> None:
    daughter = await identity.account(visit.scene.place, name="Daughter")
    grant = await identity.grant(visit.scene.resident, daughter, factory.BOTH)
    session = await session_of(visit.scene.account)
    clinician = await page_of(visit.api.url, visit.id, visit.clinician)
    resident = await page_of(visit.api.url, visit.id, access_headers(session))
    family = await page_of(visit.api.url, visit.id, await sign_in(daughter))
    guest = await guest_page(visit.api.url, visit.id, visit.clinician, "interpreter")
    async with hanging_up(clinician, resident, family, guest):
        await clinician.open()
        for page in (resident, family, guest):
            await page.open()
            await let_in(clinician, page)

        async with unit_of_work() as work:
            (await work.get_one(Grant, grant.id)).revoked_at = clock.now()
        assert await family.closed() == 4403
        async with unit_of_work() as work:
            (await work.get_one(AccountSession, session.id)).revoked_at = clock.now()
        assert await resident.closed() == 4403
        async with httpx.AsyncClient(base_url=visit.api.url, timeout=60) as client:
            path = f"/v1/consultations/{visit.id}/guests/{guest.id}"
            assert (await client.delete(path, headers=visit.clinician)).status_code == 204
        assert await guest.closed() == 4403
        assert (await guest.open())["code"] == "put_out"
        await clinician.offer(guest)
        assert (await clinician.told("error"))["code"] == "not_there"


async def test_a_guest_goes_with_the_right_of_who_invited_them(visit: Visit) -> None:
    daughter = await identity.account(visit.scene.place, name="Daughter")
    grant = await identity.grant(visit.scene.resident, daughter, factory.BOTH)
    clinician, resident = await both_in(visit)
    guest = await guest_page(visit.api.url, visit.id, await sign_in(daughter))
    async with hanging_up(clinician, resident, guest):
        await guest.open()
        await let_in(clinician, guest)
        async with unit_of_work() as work:
            (await work.get_one(Grant, grant.id)).revoked_at = clock.now()
        assert await guest.closed() == 4403
        # The others' pages are told that they are gone, and let go of their pictures and sound.
        while state_of(clinician, guest) is not None:
            await clinician.told("standing")
        assert (await guest.open())["code"] == "put_out"


async def test_whoever_keeps_off_their_line_is_put_out_all_the_same(visit: Visit) -> None:
    daughter = await identity.account(visit.scene.place, name="Daughter")
    grant = await identity.grant(visit.scene.resident, daughter, factory.BOTH)
    clinician, resident = await both_in(visit)
    guest = await guest_page(visit.api.url, visit.id, await sign_in(daughter))
    async with hanging_up(clinician, resident):
        await guest.open()
        await let_in(clinician, guest)
        await resident.drop()
        await guest.drop()  # their pictures and sound go on from page to page
        await clinician.sees(guest, is_present=False)
        async with unit_of_work() as work:
            (await work.get_one(Grant, grant.id)).revoked_at = clock.now()
        while state_of(clinician, guest) is not None:
            await clinician.told("standing")
        # Whose network is away for a moment and who may come back is in it still.
        assert state_of(clinician, resident) == "admitted"


async def test_two_guests_more_than_there_are_seats_leave_two_waiting(visit: Visit) -> None:
    clinician, resident = await both_in(visit)
    guests = [await guest_page(visit.api.url, visit.id, visit.clinician) for _ in range(4)]
    async with hanging_up(clinician, resident, *guests):
        for guest in guests:
            await guest.open()
            await clinician.sees(guest, state="waiting")
        for guest in guests:
            await clinician.say("admit", participant_id=guest.id)
        for _ in range(2):
            assert (await clinician.told("error"))["code"] == "room_full"
        while len(inside := [guest for guest in guests if state_of(clinician, guest) == "admitted"]) < 2:
            await clinician.told("standing")
        assert len(inside) == 2

        await clinician.say("remove", participant_id=inside[0].id)
        assert await inside[0].closed() == 4403
        outside = next(guest for guest in guests if state_of(clinician, guest) == "waiting")
        await let_in(clinician, outside)


def state_of(clinician: Page, guest: Page) -> str | None:
    """Return how a guest stands as the clinician was told last."""
    return next((person["state"] for person in clinician.standing["people"] if person["id"] == guest.id), None)


async def test_who_is_put_out_comes_back_only_by_a_new_link_and_waits(visit: Visit) -> None:
    clinician, resident = await both_in(visit)
    again = await page_of(visit.api.url, visit.id, visit.resident)
    await again.open()  # takes the place of the first page, which is still in
    async with hanging_up(clinician, resident, again):
        assert await resident.closed() in (4403, 4409)
        await clinician.say("remove", participant_id=again.id)
        assert await again.closed() == 4403
        assert (await again.open())["code"] == "put_out"
        fresh = await page_of(visit.api.url, visit.id, visit.resident)
        async with hanging_up(fresh):
            await fresh.open()
            await fresh.standing_as("waiting")


async def test_the_wish_to_telephone_is_told_once(visit: Visit, database: Database) -> None:
    clinician = await page_of(visit.api.url, visit.id, visit.clinician)
    resident = await page_of(visit.api.url, visit.id, visit.resident)
    async with hanging_up(clinician, resident):
        await clinician.open()
        await resident.open()
        standing = await resident.standing_as("waiting")
        assert standing["phone"] == "+862155551000"
        await resident.say("phone")
        await resident.say("phone")
        await clinician.sees(resident, wishes_phone=True)
    async with looking_at(database.url) as connection:
        query = "SELECT count(*) = 1 FROM notifications_inbox_item WHERE notice_key = 'telemedicine.phone_wished'"
        await until(connection, query)


async def test_who_leaves_waits_again(visit: Visit) -> None:
    clinician, resident = await both_in(visit)
    async with hanging_up(clinician, resident):
        await resident.say("leave")
        assert await resident.closed() == 1000
        await clinician.sees(resident, state="left")
        await resident.open()
        resident.standing = {}
        await resident.standing_as("waiting")


async def test_a_server_that_stops_says_so_and_nothing_of_what_was_said_is_logged(visit: Visit) -> None:
    clinician, resident = await both_in(visit)
    async with hanging_up(clinician, resident):
        await clinician.offer(resident, "v=0 Wisteria")
        await resident.told("signal")
        await clinician.say("chat", text="Wisteria")
        await resident.told("chat")
        stopping = asyncio.create_task(visit.api.stop())
        assert await clinician.closed() == 1012
        assert await resident.closed() == 1012
        await stopping
    written = visit.api.written()
    assert "Wisteria" not in written
    assert "Grace" not in written
    assert resident.credential["pass"] not in written
