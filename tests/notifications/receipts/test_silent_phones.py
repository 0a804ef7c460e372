"""Phones that confirm nothing: a day later they count as unreachable, until they are heard of again."""

from dataclasses import replace
from datetime import datetime, timedelta

import httpx
import sqlalchemy as sa

from app.core import clock as clocks
from app.core.database import reading, unit_of_work
from app.core.jobs import settle
from app.core.tables import table_of
from app.identity.installations.models import Installation
from notifications.api import Notice
from notifications.receipts.jobs import JOBS as RECEIPT_JOBS
from notifications.receipts.service import record_receipt
from notifications.sending import service
from notifications.sending.jobs import JOBS
from notifications.sending.rules import SILENT_AFTER
from tests.factories.notifications import deliveries, phone
from tests.factories.sign_in import sign_in
from tests.notifications.notices import ALARM, PROMPT
from tests.notifications.sending.conftest import Scene
from tests.sinks import fcm
from tests.sinks.fcm import FcmSink

CALL = replace(ALARM, key="tests_once.alarm", mode="first")


async def unconfirmed() -> dict[str, datetime | None]:
    """Return since when each phone has left its pushes unconfirmed."""
    async with reading() as connection:
        phones = table_of(Installation)
        rows = await connection.execute(sa.select(phones.c.client_id, phones.c.unconfirmed_since))
        return {row[0]: row[1] for row in rows}


async def push(scene: Scene, key: str, notice: Notice = ALARM) -> None:
    await scene.tell(notice, key)
    await settle(JOBS)


async def test_a_phone_owes_a_receipt_from_its_first_push_on(
    scene: Scene, sink: FcmSink, clock: clocks.ManualClock
) -> None:
    await phone(scene.relative, fid="good")
    await phone(scene.relative, fid="refusing")
    sink.behave = lambda message: fcm.UNAVAILABLE if message["fid"] == "refusing" else None
    first = clock.now()
    await push(scene, "alarm:1")
    clock.advance(timedelta(hours=1))
    await push(scene, "alarm:2")
    assert await unconfirmed() == {"good": first, "refusing": None}


async def test_a_silent_phone_is_skipped_where_another_is_heard_of(
    scene: Scene, sink: FcmSink, clock: clocks.ManualClock
) -> None:
    await phone(scene.relative, fid="silent")
    await push(scene, "prompt:1", PROMPT)
    await phone(scene.relative, fid="new")
    clock.advance(SILENT_AFTER - timedelta(seconds=1))
    await push(scene, "prompt:2", PROMPT)
    assert sorted(message["fid"] for message in sink.messages) == ["new", "silent", "silent"]
    clock.advance(timedelta(seconds=1))
    await push(scene, "prompt:3", PROMPT)
    assert sorted(message["fid"] for message in sink.messages) == ["new", "new", "silent", "silent"]


async def test_what_is_critical_leaves_no_phone_out(scene: Scene, sink: FcmSink, clock: clocks.ManualClock) -> None:
    await phone(scene.relative, fid="silent")
    await push(scene, "alarm:1")
    await phone(scene.relative, fid="new")
    clock.advance(SILENT_AFTER)
    await push(scene, "alarm:2")
    assert sorted(message["fid"] for message in sink.messages) == ["new", "silent", "silent"]


async def test_what_is_critical_goes_to_silent_phones_and_the_next_channel_at_once(
    scene: Scene, sink: FcmSink, clock: clocks.ManualClock
) -> None:
    await phone(scene.relative, fid="silent")
    await push(scene, "alarm:1")
    clock.advance(SILENT_AFTER)
    await push(scene, "urgent", CALL)
    await settle((*JOBS, *RECEIPT_JOBS))
    found = {row.channel: (row.state, row.error) for row in await deliveries() if row.dedupe_key == "urgent"}
    assert found == {"push": ("unconfirmed", "no_receipt"), "sms": ("sent", None)}
    assert len(sink.messages) == 2


async def test_to_silent_phones_alone_the_next_channel_is_used_at_once(
    scene: Scene, sink: FcmSink, clock: clocks.ManualClock
) -> None:
    await phone(scene.relative, fid="silent")
    await push(scene, "alarm:1")
    clock.advance(SILENT_AFTER)
    await push(scene, "prompt", PROMPT)
    found = {row.channel: (row.state, row.error) for row in await deliveries() if row.dedupe_key == "prompt"}
    assert found == {"push": ("failed", "phones_silent"), "sms": ("sent", None)}
    assert len(sink.messages) == 1


async def test_a_silent_phone_is_still_tried_where_no_other_channel_follows(
    scene: Scene, sink: FcmSink, clock: clocks.ManualClock
) -> None:
    await phone(scene.relative, fid="silent")
    await push(scene, "alarm:1")
    clock.advance(SILENT_AFTER)
    await push(scene, "alarm:2")
    assert len(sink.messages) == 2


async def test_a_phone_is_heard_of_by_a_receipt_and_by_its_app_being_used(
    client: httpx.AsyncClient, scene: Scene, sink: FcmSink, clock: clocks.ManualClock
) -> None:
    tablet, mobile = await sign_in(scene.relative), await sign_in(scene.relative)
    description = {"platform": "android", "app_version": "1.0.0", "language": "en"}
    for headers, name in ((tablet, "fid-tablet"), (mobile, "fid-mobile")):
        answer = await client.put(f"/v1/me/installations/{name}", headers=headers, json=description | {"fid": name})
        assert answer.status_code == 200
    await push(scene, "alarm:1")
    sent_at = clock.now()
    assert await unconfirmed() == {"fid-tablet": sent_at, "fid-mobile": sent_at}
    receipt = {"delivery_id": sink.messages[0]["data"]["delivery_id"], "kind": "delivered"}
    await client.post("/v1/me/receipts", headers=mobile, json={"receipts": [receipt]})
    assert await unconfirmed() == {"fid-tablet": sent_at, "fid-mobile": None}
    await client.put("/v1/me/installations/fid-tablet", headers=tablet, json=description | {"fid": "fid-tablet"})
    assert await unconfirmed() == {"fid-tablet": None, "fid-mobile": None}


async def test_a_receipt_of_anothers_push_says_nothing_of_the_phone(
    client: httpx.AsyncClient, scene: Scene, sink: FcmSink
) -> None:
    headers = await sign_in(scene.relative)
    description = {"platform": "android", "app_version": "1.0.0", "language": "en", "fid": "fid-ada-1"}
    await client.put("/v1/me/installations/fid-ada-1", headers=headers, json=description)
    await push(scene, "alarm:1")
    before = await unconfirmed()
    receipt = {"delivery_id": str(scene.resident.id), "kind": "delivered"}
    await client.post("/v1/me/receipts", headers=headers, json={"receipts": [receipt]})
    assert await unconfirmed() == before
    assert None not in before.values()


async def test_a_push_that_was_confirmed_before_we_noted_it_leaves_no_debt(
    scene: Scene, sink: FcmSink, clock: clocks.ManualClock
) -> None:
    await phone(scene.relative, fid="quick")
    (push_id, *_) = await scene.tell(PROMPT, "prompt")
    claimed = await service.claim("high", 50)
    async with unit_of_work() as session:
        await record_receipt(session, push_id, "delivered", clock.now())
    await service.fly("high", claimed)
    assert await unconfirmed() == {"quick": None}
