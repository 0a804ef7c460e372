"""Text messages and calls through Twilio: the wire format, every refusal, and what each makes of the delivery."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from pydantic import SecretStr, ValidationError

from app.core import clock as clocks
from app.core.database import unit_of_work
from app.core.jobs import settle
from app.core.sending_settings import MessageSettings, TwilioSettings
from app.core.settings import HttpSettings, Settings
from app.identity.models import Account
from notifications.channels.registry import close_channels
from notifications.channels.twilio_messages import VALIDITY
from notifications.opt_outs.repository import opt_out
from notifications.sending import service
from notifications.sending.jobs import JOBS
from tests.factories.notifications import deliveries, outbox
from tests.notifications.notices import ALARM, PROMPT, REACH
from tests.notifications.sending.conftest import Scene
from tests.sinks import twilio
from tests.sinks.twilio import Reply, TwilioSink, twilio_provider

LEASE = timedelta(seconds=60)


async def became(channel: str) -> tuple[str, str | None, int]:
    """Return state, error and attempts of the only delivery over a channel."""
    (row,) = [row for row in await deliveries() if row.channel == channel]
    return row.state, row.error, row.attempts


async def test_a_text_message_is_what_the_provider_expects(scene: Scene, provider: TwilioSink) -> None:
    await scene.tell(expires_at=clocks.now() + timedelta(minutes=10))
    await settle(JOBS)
    (message,) = provider.messages
    (delivery,) = [row for row in await deliveries() if row.channel == "sms"]
    address = message.pop("StatusCallback")
    assert address.startswith(f"http://127.0.0.1:8000/v1/callbacks/twilio/messages/{delivery.id}?signature=")
    assert message == {
        "To": "+8613800000001",
        "From": twilio.NUMBER,
        "Body": "Grace needs you. Open the app.",
        "ValidityPeriod": "600",
        "sid": delivery.provider_message_id,
    }
    assert await became("sms") == ("sent", None, 1)


@pytest.mark.parametrize(("left", "validity"), [(timedelta(seconds=2), 0), (timedelta(days=3), 1)])
async def test_a_message_lives_no_longer_than_its_notice_and_as_the_provider_allows(
    scene: Scene, provider: TwilioSink, left: timedelta, validity: int
) -> None:
    await scene.tell(expires_at=clocks.now() + left)
    await settle(JOBS)
    assert provider.messages[0]["ValidityPeriod"] == str(VALIDITY[validity])


async def test_a_registered_template_gets_the_variables_by_name(scene: Scene, test_settings: Settings) -> None:
    templates = {"tests.reach": {"zh-CN": "HX" + "1" * 32}}
    async with twilio_provider(test_settings, templates=templates, messaging_service=twilio.SERVICE) as provider:
        await scene.tell(REACH, "english")
        await settle(JOBS)
        async with unit_of_work() as session:
            await session.execute(sa.update(Account).where(sa.column("name") == "Ada").values(language="zh-CN"))
        await scene.tell(REACH, "chinese")
        await settle(JOBS)
    chinese, english = sorted(provider.messages, key=lambda message: "Body" in message)
    assert english["Body"].startswith("Grace asks you to call")
    assert "ContentSid" not in english
    assert chinese["MessagingServiceSid"] == twilio.SERVICE
    assert "From" not in chinese
    assert "Body" not in chinese
    assert chinese["ContentSid"] == "HX" + "1" * 32
    variables = json.loads(chinese["ContentVariables"])
    assert variables == {"resident": "Grace", "due_at": "2026年3月2日 16:00:00"}


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (twilio.INVALID_NUMBER, "invalid_number"),
        (twilio.NOT_MOBILE, "invalid_number"),
        (twilio.OPTED_OUT, "opted_out"),
        (twilio.error(400, 21408), "21408"),
        (Reply(404, {}), "HTTP_404"),
    ],
)
async def test_what_never_passes_fails_at_once_and_the_next_channel_is_used(
    scene: Scene, provider: TwilioSink, reply: Reply, error: str
) -> None:
    provider.behave = lambda form: reply if "Body" in form else None
    await scene.tell(REACH, "reach")
    await settle(JOBS)
    assert await became("sms") == ("failed", error, 1)
    assert await became("voice") == ("sent", None, 1)


@pytest.mark.parametrize(
    ("reply", "error", "least"),
    [
        (twilio.BUSY, "20429", 5),  # it wants thirty seconds, which an alarm does not have
        (Reply(429, {}), "HTTP_429", 5),
        (twilio.BROKEN, "HTTP_500", 1),
        (Reply(503, {}, {"Retry-After": "120"}), "HTTP_503", 120),
        (twilio.UNAUTHENTICATED, "20003", 1),
    ],
)
async def test_what_passes_is_tried_again_when_it_is_time(
    scene: Scene, provider: TwilioSink, clock: clocks.ManualClock, reply: Reply, error: str, least: int
) -> None:
    provider.behave = lambda _: reply
    await scene.tell(ALARM)
    await settle(JOBS)
    (delivery,) = [row for row in await deliveries() if row.channel == "sms"]
    assert (delivery.state, delivery.error, delivery.attempts) == ("queued", error, 1)
    assert delivery.send_at >= clock.now() + timedelta(seconds=least)
    provider.behave = lambda _: None
    clock.set(delivery.send_at)
    await settle(JOBS)
    assert len(provider.messages) == 1


async def test_a_provider_that_is_not_there_got_nothing(
    scene: Scene, test_settings: Settings, clock: clocks.ManualClock
) -> None:
    async with twilio_provider(test_settings, endpoint="http://127.0.0.1:9"):
        await scene.tell(PROMPT, "prompt")
        await settle(JOBS)
        assert await became("sms") == ("queued", "ConnectError", 1)


async def test_a_used_up_quota_holds_up_the_account_but_no_alarm(
    scene: Scene, provider: TwilioSink, clock: clocks.ManualClock
) -> None:
    provider.behave = lambda form: twilio.BUSY if "answer by" in form.get("Body", "") else None
    await scene.tell(PROMPT, "prompt:1")
    await settle(JOBS)
    attempts = provider.attempts
    await scene.tell(PROMPT, "prompt:2")
    await scene.tell(ALARM)
    await settle(JOBS)
    (waiting,) = [row for row in await deliveries() if (row.dedupe_key, row.channel) == ("prompt:2", "sms")]
    assert (waiting.state, waiting.error, waiting.attempts) == ("queued", "quota_paused", 0)
    assert provider.attempts == attempts + 1
    assert [message["Body"] for message in provider.messages] == ["Grace needs you. Open the app."]
    provider.behave = lambda _: None
    clock.advance(timedelta(seconds=60))
    await settle(JOBS)
    assert len(provider.messages) == 3


async def test_an_alarm_the_provider_has_no_room_for_is_asked_for_again_soon(
    scene: Scene, provider: TwilioSink, clock: clocks.ManualClock
) -> None:
    provider.behave = lambda _: twilio.BUSY  # wants a pause of a minute
    await scene.tell(ALARM, "alarm:1")
    await settle(JOBS)
    attempts = provider.attempts
    await scene.tell(ALARM, "alarm:2")
    await settle(JOBS)
    assert provider.attempts == attempts + 1
    provider.behave = lambda _: None
    clock.advance(timedelta(seconds=6))
    await settle(JOBS)
    assert len(provider.messages) == 2


@pytest.mark.parametrize("reply", [twilio.TAKEN_THEN_RESET, twilio.TAKEN_THEN_HANGS])
async def test_where_nobody_knows_whether_it_left_only_what_is_critical_is_sent_again(
    scene: Scene, provider: TwilioSink, clock: clocks.ManualClock, reply: Reply
) -> None:
    provider.behave = lambda _: reply
    await scene.tell(PROMPT, "prompt")
    await scene.tell(ALARM, "alarm")
    await settle(JOBS)
    states = {row.notice_key: row.state for row in await deliveries() if row.channel == "sms"}
    assert states == {"tests.prompt": "parked", "tests.alarm": "queued"}
    provider.behave = lambda _: None
    clock.advance(timedelta(minutes=1))
    await settle(JOBS)
    assert sorted(message["Body"][:11] for message in provider.messages) == [
        "Grace needs",
        "Grace needs",
        "Grace: plea",
    ]


async def test_killed_between_the_providers_answer_and_our_commit(
    scene: Scene, provider: TwilioSink, clock: clocks.ManualClock
) -> None:
    await scene.tell(REACH, "reach")
    await scene.tell(ALARM, "alarm", channels=["sms"])
    provider.behave = lambda _: twilio.TAKEN_THEN_HANGS
    flights = [asyncio.create_task(service.fly(lane, await service.claim(lane, 50))) for lane in ("critical", "high")]
    await provider.wait_for(2)
    for flight in flights:
        flight.cancel()
    await asyncio.gather(*flights, return_exceptions=True)
    assert {row.state for row in await deliveries()} == {"sending"}
    provider.behave = lambda _: None
    clock.advance(LEASE)
    await settle(JOBS)
    by_key = {(row.notice_key, row.channel): (row.state, row.error) for row in await deliveries()}
    assert by_key == {
        ("tests.alarm", "sms"): ("sent", None),
        ("tests.reach", "sms"): ("parked", "uncertain"),
        ("tests.reach", "voice"): ("sent", None),
    }
    assert [message["Body"] for message in provider.messages].count("Grace needs you. Open the app.") == 2


async def test_a_request_that_hangs_holds_up_no_others(scene: Scene, provider: TwilioSink) -> None:
    provider.behave = lambda form: twilio.HANG if form.get("Body", "").startswith("Grace needs") else None
    await scene.tell(ALARM)
    await scene.tell(PROMPT, "prompt")
    await settle(JOBS)
    assert [message["Body"][:20] for message in provider.messages] == ["Grace: please answer"]


async def test_an_answer_that_cannot_be_coped_with_takes_no_other_message_down(
    scene: Scene, provider: TwilioSink
) -> None:
    nonsense = Reply(400, {"code": "9" * 5000})
    await scene.tell(ALARM)
    await scene.tell(ALARM, "again", channels=["sms"])
    provider.behave = lambda _: nonsense if provider.attempts == 1 else None
    await settle(JOBS)
    became = sorted((row.state, row.error) for row in await deliveries() if row.channel == "sms")
    assert became == [("queued", "ValueError"), ("sent", None)]


async def test_who_said_stop_gets_only_what_is_critical(scene: Scene, provider: TwilioSink) -> None:
    async with unit_of_work() as session:
        await opt_out(session, "+8613800000001")
    await scene.tell(REACH, "reach")
    await scene.tell(ALARM)
    await settle(JOBS)
    assert [message["Body"] for message in provider.messages] == ["Grace needs you. Open the app."]
    by_key = {(row.notice_key, row.channel): (row.state, row.error) for row in await deliveries()}
    assert by_key["tests.reach", "sms"] == ("failed", "opted_out")
    assert by_key["tests.reach", "voice"] == ("sent", None)


async def test_a_call_says_where_its_words_are(scene: Scene, test_settings: Settings) -> None:
    async with twilio_provider(test_settings, machine_detection=True, ring_seconds=30) as provider:
        await scene.tell(REACH, "reach", channels=["voice"])
        await settle(JOBS)
    (made,) = provider.calls
    (delivery,) = await deliveries()
    assert delivery.provider_message_id == made["sid"]
    assert (made["To"], made["From"], made["Timeout"]) == ("+8613800000001", twilio.NUMBER, "30")
    assert made["MachineDetection"] == "Enable"
    assert f"/calls/{delivery.id}/speech?signature=" in made["Url"]
    assert f"/calls/{delivery.id}?signature=" in made["StatusCallback"]


async def test_the_local_twin_shows_what_a_call_would_say(scene: Scene) -> None:
    await close_channels()
    await scene.tell(REACH, "reach", channels=["voice"])
    await settle(JOBS)
    (shown,) = await outbox()
    assert (shown.channel, shown.recipient) == ("voice", "Ada (+8613800000001)")
    assert shown.body == "Grace & co. ask you to call. Press 1 if you have heard this."


def _settings(**values: Any) -> Settings:
    complete: dict[str, Any] = {
        "account_sid": twilio.ACCOUNT,
        "auth_token": SecretStr(twilio.TOKEN),
        "from_number": twilio.NUMBER,
    }
    chosen = TwilioSettings(**(complete | values))
    return Settings(environment="test", messages=MessageSettings(sms="twilio", voice="twilio"), twilio=chosen)


@pytest.mark.parametrize(
    ("missing", "variable"),
    [
        ("account_sid", "HEARTHLINE_TWILIO_ACCOUNT_SID"),
        ("auth_token", "HEARTHLINE_TWILIO_AUTH_TOKEN"),
        ("from_number", "HEARTHLINE_TWILIO_FROM_NUMBER"),
    ],
)
def test_an_incomplete_account_does_not_start_and_names_what_is_missing(missing: str, variable: str) -> None:
    assert _settings().twilio.from_number == twilio.NUMBER
    with pytest.raises(ValidationError, match=variable):
        _settings(**{missing: None})


def test_in_production_the_provider_must_be_able_to_call_back() -> None:
    chosen = _settings().model_dump() | {"environment": "production", "http": HttpSettings()}
    with pytest.raises(ValidationError, match="HEARTHLINE_HTTP_PUBLIC_URL"):
        Settings(**chosen)
