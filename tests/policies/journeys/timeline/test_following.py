"""The timeline live over a real server, and as a file."""

import csv
import io
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio
import sqlalchemy as sa
from fastapi import FastAPI

from app.core.clock import ManualClock
from app.core.database import reading
from app.policies.journeys.timeline.service import following as service
from tests.factories import eldercare_alarms as alarms
from tests.factories import eldercare_check_ins as check_ins
from tests.factories import eldercare_vitals as vitals
from tests.factories import identity
from tests.factories.lived import Lived, force
from tests.factories.sign_in import sign_in, sign_in_resident
from tests.streams import Stream, following, served


@pytest.fixture(autouse=True)
def brisk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look again at once."""
    monkeypatch.setattr(service, "LOOK_SECONDS", 0.02)


@pytest_asyncio.fixture(loop_scope="session")
async def url(app: FastAPI, lived: Lived, clock: ManualClock) -> AsyncIterator[str]:
    """Serve the application."""
    async with served(app) as address:
        yield address


async def item_of(stream: Stream, kind: str, **data: Any) -> Any:
    """Return the next item of the kind that says this; what was written just before may be told first."""
    while (told := await stream.next()) is not None:
        item = told.data
        if told.event == "item" and item["kind"] == kind and data.items() <= item["data"].items():
            return item
    raise AssertionError(kind)


async def place_of(stream: Stream) -> str | None:
    """Return the next place."""
    return (await stream.until("place"))[-1].id


async def test_what_happens_is_told_and_nothing_is_lost_between_two_streams(lived: Lived, url: str) -> None:
    headers = await sign_in_resident(lived.resident)
    path = f"{url}/v1/me/timeline/stream"
    async with following(path, headers) as stream:
        await place_of(stream)
        await vitals.reading(lived.resident, 77, code="2708-6")
        await item_of(stream, "reading", name="oxygen_saturation")
        place = await place_of(stream)
    alarm = await alarms.raised(lived.resident)
    async with following(path, headers, place) as stream:
        item = await item_of(stream, "alarm_raised", state="raised")
        assert item["id"] == str(alarm.id)
        assert await place_of(stream)


async def test_what_was_planned_is_told_when_it_comes_to_be(lived: Lived, url: str, clock: ManualClock) -> None:
    begins = clock.now() + timedelta(minutes=5)
    await check_ins.pause(lived.resident, begins + timedelta(hours=1), starts_at=begins)
    async with following(f"{url}/v1/me/timeline/stream", await sign_in_resident(lived.resident)) as told:
        await place_of(told)
        # Until the pause lies behind what is settled, it would be told for having been written.
        for code, name in (("2708-6", "oxygen_saturation"), ("9279-1", "respiratory_rate")):
            await vitals.reading(lived.resident, 20, code=code)
            await item_of(told, "reading", name=name)
            await place_of(told)
            clock.advance(timedelta(minutes=1))
        clock.advance(timedelta(minutes=4))
        assert await item_of(told, "pause_started", ends_at=(begins + timedelta(hours=1)).isoformat())


async def test_a_place_of_another_timeline_is_not_taken(lived: Lived, url: str) -> None:
    neighbour = await identity.resident(lived.place, name="Walter", phone="+8613800000009")
    async with following(f"{url}/v1/me/timeline/stream", await sign_in_resident(neighbour)) as stream:
        place = await place_of(stream)
    async with following(f"{url}/v1/me/timeline/stream", await sign_in_resident(lived.resident), place) as stream:
        assert [told.event for told in await stream.until("place")] == ["reset", "place"]


async def test_rights_are_looked_at_before_each_telling(lived: Lived, url: str) -> None:
    await identity.grant(lived.resident, lived.relative, ["alarms:read", "visits:read"])
    path = f"{url}/v1/residents/{lived.resident.id}/timeline/stream"
    async with following(path, await sign_in(lived.relative)) as stream:
        await place_of(stream)
        # Narrowed: what needs the lost right is not told any more, the rest still is.
        await force("UPDATE identity_grant SET scopes = ARRAY['visits:read']")
        alarm = await alarms.raised(lived.resident)
        await force("UPDATE eldercare_visit SET is_critical = true WHERE state = 'missed'")
        heard = []
        while (told := await stream.next()) is not None:
            heard.append(told.data)
            if told.event == "item" and told.data["data"].get("is_critical"):
                # The last right is gone: so is the stream.
                await force("UPDATE identity_grant SET revoked_at = starts_at")
        assert any(item.get("kind") == "visit_missed" for item in heard)
        assert str(alarm.id) not in {item.get("id") for item in heard}
    async with reading() as connection:
        audited = await connection.scalar(
            sa.text("SELECT count(*) FROM core_audit_entry WHERE action = 'timeline:read' AND actor_id = :id"),
            {"id": lived.relative.id},
        )
    assert audited == 1


async def test_the_care_record_is_a_file_of_the_range(
    client: httpx.AsyncClient, lived: Lived, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.policies.journeys.timeline.views.export.CHUNK", 4)
    await identity.grant(lived.resident, lived.relative, ["check_ins:read", "alarms:read", "visits:read"])
    path = f"/v1/residents/{lived.resident.id}/timeline/record"
    headers = await sign_in(lived.relative)
    span = {"from": lived.start.isoformat(), "to": (lived.start + timedelta(days=1)).isoformat()}
    answer = await client.get(path, headers=headers, params=span)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/csv")
    header, *lines = list(csv.reader(io.StringIO(answer.text)))
    assert header == ["at", "time_zone", "kind", "id", "text", "data"]
    assert [line[2] for line in lines] == [
        "goal_judged",
        "goal_changed",
        "visit_missed",
        "visit_completed",
        "visit_started",
        "alarm_closed",
        "alarm_raised",
        "pause_ended",
        "pause_started",
        "check_in_missed",
        "check_in_answered",
    ]
    assert json.loads(lines[-1][5])["answer"] == "ok"
    async with reading() as connection:
        statement = sa.text("SELECT actor_id FROM core_audit_entry WHERE action = 'timeline:read'")
        assert list(await connection.scalars(statement)) == [lived.relative.id]
    earlier = {"from": (lived.start - timedelta(days=2)).isoformat(), "to": lived.start.isoformat()}
    assert len((await client.get(path, headers=headers, params=earlier)).text.splitlines()) == 1
    assert (await client.get(path, headers=headers)).status_code == 422
    long = {"from": (lived.start - timedelta(days=800)).isoformat(), "to": lived.start.isoformat()}
    assert (await client.get(path, headers=headers, params=long)).status_code == 422
