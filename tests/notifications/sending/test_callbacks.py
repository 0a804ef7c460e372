"""What the provider reports: receipts, late failures, calls without a key; forged, replayed, or ahead of our commit."""

import asyncio
import xml.etree.ElementTree as ET
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import sqlalchemy as sa

from app.core import clock as clocks
from app.core.database import reading, unit_of_work
from app.core.jobs import settle
from app.core.relay import RELAY_JOBS
from app.core.settings import HttpSettings, Settings, install_settings, settings
from app.identity.models import Account
from notifications.callbacks import jobs, rules
from notifications.callbacks.models import HANDLED, KEEP
from notifications.channels import twilio_links
from notifications.events import DeliverySettled
from notifications.sending import service
from notifications.sending.jobs import JOBS
from tests.factories.notifications import deliveries
from tests.notifications.notices import ALARM, REACH
from tests.notifications.sending.conftest import Scene
from tests.sinks import twilio
from tests.sinks.twilio import TwilioSink


async def states() -> dict[str, tuple[str, str | None]]:
    """Return state and error of each delivery by channel."""
    return {row.channel: (row.state, row.error) for row in await deliveries()}


async def delivery(channel: str) -> sa.Row[Any]:
    (row,) = [row for row in await deliveries() if row.channel == channel]
    return row


def words(spoken: ET.Element) -> list[str]:
    return [str(say.text) for say in spoken.iter("Say")]


async def test_a_delivered_message_has_a_receipt_of_its_first_report(
    client: httpx.AsyncClient, scene: Scene, provider: TwilioSink, clock: clocks.ManualClock
) -> None:
    await scene.tell(ALARM, channels=["sms"])
    await settle(JOBS)
    (message,) = provider.messages
    for status in ("queued", "sent", "delivered"):
        clock.advance(timedelta(seconds=2))
        assert (await provider.message_status(client, message, status)).status_code == 204
    at = clock.now()
    clock.advance(timedelta(seconds=2))
    assert (await provider.message_status(client, message, "delivered")).status_code == 204
    row = await delivery("sms")
    assert (row.state, row.delivered_at, row.opened_at) == ("sent", at, None)


async def test_what_comes_to_nothing_after_all_falls_back_once_and_is_told(
    client: httpx.AsyncClient, scene: Scene, provider: TwilioSink, told: list[DeliverySettled]
) -> None:
    await scene.tell(REACH, "reach")
    await settle((*JOBS, *RELAY_JOBS))
    (message,) = provider.messages
    for _ in range(2):
        await provider.message_status(client, message, "undelivered", ErrorCode="30003")
    await settle((*JOBS, *RELAY_JOBS))
    assert await states() == {"sms": ("failed", "30003"), "voice": ("sent", None)}
    assert [(event.channel, event.outcome, event.is_final) for event in told] == [
        ("sms", "sent", False),
        ("sms", "failed", False),
        ("voice", "sent", True),
    ]


async def test_a_failure_of_an_earlier_try_is_not_the_deliverys(
    client: httpx.AsyncClient, scene: Scene, provider: TwilioSink
) -> None:
    await scene.tell(ALARM, channels=["sms"])
    await settle(JOBS)
    (message,) = provider.messages
    await provider.message_status(client, message | {"sid": "SM" + "9" * 32}, "failed")
    assert await states() == {"sms": ("sent", None)}


async def test_a_report_that_overtakes_our_commit_settles_the_delivery(
    client: httpx.AsyncClient, scene: Scene, provider: TwilioSink, told: list[DeliverySettled]
) -> None:
    await scene.tell(ALARM, channels=["sms"])
    provider.behave = lambda _: twilio.TAKEN_THEN_HANGS
    flight = asyncio.create_task(service.fly("critical", await service.claim("critical", 50)))
    await provider.wait_for(1)
    (message,) = provider.messages
    await provider.message_status(client, message, "delivered")
    provider.release()
    await flight
    row = await delivery("sms")
    assert (row.state, row.provider_message_id, row.attempts) == ("sent", message["sid"], 1)
    await settle((*JOBS, *RELAY_JOBS))
    assert provider.attempts == 1
    assert [(event.outcome, event.is_final) for event in told] == [("sent", False), ("delivered", True)]


async def test_a_message_nobody_knew_of_is_not_sent_again_once_it_is_reported(
    client: httpx.AsyncClient, scene: Scene, provider: TwilioSink, clock: clocks.ManualClock
) -> None:
    provider.behave = lambda _: twilio.TAKEN_THEN_RESET
    await scene.tell(ALARM, "alarm", channels=["sms"])
    await settle(JOBS)
    assert (await delivery("sms")).state == "queued"
    (message,) = provider.messages
    await provider.message_status(client, message, "sent")
    clock.advance(timedelta(minutes=5))
    await settle(JOBS)
    assert (await delivery("sms")).state == "sent"
    assert provider.attempts == 1


@pytest.mark.parametrize("how", ["unsigned", "forged", "other parameters", "other address", "not our link"])
async def test_who_is_not_the_provider_changes_nothing(
    client: httpx.AsyncClient, scene: Scene, provider: TwilioSink, how: str
) -> None:
    await scene.tell(ALARM, channels=["sms"])
    await settle(JOBS)
    (message,) = provider.messages
    form = {"MessageSid": message["sid"], "MessageStatus": "failed"}
    url = message["StatusCallback"]
    match how:
        case "unsigned":
            parts = urlsplit(url)
            response = await client.post(f"{parts.path}?{parts.query}", data=form)
        case "forged":
            response = await provider.report(client, url, form, signature=twilio.sign(url, form, "another token"))
        case "other parameters":
            signature = twilio.sign(url, {**form, "MessageStatus": "sent"})
            response = await provider.report(client, url, form, signature=signature)
        case "other address":
            signature = twilio.sign(url.replace("127.0.0.1", "example.org"), form)
            response = await provider.report(client, url, form, signature=signature)
        case _:
            response = await provider.report(client, url.partition("?")[0] + "?signature=x", form)
    assert response.status_code == (404 if how == "not our link" else 403)
    assert await states() == {"sms": ("sent", None)}


async def test_without_a_provider_nobody_may_report(client: httpx.AsyncClient, scene: Scene) -> None:
    url = twilio_links.url("messages", clocks.new_id())
    parts = urlsplit(url)
    form = {"MessageStatus": "failed"}
    headers = {"X-Twilio-Signature": twilio.sign(url, form, "")}
    response = await client.post(f"{parts.path}?{parts.query}", data=form, headers=headers)
    assert response.status_code == 403


@pytest.mark.parametrize(
    ("public_url", "signed"),
    [
        ("https://hearthline.example", "https://hearthline.example:443"),
        ("https://hearthline.example:8443", "https://hearthline.example"),
        ("https://hearthline.example/house", "https://hearthline.example/house"),
    ],
)
async def test_the_public_address_is_what_is_signed_with_or_without_its_port(
    client: httpx.AsyncClient, scene: Scene, provider: TwilioSink, public_url: str, signed: str
) -> None:
    before = settings()
    install_settings(before.model_copy(update={"http": HttpSettings(public_url=public_url)}))
    await scene.tell(ALARM, channels=["sms"])
    await settle(JOBS)
    (message,) = provider.messages
    address = message["StatusCallback"]
    assert address.startswith(f"{public_url}/v1/callbacks/twilio/messages/")
    form = {"MessageSid": message["sid"], "MessageStatus": "delivered"}
    signature = twilio.sign(address.replace(public_url, signed), form)
    inside = address.replace(public_url, "http://inside")
    assert (await provider.report(client, inside, form, signature=signature)).status_code == 204


async def test_a_call_says_its_text_three_times_and_goodbye(
    client: httpx.AsyncClient, scene: Scene, provider: TwilioSink
) -> None:
    await scene.tell(REACH, "reach", channels=["voice"])
    await settle(JOBS)
    (call,) = provider.calls
    spoken = await provider.pick_up(client, call)
    text = "Grace & co. ask you to call. Press 1 if you have heard this."
    assert words(spoken) == [text] * 3 + ["Goodbye."]
    assert [child.tag for child in spoken] == ["Gather", "Gather", "Gather", "Say", "Hangup"]
    assert {gather.attrib["numDigits"] for gather in spoken.iter("Gather")} == {"1"}
    assert {say.attrib["language"] for say in spoken.iter("Say")} == {"en-US"}
    async with unit_of_work() as session:
        await session.execute(sa.update(Account).where(sa.column("name") == "Ada").values(language="zh-CN"))
    spoken = await provider.pick_up(client, call)
    assert words(spoken)[-1] == "再见。"
    assert {say.attrib["language"] for say in spoken.iter("Say")} == {"zh-CN"}


async def test_a_pressed_key_is_a_receipt_and_another_one_has_the_text_said_again(
    client: httpx.AsyncClient, scene: Scene, provider: TwilioSink, clock: clocks.ManualClock
) -> None:
    await scene.tell(REACH, "reach", channels=["voice", "mail"])
    await settle(JOBS)
    (call,) = provider.calls
    spoken = await provider.pick_up(client, call)
    again = await provider.press(client, call, spoken, "5")
    assert words(again) == words(spoken)
    assert (await delivery("voice")).opened_at is None
    ended = await provider.press(client, call, again, "1")
    assert (words(ended), ended[-1].tag) == (["Thank you."], "Hangup")
    await provider.hang_up(client, call)
    await settle(JOBS)
    assert await states() == {"voice": ("sent", None)}
    assert (await delivery("voice")).opened_at == clock.now()


@pytest.mark.parametrize(
    ("status", "error"),
    [("completed", "no_key"), ("busy", "busy"), ("no-answer", "no_answer"), ("failed", "failed")],
)
async def test_a_call_without_a_key_has_reached_nobody(
    client: httpx.AsyncClient,
    scene: Scene,
    provider: TwilioSink,
    told: list[DeliverySettled],
    status: str,
    error: str,
) -> None:
    await scene.tell(REACH, "reach", channels=["voice", "mail"])
    await settle(JOBS)
    (call,) = provider.calls
    await provider.pick_up(client, call)
    for _ in range(2):
        await provider.hang_up(client, call, status)
    await settle((*JOBS, *RELAY_JOBS))
    assert await states() == {"voice": ("failed", error), "mail": ("sent", None)}
    assert [(event.channel, event.outcome, event.is_final) for event in told if event.channel == "voice"] == [
        ("voice", "sent", True),
        ("voice", "failed", False),
    ]


@pytest.mark.parametrize("machine", ["machine_start", "machine_end_beep", "fax"])
async def test_voicemail_is_told_nothing_and_its_tones_are_no_keys(
    client: httpx.AsyncClient, scene: Scene, provider: TwilioSink, machine: str
) -> None:
    await scene.tell(REACH, "reach", channels=["voice"])
    await settle(JOBS)
    (call,) = provider.calls
    spoken = await provider.pick_up(client, call, AnsweredBy="human")
    assert [child.tag for child in await provider.pick_up(client, call, AnsweredBy=machine)] == ["Hangup"]
    ended = await provider.press(client, call, spoken, "1", AnsweredBy=machine)
    assert [child.tag for child in ended] == ["Hangup"]
    await provider.hang_up(client, call)
    assert await states() == {"voice": ("failed", "no_key")}


async def test_a_call_that_is_unknown_or_no_call_says_nothing(
    client: httpx.AsyncClient, scene: Scene, provider: TwilioSink
) -> None:
    await scene.tell(ALARM, channels=["sms"])
    await settle(JOBS)
    for delivery_id in (clocks.new_id(), (await delivery("sms")).id):
        url = twilio_links.url("calls", delivery_id, "speech")
        assert (await provider.report(client, url, {"CallSid": "CA1"})).status_code == 404


async def test_what_was_handled_is_forgotten_when_its_time_is_over(
    client: httpx.AsyncClient, scene: Scene, provider: TwilioSink, clock: clocks.ManualClock, test_settings: Settings
) -> None:
    url = f"{test_settings.http.public_url}{twilio_links.PREFIX}/replies"
    await provider.report(client, url, {"MessageSid": "SM1", "From": "+8613800000001", "Body": "hello"})
    assert await jobs.forget_handled() == 0
    clock.advance(KEEP)
    assert await jobs.forget_handled() == 1
    async with reading() as connection:
        assert not (await connection.execute(sa.select(HANDLED))).all()


def test_the_signature_is_the_documented_one() -> None:
    # The worked example of "Secure webhooks" in the provider's documentation.
    form = {
        "CallSid": "CA1234567890ABCDE",
        "Caller": "+12349013030",
        "Digits": "1234",
        "From": "+12349013030",
        "To": "+18005551212",
    }
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    assert rules.signature("12345", url, form.items()) == "0/KCTR6DLpKmkAf8muzZqo1nDgQ="


def test_what_nobody_can_pronounce_is_left_out() -> None:
    spoken = rules.last_words("a\x0b<b>\ud800", "en")
    assert words(ET.fromstring(spoken)) == ["a<b>"]
