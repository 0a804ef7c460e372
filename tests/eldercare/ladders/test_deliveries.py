"""What a ladder learns from its deliveries."""

import uuid
from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest
import sqlalchemy as sa

from app.core import events
from app.core.clock import ManualClock
from app.core.database import unit_of_work
from app.core.events import emit
from app.core.relay import relay_once
from eldercare.alarms.models import AlarmKind, Severity
from eldercare.ladders.subscribers import SUBSCRIBERS
from eldercare.response.service import acknowledge, resolve
from notifications.events import DeliverySettled, Outcome
from tests.factories import eldercare_alarms as alarms
from tests.factories.sign_in import sign_in

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture(autouse=True)
def only_ours() -> Iterator[None]:
    previous = events.install_subscribers(SUBSCRIBERS)
    yield
    events.install_subscribers(previous)


async def settle_all(
    alarm_id: uuid.UUID,
    outcomes: dict[str, Outcome],
    community_id: uuid.UUID,
    *,
    is_final: bool = True,
    of: uuid.UUID | None = None,
) -> None:
    """Tell what became of the alarm's deliveries (to an account) by channel, as the delivery workers would."""
    async with unit_of_work() as session:
        rows = await session.execute(
            sa.text("SELECT id, channel, account_id, notice_id FROM notifications_delivery WHERE origin_id = :id"),
            {"id": alarm_id},
        )
        for row in (found for found in rows.all() if found.channel in outcomes and of in (None, found.account_id)):
            await emit(
                session,
                DeliverySettled(
                    aggregate_id=alarm_id,
                    community_id=community_id,
                    delivery_id=row.id,
                    notice_id=row.notice_id,
                    account_id=row.account_id,
                    origin_kind="eldercare.alarm",
                    notice_key="eldercare.alarm_step",
                    channel=row.channel,
                    outcome=outcomes[row.channel],
                    is_final=is_final,
                ),
            )
    while await relay_once():
        pass


async def test_a_step_of_which_nothing_arrived_is_left_at_once(clock: ManualClock) -> None:
    scene = await alarms.scene()
    alarm = await alarms.raised(scene.resident)
    await alarms.climb()
    clock.advance(timedelta(seconds=3))

    await settle_all(alarm.id, {"push": "failed", "sms": "expired"}, scene.community.id)

    assert (await alarms.current(alarm)).next_step_at == clock.now()
    await alarms.climb()
    assert [account for _, _, account in await alarms.told(alarm)] == [person.id for person in scene.circle]


async def test_one_that_arrived_is_enough_to_wait(clock: ManualClock) -> None:
    scene = await alarms.scene()
    alarm = await alarms.raised(scene.resident)
    await alarms.climb()
    clock.advance(timedelta(seconds=3))

    await settle_all(alarm.id, {"push": "failed", "sms": "sent"}, scene.community.id)

    assert (await alarms.current(alarm)).next_step_at == alarms.later(57)
    outcomes = "SELECT string_agg(channel || ' ' || outcome, ', ' ORDER BY channel) FROM eldercare_alarm_notice"
    assert await alarms.scalar(outcomes) == "push failed, sms sent"


async def test_a_desk_that_is_not_reached_is_tried_again_in_its_time(clock: ManualClock) -> None:
    scene = await alarms.scene(circle=0)
    alarm = await alarms.raised(scene.resident)
    await alarms.climb()

    await settle_all(alarm.id, {"push": "failed", "sms": "failed"}, scene.community.id)

    assert (await alarms.current(alarm)).next_step_at == alarms.later(60)
    assert (await alarms.kinds(alarm))[-1] == "unreached"


async def test_where_the_desk_is_not_reached_the_whole_circle_is_told(clock: ManualClock) -> None:
    scene = await alarms.scene(circle=1)
    alarm = await alarms.raised(scene.resident)
    for seconds in (0, 60, 90):
        clock.advance(timedelta(seconds=seconds))
        await alarms.climb()
    assert (await alarms.told(alarm))[-1] == (1, 4, scene.desk.id)

    await settle_all(alarm.id, {"push": "failed", "sms": "failed"}, scene.community.id)

    assert (await alarms.told(alarm))[-1] == (1, 4, scene.circle[0].id)
    assert (await alarms.current(alarm)).next_step_at == alarms.later(60)


async def test_a_first_contact_who_cannot_be_reached_is_left_at_once_though_who_is_on_the_way_can(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await alarms.scene(circle=3)
    first, second, neighbour = scene.circle
    smaller = await alarms.raised(scene.resident)
    async with unit_of_work() as session:
        await acknowledge(session, alarms.actor_of(neighbour), smaller.id)
    sos = await alarms.raised(scene.resident, kind=AlarmKind.SOS, severity=Severity.CRITICAL)
    await alarms.climb()
    assert {person for _, _, person in await alarms.told(sos)} == {first.id, neighbour.id, scene.desk.id}
    for near in (neighbour, scene.desk):
        await settle_all(sos.id, {"push": "delivered", "sms": "delivered"}, scene.community.id, of=near.id)
    clock.advance(timedelta(seconds=3))
    await settle_all(sos.id, {"push": "failed"}, scene.community.id, of=first.id)
    assert (await alarms.current(sos)).next_step_at == alarms.later(57), "a message may still arrive"

    await settle_all(sos.id, {"sms": "failed"}, scene.community.id, of=first.id)

    assert (await alarms.kinds(sos))[-1] == "unreached"
    assert (await alarms.current(sos)).next_step_at == clock.now()
    await alarms.climb()
    assert (await alarms.told(sos))[-1] == (1, 2, second.id)
    # Nobody is dropped: who is on the way is told of still, and what comes of the alarm they hear.
    item, *_ = (await client.get("/v1/duty-desk/queue", headers=await sign_in(scene.desk))).json()["items"]
    assert {one["account_id"] for one in item["told_now"]} == {str(one.id) for one in (neighbour, scene.desk, second)}
    async with unit_of_work() as session:
        await resolve(session, alarms.actor_of(second), sos.id, outcome="helped", note=None)
    assert ("eldercare.alarm_closed", f"alarm:{sos.id}:closed") in await alarms.notices_of(neighbour)


async def test_that_somebody_on_the_way_cannot_be_reached_skips_no_contact(clock: ManualClock) -> None:
    scene = await alarms.scene(circle=2)
    _, neighbour = scene.circle
    smaller = await alarms.raised(scene.resident)
    async with unit_of_work() as session:
        await acknowledge(session, alarms.actor_of(neighbour), smaller.id)
    sos = await alarms.raised(scene.resident, kind=AlarmKind.SOS, severity=Severity.CRITICAL)
    await alarms.climb()
    for far in (neighbour, scene.desk):
        await settle_all(sos.id, {"push": "failed", "sms": "failed"}, scene.community.id, of=far.id)
    assert (await alarms.current(sos)).next_step_at == alarms.later(60)
    assert "unreached" not in await alarms.kinds(sos)


async def outcomes() -> str:
    statement = "SELECT string_agg(channel || ' ' || outcome, ', ' ORDER BY channel) FROM eldercare_alarm_notice"
    return str(await alarms.scalar(statement))


async def test_a_push_that_was_sent_counts_until_its_receipt_is_overdue(clock: ManualClock) -> None:
    scene = await alarms.scene()
    alarm = await alarms.raised(scene.resident)
    await alarms.climb()

    await settle_all(alarm.id, {"push": "sent"}, scene.community.id, is_final=False)
    assert await outcomes() == "push sent"
    await settle_all(alarm.id, {"sms": "failed"}, scene.community.id)
    assert (await alarms.current(alarm)).next_step_at == alarms.later(60)
    clock.advance(timedelta(seconds=20))
    await settle_all(alarm.id, {"push": "unconfirmed"}, scene.community.id)

    assert (await alarms.current(alarm)).next_step_at == clock.now()
    assert await outcomes() == "push unconfirmed, sms failed"
    assert (await alarms.kinds(alarm))[-1] == "unreached"


@pytest.mark.parametrize("other", ["delivered", "sent"])
async def test_who_is_reached_another_way_is_given_the_whole_time(clock: ManualClock, other: Outcome) -> None:
    scene = await alarms.scene()
    alarm = await alarms.raised(scene.resident)
    await alarms.climb()
    clock.advance(timedelta(seconds=20))

    await settle_all(alarm.id, {"sms": other}, scene.community.id)
    await settle_all(alarm.id, {"push": "unconfirmed"}, scene.community.id)

    assert (await alarms.current(alarm)).next_step_at == alarms.later(40)
    assert await outcomes() == f"push unconfirmed, sms {other}"


async def test_what_is_learned_of_an_earlier_step_changes_nothing(clock: ManualClock) -> None:
    scene = await alarms.scene(circle=0)
    alarm = await alarms.raised(scene.resident)
    await alarms.climb()
    await settle_all(alarm.id, {"push": "failed", "sms": "failed"}, scene.community.id)
    lines = len(await alarms.kinds(alarm))
    earlier = "UPDATE eldercare_alarm SET round = round + 1"
    notice = "UPDATE eldercare_alarm_notice SET delivery_id = NULL, round = round + 1 WHERE channel = 'sms'"
    async with unit_of_work() as session:
        for statement in (earlier, notice):
            await session.execute(sa.text(statement))

    await settle_all(alarm.id, {"push": "unconfirmed", "sms": "failed"}, scene.community.id)

    assert len(await alarms.kinds(alarm)) == lines
