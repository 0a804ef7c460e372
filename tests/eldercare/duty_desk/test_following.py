"""The desk's queue live, over a real server: what enters, changes and leaves it, and only while one is at the desk."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio
import sqlalchemy as sa
from fastapi import FastAPI

from app.core import clock as clocks
from app.core import live
from app.core.access import system_actor
from app.core.changes import Place
from app.core.clock import ManualClock
from app.core.database import Database, reading, unit_of_work
from eldercare.alarms.models import Alarm, Severity
from eldercare.alarms.service import raise_alarm
from eldercare.duty_desk.service import following as service
from eldercare.ladders.repository import Settled, settle_notices
from tests.factories import eldercare_alarms as alarms
from tests.factories import eldercare_desk as desk
from tests.factories import identity
from tests.factories.eldercare_alarms import Scene
from tests.factories.sign_in import sign_in
from tests.streams import Stream, Told, following, served

QUEUE = "/v1/duty-desk/queue"
STREAM = f"{QUEUE}/stream"
Headers = dict[str, str]


@pytest.fixture(autouse=True)
def brisk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look again soon, and never merely because time has passed."""
    monkeypatch.setattr(service, "HEARTBEAT_SECONDS", 3_600.0)
    monkeypatch.setattr(service, "GAP_SECONDS", 0.01)


@pytest_asyncio.fixture(loop_scope="session")
async def url(app: FastAPI, database: Database, clock: ManualClock) -> AsyncIterator[str]:
    """Serve the application."""
    async with served(app) as address:
        yield address


@pytest_asyncio.fixture(loop_scope="session")
async def scene(url: str) -> Scene:
    """Return a community with a desk."""
    return await alarms.scene(circle=1)


async def at_desk(scene: Scene) -> Headers:
    return await sign_in(scene.desk)


async def ask(url: str, headers: Headers, method: str, path: str, **sent: Any) -> Any:
    """Ask for something beside the stream, as the desk's app does."""
    async with httpx.AsyncClient(base_url=url, timeout=60, headers=headers) as client:
        answer = await client.request(method, path, **sent)
    assert answer.status_code < 300, answer.text
    return answer.json()


async def raised(scene: Scene, name: str | None = None, **values: Any) -> Alarm:
    resident = scene.resident if name is None else await identity.resident(scene.community, name=name)
    return await alarms.raised(resident, **values)


async def force(sql: str, **binds: object) -> None:
    async with unit_of_work() as session:
        await session.execute(sa.text(sql), binds)


def about(events: list[Told], alarm: Alarm) -> list[str]:
    """Return what was told of an alarm, without what was told twice over."""
    names = [told.event for told in events if told.data.get("id") == str(alarm.id)]
    return [name for place, name in enumerate(names) if names[place - 1 : place] != [name]]


async def until(stream: Stream, event: str, alarm: Alarm, **shown: Any) -> list[Told]:
    """Return the events up to the ``queue`` after one about the alarm that shows this."""
    heard: list[Told] = []
    while True:
        told = await stream.next()
        assert told is not None, "the stream ended"
        heard.append(told)
        same = told.event == event and told.data.get("id") == str(alarm.id)
        if same and shown.items() <= told.data.items():
            return heard + await stream.until("queue")


async def begun(stream: Stream) -> Told:
    """Return the first ``queue``."""
    return (await stream.until("queue"))[-1]


async def shown_of(alarm: Alarm) -> int:
    """Return how often it is on record that the desk was shown whose alarm it is."""
    statement = sa.text("SELECT count(*) FROM core_audit_entry WHERE action = 'alarm:desk_queue' AND resident_id = :id")
    async with reading() as connection:
        return int(await connection.scalar(statement, {"id": alarm.resident_id}) or 0)


async def test_what_enters_changes_and_leaves_the_queue_is_told(scene: Scene, url: str, clock: ManualClock) -> None:
    headers = await at_desk(scene)
    first = await raised(scene, severity=Severity.LOW)
    async with following(url + STREAM, headers) as stream:
        assert stream.response.headers["content-type"].startswith("text/event-stream")
        (queue,) = await stream.until("queue")
        assert queue.data == {"alarms": [str(first.id)]}
        clock.advance(timedelta(seconds=5))
        second = await raised(scene, "Rosa", severity=Severity.CRITICAL)
        heard = await until(stream, "entered", second)
        (entered,) = (told for told in heard if told.event == "entered")
        assert await shown_of(second) == 1
        listed = (await ask(url, headers, "GET", QUEUE))["items"]
        assert entered.data == listed[0]
        assert (entered.data["resident_name"], entered.data["severity"]) == ("Rosa", "critical")
        assert heard[-1].data == {"alarms": [str(second.id), str(first.id)]}

        await ask(url, headers, "POST", f"/v1/duty-desk/alarms/{first.id}/claim")
        heard = await until(stream, "changed", first, state="acknowledged")
        assert heard[-2].data["claimed_by"] == {"account_id": str(scene.desk.id), "name": scene.desk.name}

        await ask(url, headers, "POST", f"/v1/alarms/{first.id}/resolution", json={"outcome": "helped"})
        heard = await until(stream, "left", first)
        assert heard[-1].data == {"alarms": [str(second.id)]}


async def test_whom_the_ladder_tells_and_what_became_of_it_is_told(scene: Scene, url: str) -> None:
    alarm = await raised(scene)
    async with following(url + STREAM, await at_desk(scene)) as stream:
        await begun(stream)
        await alarms.climb()
        heard = await until(stream, "changed", alarm, step=1)
        told_now = heard[-2].data["told_now"]
        assert {(told["name"], told["outcome"]) for told in told_now} == {("Relative 1", "pending")}
        # As the deliveries' results come in, which touch no alarm.
        delivery = await alarms.scalar("SELECT delivery_id FROM eldercare_alarm_notice WHERE delivery_id IS NOT NULL")
        await settle(delivery)
        heard = await until(stream, "changed", alarm)
        assert "delivered" in {told["outcome"] for told in heard[-2].data["told_now"]}


async def settle(delivery_id: Any) -> None:
    async with unit_of_work() as session:
        await settle_notices(session, [Settled(delivery_id, "push", "delivered", clocks.now())])


async def test_a_hand_over_is_told_when_it_is_offered_and_when_it_is_over(scene: Scene, url: str) -> None:
    headers, other = await at_desk(scene), await desk.colleague(scene, name="Colleague")
    alarm = await raised(scene)
    path = f"/v1/duty-desk/alarms/{alarm.id}"
    await ask(url, headers, "POST", f"{path}/claim")
    async with following(url + STREAM, headers) as stream:
        await begun(stream)
        offer = {"account_id": str(other.id), "note": "The key is with the neighbour"}
        await ask(url, headers, "POST", f"{path}/handovers", json=offer)
        heard = await until(stream, "changed", alarm)
        assert heard[-2].data["handover"]["to"]["name"] == "Colleague"
        assert "neighbour" not in str(heard[-2].data)
        handover_id = heard[-2].data["handover"]["id"]
        async with httpx.AsyncClient(base_url=url, timeout=60, headers=await sign_in(other)) as client:
            assert (await client.delete(f"{path}/handovers/{handover_id}")).status_code == 204
        await until(stream, "changed", alarm, handover=None)


async def test_after_a_cut_nothing_is_lost(scene: Scene, url: str, clock: ManualClock) -> None:
    headers = await at_desk(scene)
    other = await desk.colleague(scene, name="Colleague")
    ended, changed, same, offered = [await raised(scene, name) for name in ("Ada", "Bo", "Cy", "Flo")]
    await ask(url, headers, "POST", f"/v1/duty-desk/alarms/{offered.id}/claim")
    async with following(url + STREAM, headers) as stream:
        queue = await begun(stream)
        assert len(queue.data["alarms"]) == 4
    offer = {"account_id": str(other.id), "note": "I have to go"}
    await ask(url, headers, "POST", f"/v1/duty-desk/alarms/{offered.id}/handovers", json=offer)
    await ask(url, headers, "POST", f"/v1/duty-desk/alarms/{changed.id}/claim")
    await ask(url, headers, "POST", f"/v1/duty-desk/alarms/{ended.id}/claim")
    await ask(url, headers, "POST", f"/v1/alarms/{ended.id}/resolution", json={"outcome": "helped"})
    new, gone = await raised(scene, "Di"), await raised(scene, "Ed")
    await ask(url, headers, "POST", f"/v1/duty-desk/alarms/{gone.id}/claim")
    await ask(url, headers, "POST", f"/v1/alarms/{gone.id}/resolution", json={"outcome": "helped"})
    async with following(url + STREAM, headers, queue.id) as stream:
        heard = await stream.until("queue")
    assert about(heard, ended) == ["left"]
    assert about(heard, new) == ["entered"]
    # Written behind the place, if only by what was still open then, it may seem to be new.
    assert about(heard, changed) in (["changed"], ["entered"])
    assert about(heard, offered) in (["changed"], ["entered"])
    assert about(heard, gone) == ["left"]  # it came and went
    assert set(heard[-1].data["alarms"]) == {str(alarm.id) for alarm in (changed, same, offered, new)}
    assert heard[-1].event == "queue"


async def test_an_alarm_is_told_at_once_whatever_older_transaction_is_open(scene: Scene, url: str) -> None:
    headers = await at_desk(scene)
    async with following(url + STREAM, headers) as stream:
        queue = await begun(stream)
        async with unit_of_work() as older:
            await older.execute(sa.text("SELECT pg_current_xact_id()"))
            alarm = await raised(scene)
            heard = await until(stream, "entered", alarm)
    # Its place did not go beyond what was open: whoever comes back from there is told once more.
    for place in (queue.id, heard[-1].id):
        async with following(url + STREAM, headers, place) as stream:
            assert about(await stream.until("queue"), alarm) == ["entered"]


async def test_a_late_commit_is_told_after_a_cut(scene: Scene, url: str) -> None:
    headers = await at_desk(scene)
    async with unit_of_work() as late:
        signal = alarms.signal(scene.resident)
        waiting = await raise_alarm(late, system_actor(scene.community.id), signal)
        async with following(url + STREAM, headers) as stream:
            queue = await begun(stream)
            assert queue.data == {"alarms": []}
    async with following(url + STREAM, headers, queue.id) as stream:
        heard = await stream.until("queue")
    assert about(heard, waiting) == ["entered"]


@pytest.mark.parametrize("place", ["nonsense", "another's", "another part's", "restored"])
async def test_a_place_that_is_not_known_begins_anew(scene: Scene, url: str, place: str) -> None:
    hillside = await alarms.scene()
    async with following(url + STREAM, await at_desk(hillside)) as stream:
        anothers = await begun(stream)
    async with following(f"{url}{STREAM}?show=mine", await at_desk(scene)) as stream:
        part = await begun(stream)
    restored = Place(scene.community.id, "another system", 1).cursor("eldercare.desk_stream:all")
    known = {"nonsense": "nonsense", "another's": anothers.id, "another part's": part.id, "restored": restored}
    given = known[place]
    alarm = await raised(scene)
    async with following(url + STREAM, await at_desk(scene), given) as stream:
        assert [told.event for told in await stream.until("queue")] == ["reset", "queue"]
        await ask(url, await at_desk(scene), "POST", f"/v1/duty-desk/alarms/{alarm.id}/claim")
        await until(stream, "changed", alarm, state="acknowledged")


async def test_more_than_a_page_is_told_in_full(
    scene: Scene, url: str, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "_PAGE", 2)
    headers = await at_desk(scene)
    async with following(url + STREAM, headers) as stream:
        queue = await begun(stream)
    made = [await raised(scene, f"R{number}") for number in range(5)]
    async with following(url + STREAM, headers, queue.id) as stream:
        heard = await stream.until("queue")
    assert {about(heard, alarm)[0] for alarm in made} == {"entered"}
    assert {told.id for told in heard[:-1]} == {queue.id}  # told to its end only with the last
    assert len(heard[-1].data["alarms"]) == 5


async def test_of_the_queue_one_may_follow_a_part(scene: Scene, url: str) -> None:
    headers = await at_desk(scene)
    alarm = await raised(scene)
    path = f"/v1/duty-desk/alarms/{alarm.id}/claim"
    async with (
        following(f"{url}{STREAM}?show=mine", headers) as mine,
        following(f"{url}{STREAM}?show=unclaimed", headers) as unclaimed,
    ):
        assert [(await begun(mine)).data["alarms"], (await begun(unclaimed)).data["alarms"]] == [[], [str(alarm.id)]]
        await ask(url, headers, "POST", path)
        await until(mine, "entered", alarm, state="acknowledged")
        heard = await until(unclaimed, "left", alarm)
        await ask(url, headers, "DELETE", path)
        await until(mine, "left", alarm)
        await until(unclaimed, "entered", alarm)
    async with following(f"{url}{STREAM}?show=unclaimed", headers, heard[-1].id) as again:
        assert about(await again.until("queue"), alarm) == ["entered"]


async def test_rights_are_looked_at_before_each_telling(scene: Scene, url: str) -> None:
    kept, lost = await raised(scene, "Ada"), await raised(scene, "Bo")
    async with following(url + STREAM, await at_desk(scene)) as stream:
        await begun(stream)
        # The agreement covers only some residents from now on.
        await force("UPDATE identity_service_agreement SET resident_id = :id", id=kept.resident_id)
        hidden = await raised(scene, "Cy")
        heard = await until(stream, "left", lost)
        assert heard[-1].data == {"alarms": [str(kept.id)]}
        assert about(heard, hidden) == []
        # Who is not at the desk any more is told nothing.
        await force("UPDATE identity_membership SET ended_at = created_at WHERE account_id = :id", id=scene.desk.id)
        await alarms.climb()
        assert [told.event for told in await stream.until("none")] == []
    async with reading() as connection:
        statement = sa.text(
            "SELECT count(*) FROM core_audit_entry WHERE action = 'alarm:desk_queue' AND actor_id = :id"
        )
        assert await connection.scalar(statement, {"id": scene.desk.id}) == 1


async def test_of_other_communities_nothing_is_told(scene: Scene, url: str) -> None:
    hillside = await alarms.scene()
    async with following(url + STREAM, await at_desk(scene)) as stream:
        await begun(stream)
        theirs = await alarms.raised(hillside.resident)
        ours = await raised(scene)
        heard = await until(stream, "entered", ours)
    assert about(heard, theirs) == []


async def test_an_open_stream_holds_no_connection_and_ends_when_it_is_asked_to(
    scene: Scene, url: str, database: Database
) -> None:
    async with following(url + STREAM, await at_desk(scene)) as stream:
        await begun(stream)
        async with asyncio.timeout(20):
            while database.reading.lent + database.writing.lent:  # noqa: ASYNC110 - a pool tells nobody
                await asyncio.sleep(0.01)
        live.end()
        try:
            assert await stream.next() is None
        finally:
            live.begin()


async def test_a_silent_stream_notices_that_one_left_the_desk(
    scene: Scene, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "HEARTBEAT_SECONDS", 0.05)
    async with following(url + STREAM, await at_desk(scene)) as stream:
        await begun(stream)
        await force("UPDATE identity_membership SET ended_at = created_at WHERE account_id = :id", id=scene.desk.id)
        assert await stream.next() is None
