"""Mail through a real SMTP server: what is in it, every kind of refusal, and what each makes of the delivery."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from email.message import EmailMessage
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
import sqlalchemy as sa
from pydantic import SecretStr

from app.cli import doctor
from app.core import clock as clocks
from app.core.database import unit_of_work
from app.core.jobs import settle
from app.core.sending_settings import MessageSettings, SmtpSettings
from app.core.settings import Settings, install_settings, settings
from app.identity.models import Account
from notifications.api import send
from notifications.channels.registry import close_channels
from notifications.channels.smtp import SmtpChannel
from notifications.sending import service
from notifications.sending.jobs import JOBS
from tests.factories.notifications import deliveries
from tests.faults.processes import eventually
from tests.notifications.notices import NEWS
from tests.notifications.sending.conftest import Scene
from tests.sinks.smtp import PASSWORD, USERNAME, SmtpSink, certificate, smtp_sink

Opened = Callable[..., AbstractAsyncContextManager[SmtpSink]]


@pytest.fixture
def mail_server(test_settings: Settings) -> Opened:
    """Return what runs a mail server and makes it the process's; further arguments are settings."""

    @asynccontextmanager
    async def opened(
        offered: str = "none", certified: Path | None = None, login: bool = False, **more: Any
    ) -> AsyncIterator[SmtpSink]:
        await close_channels()
        async with smtp_sink(offered, certified=certified, login=login) as running:
            given: dict[str, Any] = {
                "host": "127.0.0.1",
                "port": running.port,
                "security": offered,
                "sender": "Hearthline <no-reply@example.org>",
                "ca_file": certified,
                "timeout": 2.0,
                "connections": 1,
            }
            update = {"smtp": SmtpSettings(**given | more), "messages": MessageSettings(mail="smtp")}
            install_settings(test_settings.model_copy(update=update))
            yield running
            install_settings(test_settings)
            await close_channels()

    return opened


@pytest_asyncio.fixture(loop_scope="session")
async def relay(mail_server: Opened) -> AsyncIterator[SmtpSink]:
    """Run a mail server without encryption."""
    async with mail_server() as running:
        yield running


async def tell(scene: Scene, key: str = "news", headline: str = "The lift & the <stairs>", **options: Any) -> None:
    async with unit_of_work() as session:
        await send(
            session,
            NEWS,
            [scene.relative.id],
            community_id=scene.community.id,
            dedupe_key=key,
            variables={"headline": headline, "count": 2},
            **options,
        )


async def only() -> sa.Row[tuple[Any, ...]]:
    (row,) = await deliveries()
    return row


def parts(mail: EmailMessage) -> tuple[str, str]:
    """Return a mail's plain text and its HTML, which must come in this order."""
    plain, html = (cast(EmailMessage, part) for part in mail.iter_parts())
    assert mail.get_content_type() == "multipart/alternative"
    assert (plain.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    return plain.get_content().replace("\r\n", "\n"), html.get_content()


class _Shown(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.links: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links.extend(value or "" for name, value in attrs if name == "href")

    def handle_data(self, data: str) -> None:
        self.words.append(data.strip())


async def test_a_mail_says_the_same_twice_and_can_be_left_with_one_click(
    scene: Scene, relay: SmtpSink, clock: clocks.ManualClock
) -> None:
    await tell(scene)
    await settle(JOBS)
    (mail,) = relay.mails
    delivery = await only()
    assert (delivery.state, delivery.provider_message_id) == ("sent", "2.0.0 queued as 1")
    assert mail["From"] == "Hearthline <no-reply@example.org>"
    assert mail["To"] == "Ada <ada@example.org>"
    assert mail["Message-ID"] == f"<{delivery.id}@example.org>"
    assert mail["Date"].datetime == clock.now()
    assert (mail["Auto-Submitted"], mail["Content-Language"]) == ("auto-generated", "en")
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    (leave,) = re.findall(r"<(\S+)>", mail["List-Unsubscribe"])
    assert urlsplit(leave).path.startswith("/v1/unsubscriptions/")
    plain, html = parts(mail)
    shown = _Shown()
    shown.feed(html)
    assert plain.startswith("The lift & the <stairs>\n2 people have read it.\n")
    assert {"The lift & the <stairs>", "2 people have read it."} <= set(shown.words)
    assert "stairs" not in shown.tags
    assert shown.links == [leave]
    assert leave in plain
    assert '<html lang="en">' in html


async def test_a_mail_has_one_action_and_speaks_the_readers_language(scene: Scene, mail_server: Opened) -> None:
    async with unit_of_work() as session:
        name = sa.update(Account).where(sa.column("id") == scene.relative.id)
        await session.execute(name.values(name="阿达\r\nBcc: everybody@example.org", language="zh-CN"))
    async with mail_server(app_link="https://app.example.org/open") as relay:
        await tell(scene, headline="电梯修好了")
        await settle(JOBS)
    (mail,) = relay.mails
    assert mail["Bcc"] is None
    assert mail["To"].addresses[0].display_name == "阿达 Bcc: everybody@example.org"
    plain, html = parts(mail)
    action = f"https://app.example.org/open?notice={(await only()).notice_id}"
    shown = _Shown()
    shown.feed(html)
    assert mail["Content-Language"] == "zh-CN"
    assert "电梯修好了" in plain
    assert "打开 Hearthline" in shown.words
    assert shown.links[0] == action
    assert action in plain


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_mail_is_encrypted_for_a_server_that_is_who_it_says(
    scene: Scene, mail_server: Opened, tmp_path: Path, security: str
) -> None:
    options = {"username": USERNAME, "password": SecretStr(PASSWORD)} if security == "starttls" else {}
    async with mail_server(security, certificate(tmp_path), bool(options), **options) as relay:
        await tell(scene)
        await settle(JOBS)
    assert (await only()).state == "sent"
    assert relay.was_encrypted == [True]


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_a_server_that_is_somebody_else_gets_nothing(
    scene: Scene, mail_server: Opened, tmp_path: Path, security: str
) -> None:
    others = certificate(tmp_path)
    async with mail_server(security, certificate(tmp_path), ca_file=others) as relay:
        await tell(scene)
        await settle(JOBS)
    assert (await only()).state == "queued"
    assert relay.mails == []


async def test_a_server_without_encryption_gets_nothing_where_it_is_wanted(scene: Scene, mail_server: Opened) -> None:
    async with mail_server("none", security="starttls") as relay:
        await tell(scene)
        await settle(JOBS)
    assert (await only()).state == "queued"
    assert relay.mails == []


async def test_a_wrong_password_is_no_mails_fault(scene: Scene, mail_server: Opened, tmp_path: Path) -> None:
    options = {"username": USERNAME, "password": SecretStr("wrong")}
    async with mail_server("starttls", certificate(tmp_path), True, **options):
        await tell(scene)
        await settle(JOBS)
    assert ((await only()).state, (await only()).error) == ("queued", "SMTP_535")


async def test_greylisted_mail_is_tried_again(scene: Scene, relay: SmtpSink, clock: clocks.ManualClock) -> None:
    first_seen = clock.now()
    relay.on_rcpt = lambda _: "451 4.7.1 greylisted" if clock.now() < first_seen + timedelta(minutes=5) else None
    await tell(scene)
    await settle(JOBS)
    assert ((await only()).state, (await only()).error) == ("queued", "SMTP_451")
    while (delivery := await only()).state == "queued":
        clock.set(delivery.send_at)
        await settle(JOBS)
    assert (delivery.state, len(relay.mails)) == ("sent", 1)
    assert clock.now() >= first_seen + timedelta(minutes=5)


@pytest.mark.parametrize(
    ("reply", "state", "error"),
    [
        ("550 5.1.1 no such user", "failed", "no_such_mailbox"),
        ("550 5.7.1 not wanted", "failed", "SMTP_550"),
        ("552 5.2.2 mailbox full", "failed", "SMTP_552"),
        ("452 4.2.2 mailbox full", "queued", "SMTP_452"),
    ],
)
async def test_a_recipient_is_refused_for_good_or_for_now(
    scene: Scene, relay: SmtpSink, reply: str, state: str, error: str
) -> None:
    relay.on_rcpt = lambda _: reply
    await tell(scene)
    await settle(JOBS)
    assert ((await only()).state, (await only()).error, (await only()).attempts) == (state, error, 1)


@pytest.mark.parametrize(("reply", "state"), [("554 5.6.0 spam", "failed"), ("451 4.3.0 later", "queued")])
async def test_a_content_is_refused_for_good_or_for_now(scene: Scene, relay: SmtpSink, reply: str, state: str) -> None:
    relay.on_data = lambda _: reply
    await tell(scene)
    await settle(JOBS)
    assert (await only()).state == state


async def test_a_server_that_closes_is_waited_for(scene: Scene, relay: SmtpSink, clock: clocks.ManualClock) -> None:
    relay.on_rcpt = lambda _: "421 4.3.2 closing"
    await tell(scene)
    await settle(JOBS)
    delivery = await only()
    assert (delivery.state, delivery.error, delivery.attempts) == ("queued", "SMTP_421", 0)
    assert delivery.send_at == clock.now() + timedelta(minutes=1)


async def test_a_server_that_cannot_be_reached_is_tried_again(scene: Scene, mail_server: Opened) -> None:
    async with mail_server() as relay:
        port = relay.port
    async with mail_server(port=port):
        await tell(scene)
        await settle(JOBS)
    assert ((await only()).state, (await only()).error) == ("queued", "SMTPConnectError")


async def test_a_batch_goes_over_one_connection_whatever_is_refused_on_the_way(scene: Scene, relay: SmtpSink) -> None:
    refused = iter(["550 5.1.1 unknown", *[None] * 9])
    relay.on_rcpt = lambda _: next(refused)
    for number in range(10):
        await tell(scene, f"news:{number}")
    await settle(JOBS)
    assert (len(relay.mails), relay.connections) == (9, 1)
    assert sorted(row.state for row in await deliveries()) == ["failed", *["sent"] * 9]


async def test_a_connection_that_breaks_between_two_mails_is_opened_again(scene: Scene, relay: SmtpSink) -> None:
    taken: list[str] = []

    def hang_up(address: str) -> None:
        if len(relay.mails) == 1 and not taken:
            taken.append(address)
            relay.resets_before_data = 1

    relay.on_rcpt = hang_up
    for number in range(3):
        await tell(scene, f"news:{number}")
    await settle(JOBS)
    assert {row.state for row in await deliveries()} == {"sent"}
    assert (len(relay.mails), relay.connections) == (3, 2)


async def test_a_mail_whose_answer_was_lost_is_not_sent_twice(
    scene: Scene, relay: SmtpSink, clock: clocks.ManualClock
) -> None:
    relay.takes_then_resets = True
    await tell(scene)
    await settle(JOBS)
    delivery = await only()
    assert (delivery.state, delivery.error) == ("parked", "SMTPServerDisconnected")
    clock.advance(timedelta(hours=1))
    await settle(JOBS)
    assert len(relay.mails) == 1


async def test_a_mail_that_is_sent_again_is_known_to_be_the_same(
    scene: Scene, relay: SmtpSink, clock: clocks.ManualClock
) -> None:
    await tell(scene)
    (claimed,) = await service.claim("bulk", 50)
    await service.fly("bulk", [claimed])
    async with unit_of_work() as session:
        again = "UPDATE notifications_delivery SET state = 'queued', send_at = :now"
        await session.execute(sa.text(again), {"now": clock.now()})
    await settle(JOBS)
    first, second = relay.mails
    assert first["Message-ID"] == second["Message-ID"]


async def test_several_connections_share_a_batch(scene: Scene, mail_server: Opened) -> None:
    async with mail_server(connections=3) as relay:
        for number in range(12):
            await tell(scene, f"news:{number}")
        await settle(JOBS)
    assert (len(relay.mails), len({mail["Message-ID"] for mail in relay.mails})) == (12, 12)
    assert relay.connections == 3


async def test_what_a_slow_server_leaves_goes_back_before_the_lease_ends(scene: Scene, mail_server: Opened) -> None:
    async with mail_server() as relay:
        relay.go_on.clear()
        worker = settings().worker.model_copy(update={"lease_seconds": 3})
        install_settings(settings().model_copy(update={"worker": worker}))
        await close_channels()
        for number in range(3):
            await tell(scene, f"news:{number}")
        claimed = await service.claim("bulk", 50)
        await service.fly("bulk", claimed)
        relay.go_on.set()
    states = sorted((row.state, row.error, row.attempts) for row in await deliveries())
    assert states == [("queued", "TimeoutError", 1), ("queued", "server_slow", 0), ("queued", "server_slow", 0)]


async def test_certificates_that_cannot_be_read_are_found_before_a_mail_is_sent(
    scene: Scene, mail_server: Opened, tmp_path: Path
) -> None:
    nonsense = tmp_path / "nonsense.pem"
    nonsense.write_text("no certificate")
    for file in (tmp_path / "missing.pem", nonsense):
        async with mail_server(security="starttls", ca_file=file):
            with pytest.raises(ValueError, match="HEARTHLINE_SMTP_CA_FILE"):
                SmtpChannel(settings())
            found = doctor._mail(settings())
            assert not found.fine
            assert "HEARTHLINE_SMTP_CA_FILE" in found.says


async def test_mail_that_cannot_even_be_begun_holds_up_no_lane(scene: Scene, mail_server: Opened) -> None:
    async with mail_server(host="127.0.0.1\n"):  # refused before anything is connected
        await tell(scene)
        await asyncio.wait_for(settle(JOBS), 10)
    assert ((await only()).state, (await only()).error) == ("parked", "ValueError")


async def test_a_connection_that_dies_with_its_task_ends_the_flight(scene: Scene, mail_server: Opened) -> None:
    async with mail_server(timeout=60.0) as relay:  # it dies of nothing else

        async def is_connected() -> bool:
            return relay.connections == 1

        relay.go_on.clear()
        await tell(scene)
        flight = asyncio.create_task(service.fly("bulk", await service.claim("bulk", 50)))
        await eventually(is_connected)
        (line,) = [task for task in asyncio.all_tasks() if "_work_off" in repr(task.get_coro())]
        async with asyncio.timeout(60):
            while not flight.done():  # one that comes as a wait is over is lost, as asyncio has it until 3.12
                line.cancel()
                await asyncio.sleep(0.05)
        await flight
        relay.go_on.set()
    assert ((await only()).state, (await only()).error) == ("parked", "RuntimeError")
