"""Push through FCM: the wire format, every kind of refusal, and what each makes of the delivery."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import IntegrityError

from app.core import clock as clocks
from app.core.database import reading, unit_of_work
from app.core.jobs import settle
from app.core.settings import Settings, install_settings, settings
from app.core.tables import table_of
from app.identity.installations.models import Installation
from app.identity.models import Account
from notifications.api import send, send_many
from notifications.channels import registry
from notifications.channels.ports import Answer, Message, PushAddress
from notifications.channels.push import PushChannel
from notifications.channels.push_messages import topic
from notifications.channels.registry import close_channels
from notifications.sending.jobs import JOBS
from tests.factories import identity
from tests.factories.notifications import deliveries, outbox, phone
from tests.notifications.notices import ALARM, PROMPT
from tests.notifications.sending.conftest import Scene
from tests.sinks import fcm
from tests.sinks.fcm import FcmSink, Reply


async def installations() -> int:
    async with reading() as connection:
        return await connection.scalar(sa.select(sa.func.count()).select_from(table_of(Installation))) or 0


async def push_delivery() -> sa.Row[tuple[object, ...]]:
    (row,) = [row for row in await deliveries() if row.channel == "push"]
    return row


async def test_a_push_is_what_fcm_expects(scene: Scene, sink: FcmSink, clock: clocks.ManualClock) -> None:
    await phone(scene.relative, fid="fid-of-ada")
    await scene.tell(expires_at=clock.now() + timedelta(minutes=10), data={"alarm_id": "1"})
    await settle(JOBS)
    (message,) = sink.messages
    delivery = await push_delivery()
    assert message["fid"] == "fid-of-ada"
    assert "token" not in message
    assert message["notification"] == {"title": "You are needed", "body": "Ada, open the app: Grace needs you."}
    assert message["data"] == {
        "alarm_id": "1",
        "notice": "tests.alarm",
        "notice_id": str(delivery.notice_id),
        "delivery_id": str(delivery.id),
        "category": "tests",
    }
    assert message["android"]["priority"] == "high"
    assert message["android"]["ttl"] == "600s"
    assert message["android"]["collapse_key"] == message["android"]["notification"]["tag"] == "alarm:1"
    headers = message["apns"]["headers"]
    assert (headers["apns-priority"], headers["apns-push-type"]) == ("10", "alert")
    assert headers["apns-expiration"] == str(int((clock.now() + timedelta(minutes=10)).timestamp()))
    assert headers["apns-collapse-id"] == "alarm:1"
    aps = message["apns"]["payload"]["aps"]
    assert aps["sound"] == {"critical": 1, "name": "default", "volume": 1.0}
    assert aps["interruption-level"] == "critical"
    assert message["android"]["direct_boot_ok"]
    assert message["android"]["notification"]["visibility"] == "PRIVATE"
    assert message["android"]["notification"]["channel_id"] == "tests"
    assert message["webpush"]["headers"] == {"TTL": "600", "Urgency": "high", "Topic": topic("alarm:1")}
    assert message["webpush"]["notification"]["tag"] == "alarm:1"
    assert (delivery.state, delivery.provider_message_id, delivery.attempts) == ("sent", "1", 1)
    assert delivery.send_at is None
    assert delivery.settled_at == clock.now()
    assert sink.tokens_issued == 1


async def test_an_older_app_is_reached_by_its_token_and_a_long_key_is_hashed(scene: Scene, sink: FcmSink) -> None:
    await phone(scene.relative, token="older-token")
    await scene.tell(key="k" * 65)
    await settle(JOBS)
    (message,) = sink.messages
    assert message["token"] == "older-token"
    assert "fid" not in message
    assert len(message["apns"]["headers"]["apns-collapse-id"]) == 64


async def test_every_phone_of_a_person_is_told_and_one_is_enough(scene: Scene, sink: FcmSink) -> None:
    await phone(scene.relative, fid="good")
    await phone(scene.relative, fid="gone")
    sink.behave = lambda message: fcm.UNREGISTERED if message["fid"] == "gone" else None
    await scene.tell()
    await settle(JOBS)
    assert [message["fid"] for message in sink.messages] == ["good"]
    assert (await push_delivery()).state == "sent"
    assert await installations() == 1


@pytest.mark.parametrize(
    ("reply", "error", "left"),
    [
        (fcm.UNREGISTERED, "UNREGISTERED", 0),
        (fcm.error(400, "INVALID_ARGUMENT", field_name="message.token"), "INVALID_ARGUMENT", 0),
        (fcm.error(400, "INVALID_ARGUMENT", field_name="message.data"), "INVALID_ARGUMENT", 1),
        (fcm.error(403, "SENDER_ID_MISMATCH"), "SENDER_ID_MISMATCH", 1),
        (fcm.error(401, "THIRD_PARTY_AUTH_ERROR"), "THIRD_PARTY_AUTH_ERROR", 1),
        (fcm.error(404, None), "NOT_FOUND", 1),
    ],
)
async def test_what_never_passes_fails_at_once(
    scene: Scene, sink: FcmSink, reply: Reply, error: str, left: int
) -> None:
    await phone(scene.relative)
    sink.behave = lambda _: reply
    await scene.tell()
    await settle(JOBS)
    delivery = await push_delivery()
    assert (delivery.state, delivery.error, delivery.attempts) == ("failed", error, 1)
    assert await installations() == left


@pytest.mark.parametrize(
    ("reply", "error", "least"),
    [
        (fcm.INTERNAL, "INTERNAL", 10),
        (fcm.UNAVAILABLE, "UNAVAILABLE", 10),
        (fcm.error(503, "UNAVAILABLE", retry_after="120"), "UNAVAILABLE", 120),
        (fcm.error(503, "UNAVAILABLE", retry_after="Mon, 02 Mar 2026 08:05:00 GMT"), "UNAVAILABLE", 300),
        (fcm.QUOTA, "QUOTA_EXCEEDED", 1),
        (fcm.HANG, "timeout", 1),
        (fcm.RESET, "disconnected", 1),
    ],
)
async def test_what_passes_is_tried_again_when_it_is_time(
    scene: Scene, sink: FcmSink, clock: clocks.ManualClock, reply: Reply, error: str, least: int
) -> None:
    await phone(scene.relative)
    sink.behave = lambda _: reply
    await scene.tell()
    await settle(JOBS)
    delivery = await push_delivery()
    assert (delivery.state, delivery.error, delivery.attempts) == ("queued", error, 1)
    assert delivery.send_at >= clock.now() + timedelta(seconds=least)
    assert await installations() == 1
    sink.behave = lambda _: None
    clock.set(delivery.send_at - timedelta(seconds=1))
    await settle(JOBS)
    assert not sink.messages
    clock.set(delivery.send_at)
    await settle(JOBS)
    assert len(sink.messages) == 1
    assert (await push_delivery()).state == "sent"


async def test_a_used_up_quota_holds_up_the_whole_project(
    scene: Scene, sink: FcmSink, clock: clocks.ManualClock
) -> None:
    await phone(scene.relative)
    sink.behave = lambda _: fcm.QUOTA
    await scene.tell(PROMPT, "prompt:1", channels=["push"])
    await settle(JOBS)
    attempts = sink.attempts
    await scene.tell(PROMPT, "prompt:2", channels=["push"])
    await settle(JOBS)
    (waiting,) = [row for row in await deliveries() if (row.dedupe_key, row.channel) == ("prompt:2", "push")]
    assert sink.attempts == attempts
    assert (waiting.state, waiting.error, waiting.attempts) == ("queued", "quota_paused", 0)
    sink.behave = lambda _: None
    clock.advance(timedelta(seconds=120))
    await settle(JOBS)
    assert len(sink.messages) == 2


async def test_an_alarm_is_asked_for_again_soon_and_holds_up_no_other(
    scene: Scene, sink: FcmSink, clock: clocks.ManualClock
) -> None:
    await phone(scene.relative)
    sink.behave = lambda _: fcm.error(429, "QUOTA_EXCEEDED", retry_after="3600")
    await scene.tell(key="alarm:1", channels=["push"])
    await settle(JOBS)
    refused = await push_delivery()
    assert (refused.state, refused.error) == ("queued", "QUOTA_EXCEEDED")
    assert refused.send_at <= clock.now() + timedelta(seconds=15)
    sink.behave = lambda _: None
    await scene.tell(key="alarm:2", channels=["push"])
    await settle(JOBS)
    assert sorted(row.state for row in await deliveries()) == ["queued", "sent"]
    clock.set(refused.send_at)
    await settle(JOBS)
    assert {row.state for row in await deliveries()} == {"sent"}


async def test_a_quota_that_others_used_up_holds_up_no_alarm(scene: Scene, sink: FcmSink) -> None:
    await phone(scene.relative)
    sink.behave = lambda _: fcm.QUOTA
    await scene.tell(PROMPT, "prompt")
    await settle(JOBS)
    sink.behave = lambda _: None
    await scene.tell(key="alarm:1")
    await settle(JOBS)
    assert [row.state for row in await deliveries() if (row.dedupe_key, row.channel) == ("alarm:1", "push")] == ["sent"]


async def test_a_refused_access_token_is_renewed_at_once(scene: Scene, sink: FcmSink) -> None:
    await phone(scene.relative)
    await scene.tell(key="alarm:1")
    await settle(JOBS)
    sink.revoke_tokens()
    await scene.tell(key="alarm:2")
    await settle(JOBS)
    assert len(sink.messages) == 2
    assert sink.tokens_issued == 2


async def test_without_an_access_token_everything_waits(scene: Scene, sink: FcmSink, clock: clocks.ManualClock) -> None:
    await phone(scene.relative)
    sink.token_endpoint_is_down = True
    await scene.tell()
    await settle(JOBS)
    delivery = await push_delivery()
    assert (delivery.state, delivery.error) == ("queued", "token_unavailable")
    sink.token_endpoint_is_down = False
    clock.set(delivery.send_at)
    await settle(JOBS)
    assert (await push_delivery()).state == "sent"


async def test_what_is_too_much_for_a_push_cannot_even_be_written(scene: Scene) -> None:
    with pytest.raises(ValueError, match="1024 bytes"):
        await scene.tell(data={"blob": "x" * 1024})
    assert not await deliveries()
    written = sa.select(
        sa.literal(scene.relative.id).label("account_id"),
        sa.literal(scene.community.id).label("community_id"),
        sa.literal("many").label("dedupe_key"),
        sa.cast({"blob": "x" * 1024}, JSONB).label("data"),
        sa.cast({"resident": str(scene.resident.id)}, JSONB).label("variables"),
    )
    with pytest.raises(IntegrityError, match="ck_notifications_delivery_data"):
        async with unit_of_work() as session:
            await send_many(session, ALARM, written)
    await scene.tell(data={"blob": "x" * 1000})
    assert len(await deliveries()) == 2


async def test_a_message_too_big_for_fcm_is_not_sent(scene: Scene, sink: FcmSink) -> None:
    await phone(scene.relative)
    async with unit_of_work() as session:
        await session.execute(sa.update(Account).where(sa.column("name") == "Grace").values(name="长" * 1400))
    await scene.tell()
    await settle(JOBS)
    assert ((await push_delivery()).state, (await push_delivery()).error) == ("failed", "message_too_big")
    assert sink.attempts == 0


async def test_a_phone_that_hangs_holds_up_no_others(scene: Scene, sink: FcmSink) -> None:
    await phone(scene.relative, fid="hangs")
    sink.behave = lambda message: fcm.HANG if message["data"]["notice"] == "tests.alarm" else None
    await scene.tell(key="alarm")
    await scene.tell(PROMPT, key="prompt")
    await settle(JOBS)
    assert [message["data"]["notice"] for message in sink.messages] == ["tests.prompt"]


async def test_the_local_twin_shows_a_push_on_the_outbox(scene: Scene) -> None:
    await close_channels()
    await phone(scene.relative, platform="ios")
    await scene.tell()
    await settle(JOBS)
    shown = {row.channel: row for row in await outbox()}
    assert shown["push"].recipient == "Ada (ios)"
    assert shown["push"].body == "Ada, open the app: Grace needs you."
    assert shown["sms"].recipient == "Ada (+8613800000001)"
    assert shown["sms"].times_sent == 1


async def test_a_phone_without_a_push_service_is_not_reachable(scene: Scene, sink: FcmSink) -> None:
    await phone(scene.relative, provider=None)
    await scene.tell()
    await settle(JOBS)
    assert ((await push_delivery()).state, (await push_delivery()).error) == ("failed", "unreachable")
    await phone(scene.relative, provider="pager")
    await scene.tell(key="alarm:2")
    await settle(JOBS)
    (later,) = [row for row in await deliveries() if (row.dedupe_key, row.channel) == ("alarm:2", "push")]
    assert (later.state, later.error) == ("failed", "provider_not_configured")


async def test_many_stale_phones_are_forgotten_at_once(scene: Scene, sink: FcmSink) -> None:
    for number in range(300):
        await phone(scene.relative, fid=f"stale-{number}")
    kept = await phone(scene.relative, fid="kept")
    sink.behave = lambda message: None if message["fid"] == "kept" else fcm.UNREGISTERED
    await scene.tell()
    await settle(JOBS)
    assert (await push_delivery()).state == "sent"
    async with reading() as connection:
        assert (await connection.scalars(sa.select(table_of(Installation).c.id))).all() == [kept.id]


async def test_the_quota_of_the_project_is_kept_without_asking_fcm(
    scene: Scene, sink: FcmSink, test_settings: Settings, clock: clocks.ManualClock
) -> None:
    push = settings().push.model_copy(update={"fcm_per_minute": 600})  # nine a second for all but critical messages
    install_settings(settings().model_copy(update={"push": push}))
    await close_channels()
    await phone(scene.relative)
    for number in range(12):
        await scene.tell(PROMPT, f"prompt:{number}")
    await scene.tell(key="alarm")
    await settle(JOBS)
    assert [row.state for row in await deliveries() if (row.urgency, row.channel) == ("critical", "push")] == ["sent"]
    waiting = [row for row in await deliveries() if row.state == "queued"]
    assert {(row.error, row.attempts, row.send_at) for row in waiting} == {
        ("quota_used_up", 0, clock.now() + timedelta(seconds=1))
    }
    assert (len(waiting), sink.attempts) == (3, 10)
    clock.advance(timedelta(seconds=1))
    await settle(JOBS)
    assert sink.attempts == 13


class _Raising:
    """A push service that cannot cope with one phone."""

    async def post(self, message: Message, installation: PushAddress) -> Answer:
        if installation.fid == "broken":
            raise OverflowError
        return Answer("sent", message_id=str(message.delivery_id))

    def service_of(self, installation: PushAddress) -> str:
        return installation.provider

    async def close(self) -> None:
        """Do nothing."""


async def test_a_phone_that_cannot_be_coped_with_takes_no_other_down(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(registry._open, "push", PushChannel({"fcm": _Raising()}))
    other = await identity.account(scene.community, name="Bob")
    await phone(scene.relative, fid="broken")
    await phone(other, fid="good")
    async with unit_of_work() as session:
        await send(
            session,
            ALARM,
            [scene.relative.id, other.id],
            community_id=scene.community.id,
            dedupe_key="alarm",
            variables={"resident": scene.resident.id},
            channels=["push"],
        )
    await settle(JOBS)
    became = {row.account_id: (row.state, row.error) for row in await deliveries()}
    assert became == {scene.relative.id: ("queued", "OverflowError"), other.id: ("sent", None)}
