"""Web Push: what a browser can read, every kind of refusal, and people with phones of several providers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import SecretStr

from app.core import clock as clocks
from app.core import vapid
from app.core.database import reading, unit_of_work
from app.core.jobs import settle
from app.core.settings import Settings, install_settings, settings
from app.core.tables import table_of
from app.identity.installations.models import Installation
from app.identity.models import Account
from notifications.channels import web_push
from notifications.channels.ports import WebPushSubscription
from notifications.channels.push_messages import topic
from notifications.channels.registry import close_channels
from notifications.channels.web_push_messages import encrypt
from notifications.sending.jobs import JOBS
from tests.factories.notifications import deliveries, phone
from tests.notifications.notices import CIRCLE_STEP, PROMPT
from tests.notifications.sending.conftest import Scene
from tests.sinks import fcm
from tests.sinks.fcm import FcmSink
from tests.sinks.web_push import Reply, WebPushSink, web_push_sink


@pytest_asyncio.fixture(loop_scope="session")
async def browsers(test_settings: Settings) -> AsyncIterator[WebPushSink]:
    """Run a loopback push service and make Web Push a provider of this process beside those it has."""
    private, public = vapid.make_pair()
    before = settings()
    async with web_push_sink() as running:
        running.public_key = public
        web_push = before.webpush.model_copy(
            update={
                "private_key": SecretStr(private),
                "subject": "mailto:ops@example.org",
                "allow_private": True,
                "timeout": 0.3,
            }
        )
        others = tuple(name for name in before.push.providers if name != "local")
        push = before.push.model_copy(update={"providers": (*others, "webpush")})
        install_settings(before.model_copy(update={"webpush": web_push, "push": push}))
        await close_channels()
        yield running
        await close_channels()
        install_settings(before)


async def push_delivery() -> sa.Row[tuple[object, ...]]:
    (row,) = [row for row in await deliveries() if row.channel == "push"]
    return row


async def providers() -> list[str | None]:
    async with reading() as connection:
        return list((await connection.scalars(sa.select(table_of(Installation).c.provider))).all())


def test_the_encryption_is_that_of_the_standards_example() -> None:
    """RFC 8291, appendix A."""
    sender = ec.derive_private_key(
        int.from_bytes(vapid.decoded("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"), "big"), ec.SECP256R1()
    )
    subscription = WebPushSubscription(
        "https://push.example.net/push/JzLQ3raZJfFBR0aqvOMsLrt54w4rJUsV",
        "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
        "BTBZMqHH6r4Tts7J_aSIgg",
    )
    sealed = encrypt(
        b"When I grow up, I want to be a watermelon",
        subscription,
        key=sender,
        salt=vapid.decoded("DGv6ra1nlYgDCS1FRnbzlw"),
    )
    assert vapid.encoded(sealed) == (
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru"
        "3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )


async def test_a_browser_gets_what_a_phone_gets_without_names(
    scene: Scene, browsers: WebPushSink, clock: clocks.ManualClock
) -> None:
    await phone(scene.relative, web_push=browsers.subscribe("ada"), platform="web")
    await scene.tell(expires_at=clock.now() + timedelta(minutes=10), data={"alarm_id": "1"})
    await settle(JOBS)
    (message,) = browsers.messages
    delivery = await push_delivery()
    assert message.content == {
        "title": "You are needed",
        "body": "Ada, open the app: somebody needs you.",
        "lang": "en",
        "tag": "alarm:1",
        "urgency": "critical",
        "data": {
            "alarm_id": "1",
            "notice": "tests.alarm",
            "notice_id": str(delivery.notice_id),
            "delivery_id": str(delivery.id),
            "category": "tests",
        },
        "receipt": message.content["receipt"],
    }
    assert (message.headers["TTL"], message.headers["Urgency"]) == ("600", "high")
    assert message.headers["Topic"] == topic("alarm:1")
    assert message.claims["sub"] == "mailto:ops@example.org"
    assert (delivery.state, delivery.provider_message_id) == ("sent", "1")


async def test_no_notice_names_anybody_in_a_browser(scene: Scene, browsers: WebPushSink) -> None:
    await phone(scene.relative, web_push=browsers.subscribe("desk"), platform="web")
    await phone(scene.relative, web_push=browsers.subscribe("own"))
    await scene.tell(CIRCLE_STEP, variables={"resident": scene.resident.id, "helper": scene.relative.id})
    await settle(JOBS)
    shown = {message.content["title"] + "|" + message.content["body"] for message in browsers.messages}
    assert shown == {"Somebody|Somebody takes it.", "Grace|Ada takes it."}  # a phone of theirs, as before


async def test_a_proof_is_used_again_until_half_of_its_life_is_over(
    scene: Scene, browsers: WebPushSink, clock: clocks.ManualClock
) -> None:
    await phone(scene.relative, web_push=browsers.subscribe("ada"))
    for key, pause in (("1", timedelta(hours=1)), ("2", timedelta(hours=6)), ("3", timedelta(0))):
        await scene.tell(key=key)
        await settle(JOBS)
        clock.advance(pause)
    first, second, third = (message.headers["Authorization"] for message in browsers.messages)
    assert first == second != third


@pytest.mark.parametrize(
    ("status", "error", "left"),
    [
        (404, "HTTP_404", []),
        (410, "HTTP_410", []),
        (413, "message_too_big", ["webpush"]),
        (400, "HTTP_400", ["webpush"]),
        (403, "HTTP_403", ["webpush"]),
        (307, "HTTP_307", ["webpush"]),
    ],
)
async def test_what_never_passes_fails_and_only_the_end_of_a_subscription_removes_it(
    scene: Scene, browsers: WebPushSink, status: int, error: str, left: list[str]
) -> None:
    await phone(scene.relative, web_push=browsers.subscribe("ada"))
    browsers.behave = lambda _: Reply(status, {"Location": "http://127.0.0.1:1/"})
    await scene.tell()
    await settle(JOBS)
    delivery = await push_delivery()
    assert (delivery.state, delivery.error, delivery.attempts, browsers.attempts) == ("failed", error, 1, 1)
    assert await providers() == left


@pytest.mark.parametrize(
    ("reply", "error", "least"),
    [
        (Reply(429, {"Retry-After": "30"}), "HTTP_429", 1),
        (Reply(500), "HTTP_500", 10),
        (Reply(503, {"Retry-After": "Mon, 02 Mar 2026 08:05:00 GMT"}), "HTTP_503", 300),
        (Reply(200, reset=True), "ServerDisconnectedError", 1),
    ],
)
async def test_what_passes_is_tried_again_when_it_is_time(
    scene: Scene, browsers: WebPushSink, clock: clocks.ManualClock, reply: Reply, error: str, least: int
) -> None:
    await phone(scene.relative, web_push=browsers.subscribe("ada"))
    browsers.behave = lambda _: reply
    await scene.tell()
    await settle(JOBS)
    delivery = await push_delivery()
    assert (delivery.state, delivery.error) == ("queued", error)
    assert delivery.send_at >= clock.now() + timedelta(seconds=least)
    browsers.behave = lambda _: None
    clock.set(delivery.send_at)
    await settle(JOBS)
    assert (await push_delivery()).state == "sent"


async def test_each_phone_is_reached_through_its_own_provider(
    scene: Scene, sink: FcmSink, browsers: WebPushSink
) -> None:
    await phone(scene.relative, fid="ada-phone")
    await phone(scene.relative, web_push=browsers.subscribe("ada-tablet"))
    sink.behave = lambda _: fcm.UNREGISTERED
    await scene.tell()
    await settle(JOBS)
    assert [message.to for message in browsers.messages] == ["ada-tablet"]
    assert (await push_delivery()).state == "sent"
    assert await providers() == ["webpush"]


async def test_of_the_phones_those_that_took_it_owe_a_receipt(
    scene: Scene, sink: FcmSink, browsers: WebPushSink, clock: clocks.ManualClock
) -> None:
    await phone(scene.relative, web_push=browsers.subscribe("ada"), platform="web")
    await phone(scene.relative, fid="refusing")
    sink.behave = lambda _: fcm.UNAVAILABLE
    await scene.tell(PROMPT, "prompt")
    await settle(JOBS)
    patience = PROMPT.patience
    assert patience is not None
    assert (await push_delivery()).receipt_by == clock.now() + patience
    table = table_of(Installation)
    async with reading() as connection:
        rows = (await connection.execute(sa.select(table.c.provider, table.c.unconfirmed_since))).all()
    assert {row.provider: row.unconfirmed_since for row in rows} == {"webpush": clock.now(), "fcm": None}


async def test_a_browsers_worker_says_without_a_sign_in_that_the_push_came(
    scene: Scene, browsers: WebPushSink, clock: clocks.ManualClock, client: httpx.AsyncClient
) -> None:
    await phone(scene.relative, web_push=browsers.subscribe("ada"), platform="web")
    await scene.tell(PROMPT, "prompt")
    await settle(JOBS)
    (message,) = browsers.messages
    receipt = message.content["receipt"]
    tampered = ("A" if receipt[0] != "A" else "B") + receipt[1:]

    forged = await client.post("/v1/push-receipts", json={"receipt": tampered, "kind": "opened"})
    short = await client.post("/v1/push-receipts", json={"receipt": "x", "kind": "opened"})
    assert (forged.status_code, short.status_code) == (204, 422)
    assert (await push_delivery()).delivered_at is None

    clock.advance(timedelta(seconds=2))
    for kind in ("delivered", "opened", "delivered"):
        answer = await client.post("/v1/push-receipts", json={"receipt": receipt, "kind": kind})
        assert (answer.status_code, answer.content) == (204, b"")
    delivery = await push_delivery()
    assert (delivery.delivered_at, delivery.opened_at) == (clock.now(), clock.now())
    assert (delivery.state, delivery.receipt_by) == ("sent", None)
    async with reading() as connection:
        assert await connection.scalar(sa.select(table_of(Installation).c.unconfirmed_since)) is None


async def test_what_anybody_can_make_up_takes_no_connection_from_who_calls_for_help(client: httpx.AsyncClient) -> None:
    async with AsyncExitStack() as taken:
        for _ in range(settings().database.writing_pool):
            await taken.enter_async_context(unit_of_work())
        async with asyncio.timeout(5):
            answer = await client.post("/v1/push-receipts", json={"receipt": "A" * 64, "kind": "opened"})
    assert answer.status_code == 204


async def test_a_push_service_that_wants_a_pause_holds_up_no_other(
    scene: Scene, sink: FcmSink, browsers: WebPushSink, clock: clocks.ManualClock
) -> None:
    await phone(scene.relative, fid="ada-phone")
    await phone(scene.relative, web_push=browsers.subscribe("ada-tablet"))
    browsers.behave = lambda _: Reply(429, {"Retry-After": "30"})
    for number in range(2):
        await scene.tell(PROMPT, f"prompt:{number}")
        await settle(JOBS)
    assert (browsers.attempts, len(sink.messages)) == (1, 2)
    assert {row.state for row in await deliveries()} == {"sent"}


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:{port}/push/ada", "https://localhost:{port}/push/ada"])
async def test_nothing_is_sent_into_our_own_network(scene: Scene, browsers: WebPushSink, endpoint: str) -> None:
    trusting = settings()
    strict = trusting.webpush.model_copy(update={"allow_private": False})
    install_settings(trusting.model_copy(update={"webpush": strict}))
    await close_channels()
    given: dict[str, Any] = browsers.subscribe("ada") | {
        "endpoint": endpoint.format(port=browsers.url.rpartition(":")[2])
    }
    await phone(scene.relative, web_push=given)
    await scene.tell()
    await settle(JOBS)
    assert ((await push_delivery()).state, (await push_delivery()).error) == ("failed", "address_refused")
    assert browsers.attempts == 0
    install_settings(trusting)


async def test_the_longest_data_fits_a_browser(scene: Scene, browsers: WebPushSink) -> None:
    await phone(scene.relative, web_push=browsers.subscribe("ada"))
    await scene.tell(data={"blob": "x" * 1000})
    await settle(JOBS)
    assert (await push_delivery()).state == "sent"
    assert len(browsers.messages[0].content["data"]["blob"]) == 1000


async def test_a_text_too_long_for_a_browser_fails_without_being_sent(scene: Scene, browsers: WebPushSink) -> None:
    await phone(scene.relative, web_push=browsers.subscribe("ada"))
    async with unit_of_work() as session:
        await session.execute(sa.update(Account).where(sa.column("name") == "Grace").values(name="长" * 1400))
    await scene.tell()
    await settle(JOBS)
    assert ((await push_delivery()).state, (await push_delivery()).error) == ("failed", "message_too_big")
    assert browsers.messages == []


@asynccontextmanager
async def dripping() -> AsyncIterator[str]:
    """Run a server that never stops beginning to answer: a byte now and then, before any timeout between two."""

    async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(b"HTTP/1.1 201 Created\r\nX: ")
            while not writer.is_closing():
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.05)
        except ConnectionError:
            writer.close()

    server = await asyncio.start_server(drip, "127.0.0.1", 0)
    async with server:
        host, port = server.sockets[0].getsockname()
        yield f"http://{host}:{port}/push/ada"


async def test_an_endpoint_that_never_stops_answering_is_given_up(scene: Scene, browsers: WebPushSink) -> None:
    async with dripping() as endpoint:
        await phone(scene.relative, web_push=browsers.subscribe("ada") | {"endpoint": endpoint})
        await scene.tell(channels=["push"])
        await asyncio.wait_for(settle(JOBS), 10)
    assert ((await push_delivery()).state, (await push_delivery()).error) == ("queued", "timeout")


async def test_what_gets_no_connection_was_not_tried(
    scene: Scene, browsers: WebPushSink, clock: clocks.ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web_push, "CONNECTIONS", 2)
    monkeypatch.setattr(web_push, "QUEUE_SECONDS", 0.2)
    async with dripping() as endpoint:
        await phone(scene.relative, web_push=browsers.subscribe("ada") | {"endpoint": endpoint})
        for number in range(2):
            await scene.tell(key=f"alarm:{number}", channels=["push"])
        await asyncio.wait_for(settle(JOBS), 10)
    became = sorted((row.error, row.state, row.attempts) for row in await deliveries())
    assert became == [("busy", "queued", 0), ("timeout", "queued", 1)]
