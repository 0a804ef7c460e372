"""Push alone completes no step: where no phone says that it has one, the next people are told."""

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
import pytest_asyncio

from app.core import events
from app.core.clock import ManualClock
from app.core.database import Database, unit_of_work
from app.core.jobs import settle
from app.core.relay import RELAY_JOBS
from app.core.sending_settings import PushSettings
from app.core.settings import Settings, install_settings
from eldercare.ladders import jobs as ladders
from eldercare.ladders.subscribers import SUBSCRIBERS
from notifications.channels.registry import close_channels
from notifications.receipts import jobs as receipts
from notifications.receipts.service import record_receipt
from notifications.sending import jobs as sending
from notifications.templates.notices import PATIENCE
from tests.factories import eldercare_alarms as alarms
from tests.factories.notifications import phone
from tests.sinks.fcm import PROJECT, FcmSink, fcm_sink

pytestmark = pytest.mark.usefixtures("database", "only_ours")

JOBS = (*ladders.JOBS, *sending.JOBS, *receipts.JOBS, *RELAY_JOBS)
PATIENT = PATIENCE["critical"] or timedelta()
STEP = {"wait_seconds": 60, "channels": ["push", "inbox"]}


@pytest.fixture
def only_ours() -> Iterator[None]:
    previous = events.install_subscribers(SUBSCRIBERS)
    yield
    events.install_subscribers(previous)


@pytest_asyncio.fixture(loop_scope="session")
async def sink(test_settings: Settings, tmp_path: Path) -> AsyncIterator[FcmSink]:
    """Run a loopback FCM and make it this process's push provider."""
    await close_channels()
    async with fcm_sink() as running:
        credentials = running.write_credentials(tmp_path)
        push = PushSettings(
            providers=("fcm",),
            fcm_project=PROJECT,
            fcm_endpoint=running.url,
            fcm_credentials=credentials,
            fcm_timeout=0.3,
        )
        install_settings(test_settings.model_copy(update={"push": push}))
        yield running
        install_settings(test_settings)
        await close_channels()


@pytest_asyncio.fixture(loop_scope="session")
async def scene(database: Database, clock: ManualClock) -> alarms.Scene:
    """Return a resident whose two relatives and desk have phones, and are told by push alone."""
    made = await alarms.scene(circle=2)
    for number, person in enumerate((*made.circle, made.desk), 1):
        await phone(person, fid=f"fid-{number}")
    targets: list[dict[str, object]] = [
        {"target_kind": "circle_member", "target_order": 1},
        {"target_kind": "circle_member", "target_order": 2},
        {"target_kind": "duty_desk"},
    ]
    await alarms.plan(made.resident, [target | STEP for target in targets])
    return made


async def test_without_a_receipt_the_ladder_goes_on_within_seconds(
    scene: alarms.Scene, sink: FcmSink, clock: ManualClock
) -> None:
    alarm = await alarms.raised(scene.resident)
    await settle(JOBS)
    assert [message["fid"] for message in sink.messages] == ["fid-1"]
    clock.advance(PATIENT)
    await settle(JOBS)
    assert [message["fid"] for message in sink.messages] == ["fid-1", "fid-2"]
    clock.advance(PATIENT)
    await settle(JOBS)
    assert [message["fid"] for message in sink.messages][:3] == ["fid-1", "fid-2", "fid-3"]
    assert (await alarms.kinds(alarm))[:6] == ["raised", "told", "unreached", "told", "unreached", "told"]


async def test_with_a_receipt_the_person_has_the_whole_time_and_not_more(
    scene: alarms.Scene, sink: FcmSink, clock: ManualClock
) -> None:
    alarm = await alarms.raised(scene.resident)
    raised_at = clock.now()
    await settle(JOBS)
    (told,) = sink.messages
    clock.advance(timedelta(seconds=5))
    async with unit_of_work() as session:
        await record_receipt(session, UUID(told["data"]["delivery_id"]), "delivered", clock.now())
    clock.advance(PATIENT)
    await settle(JOBS)
    assert len(sink.messages) == 1
    clock.set(raised_at + timedelta(seconds=60))
    await settle(JOBS)
    assert len(sink.messages) == 2
    assert await alarms.kinds(alarm) == ["raised", "told", "told"]


async def test_a_desk_whose_phones_confirm_nothing_is_not_all_that_is_told(
    scene: alarms.Scene, sink: FcmSink, clock: ManualClock
) -> None:
    alarm = await alarms.raised(scene.resident)
    for _ in range(4):
        await settle(JOBS)
        clock.advance(PATIENT)
    assert (await alarms.told(alarm))[-2:] == [(1, 3, person.id) for person in scene.circle]
    await settle(JOBS)
    assert (await alarms.kinds(alarm))[-4:] == ["told", "unreached", "told", "unreached"]
    stored = await alarms.current(alarm)
    assert stored.next_step_at == alarms.later(20)
    clock.set(stored.next_step_at)
    await settle(JOBS)
    assert (await alarms.told(alarm))[-1] == (2, 3, scene.desk.id)
