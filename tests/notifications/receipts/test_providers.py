"""Who can confirm, and what a provider reports of a text message: arrived, failed, or nothing in time."""

from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from app.core import clock as clocks
from app.core.database import unit_of_work
from app.core.jobs import settle
from app.core.relay import RELAY_JOBS
from notifications.api import replay
from notifications.channels import registry
from notifications.channels.ports import Message, Outcome, PushAddress
from notifications.events import DeliverySettled
from notifications.receipts import jobs
from notifications.sending import service
from notifications.sending.jobs import JOBS
from tests.factories.notifications import deliveries
from tests.notifications.notices import REACH
from tests.notifications.sending.conftest import Scene
from tests.notifications.sending.test_settlement import LEASE
from tests.sinks import twilio
from tests.sinks.twilio import Form, TwilioSink

ALL = (*JOBS, *jobs.JOBS, *RELAY_JOBS)
PATIENT = REACH.patience or timedelta()


async def states() -> dict[str, tuple[str, str | None]]:
    """Return state and error of each delivery by channel."""
    return {row.channel: (row.state, row.error) for row in await deliveries()}


async def bare_states() -> dict[str, str]:
    return {channel: state for channel, (state, _) in (await states()).items()}


async def texted(scene: Scene, provider: TwilioSink) -> Form:
    """Send a text message that a call follows if nobody confirms it, and return what the provider took."""
    await scene.tell(REACH, "reach")
    await settle(ALL)
    (message,) = provider.messages
    return message


def test_a_push_is_confirmed_by_the_phones_that_took_it() -> None:
    known, other = (PushAddress(clocks.new_id(), provider, "android") for provider in ("webpush", "other"))
    message = Message(
        delivery_id=clocks.new_id(),
        notice_id=clocks.new_id(),
        notice_key=REACH.key,
        community_id=clocks.new_id(),
        account_id=clocks.new_id(),
        recipient_name="Ada",
        category="tests",
        urgency="high",
        channel="push",
        title=None,
        body="",
        language="en",
        collapse_key="reach",
        expires_at=clocks.now(),
        installations=(known, other),
    )
    both = Outcome(message.delivery_id, "sent", taken=(other.installation_id, known.installation_id))
    assert registry.confirms(message, both)
    assert registry.confirming_phones(message, both) == [known.installation_id]
    assert not registry.confirms(message, replace(both, taken=(other.installation_id,)))


async def test_a_text_message_that_is_reported_as_delivered_is_the_end_of_it(
    client: httpx.AsyncClient,
    scene: Scene,
    provider: TwilioSink,
    clock: clocks.ManualClock,
    told: list[DeliverySettled],
) -> None:
    message = await texted(scene, provider)
    assert [row.receipt_by for row in await deliveries()] == [clock.now() + PATIENT]
    await provider.message_status(client, message, "delivered")
    clock.advance(PATIENT)
    await settle(ALL)
    assert await states() == {"sms": ("sent", None)}
    assert [(event.outcome, event.is_final) for event in told] == [("sent", False), ("delivered", True)]


async def test_nobody_waits_for_the_receipt_of_a_call(
    scene: Scene, provider: TwilioSink, clock: clocks.ManualClock
) -> None:
    await scene.tell(REACH, "reach", channels=["voice", "mail"])
    await settle(ALL)
    assert [(row.channel, row.state, row.receipt_by) for row in await deliveries()] == [("voice", "sent", None)]


@pytest.mark.parametrize("first", ["overdue", "undelivered"])
async def test_a_message_that_fails_and_is_overdue_is_followed_by_one_call(
    client: httpx.AsyncClient,
    scene: Scene,
    provider: TwilioSink,
    clock: clocks.ManualClock,
    told: list[DeliverySettled],
    first: str,
) -> None:
    message = await texted(scene, provider)
    if first == "undelivered":
        await provider.message_status(client, message, "undelivered", ErrorCode="30003")
    clock.advance(PATIENT)
    await settle(ALL)
    await provider.message_status(client, message, "undelivered", ErrorCode="30003")
    await settle(ALL)
    ended = ("unconfirmed", "no_receipt") if first == "overdue" else ("failed", "30003")
    assert await states() == {"sms": ended, "voice": ("sent", None)}
    assert len(await deliveries()) == 2
    assert [(event.channel, event.outcome, event.is_final) for event in told] == [
        ("sms", "sent", False),
        ("sms", ended[0], False),
        ("voice", "sent", True),
    ]


async def test_a_failure_after_a_late_receipt_is_no_failure(
    client: httpx.AsyncClient, scene: Scene, provider: TwilioSink, clock: clocks.ManualClock
) -> None:
    message = await texted(scene, provider)
    clock.advance(PATIENT)
    await settle(ALL)
    await provider.message_status(client, message, "delivered")
    await provider.message_status(client, message, "undelivered", ErrorCode="30003")
    await settle(ALL)
    assert await states() == {"sms": ("sent", "no_receipt"), "voice": ("sent", None)}
    assert len(await deliveries()) == 2


async def test_who_learns_only_from_a_report_that_it_was_taken_waits_from_then_on(
    client: httpx.AsyncClient,
    scene: Scene,
    provider: TwilioSink,
    clock: clocks.ManualClock,
    told: list[DeliverySettled],
) -> None:
    provider.behave = lambda _: twilio.TAKEN_THEN_RESET
    await scene.tell(REACH, "reach", channels=["sms", "mail"])
    await service.fly("high", await service.claim("high", 50))
    (message,) = provider.messages
    assert await bare_states() == {"sms": "parked", "mail": "queued"}
    clock.advance(timedelta(seconds=5))
    await provider.message_status(client, message, "sent")
    (sms,) = [row for row in await deliveries() if row.channel == "sms"]
    assert (sms.state, sms.receipt_by) == ("sent", clock.now() + PATIENT)
    clock.advance(PATIENT)
    await settle(ALL)
    assert await bare_states() == {"sms": "unconfirmed", "mail": "sent"}
    assert len(await deliveries()) == 2
    assert [(event.outcome, event.is_final) for event in told if event.channel == "sms"] == [
        ("failed", False),
        ("sent", False),
        ("unconfirmed", False),
    ]


async def test_what_is_sent_after_all_has_been_replaced_already(
    scene: Scene, provider: TwilioSink, clock: clocks.ManualClock
) -> None:
    (delivery_id,) = await scene.tell(REACH, "reach", channels=["sms", "mail"])
    await service.claim("high", 50)
    clock.advance(LEASE)
    await settle(ALL)
    assert await bare_states() == {"sms": "parked", "mail": "sent"}
    async with unit_of_work() as session:
        await replay(session, [delivery_id])
    await settle(ALL)
    clock.advance(PATIENT)
    await settle(ALL)
    assert await bare_states() == {"sms": "unconfirmed", "mail": "sent"}
    assert len(await deliveries()) == 2
