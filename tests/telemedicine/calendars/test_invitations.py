"""Appointments by mail, as a mail server takes them: what a calendar's program finds in them, and what nobody does."""

from collections.abc import AsyncIterator
from datetime import timedelta
from email.message import EmailMessage
from typing import Any, cast

import pytest_asyncio
from icalendar import Calendar

from app import assembly
from app.core.clock import ManualClock
from app.core.jobs import settle
from app.core.relay import RELAY_JOBS
from app.core.sending_settings import MessageSettings, SmtpSettings
from app.core.settings import Settings, install_settings
from notifications.api import install_attachments
from notifications.channels.registry import close_channels
from notifications.sending.jobs import JOBS
from tests.factories import identity, sign_in
from tests.factories.notifications import deliveries
from tests.sinks.smtp import SmtpSink, smtp_sink
from tests.telemedicine.appointments.conftest import Desk, at
from tests.telemedicine.appointments.test_booking import Headers


@pytest_asyncio.fixture(loop_scope="session")
async def mailbox(desk: Desk, test_settings: Settings) -> AsyncIterator[SmtpSink]:
    """Run a mail server that takes the mail of this process."""
    assembly.load_tables()
    install_attachments(assembly.ATTACHMENTS)
    await close_channels()
    async with smtp_sink() as running:
        smtp = SmtpSettings(host="127.0.0.1", port=running.port, security="none", sender="Lake <care@example.org>")
        messages = MessageSettings(mail="smtp")
        install_settings(test_settings.model_copy(update={"smtp": smtp, "messages": messages}))
        yield running
        install_settings(test_settings)
        await close_channels()


async def somebody(desk: Desk, **options: Any) -> Headers:
    """Return the headers of a resident with a mail address."""
    given = {"name": "Grace Hopper", "email": "grace@example.org"} | options
    return await sign_in.sign_in_resident(await identity.resident(desk.scene.place, **given))


async def arrived(box: SmtpSink) -> list[EmailMessage]:
    """Return the mails that came, in the order of what they are about."""
    await settle([*RELAY_JOBS, *JOBS])
    mails, box.mails = box.mails, []
    return mails


def invitation(mail: EmailMessage) -> tuple[str, Calendar]:
    """Return the method and the calendar of a mail's last alternative."""
    assert mail.get_content_type() == "multipart/alternative"
    parts = [cast(EmailMessage, part) for part in mail.iter_parts()]
    assert [part.get_content_type() for part in parts] == ["text/plain", "text/html", "text/calendar"]
    last = parts[-1]
    assert last.get_content_charset() == "utf-8"
    text = last.get_payload(decode=True)
    assert isinstance(text, bytes)
    assert b"\r\n" in text
    assert b"\r\r\n" not in text
    found = Calendar.from_ical(text)
    assert isinstance(found, Calendar)
    method = str(last["content-type"].params["method"])
    assert str(found["method"]) == method
    return method, found


async def test_a_calendar_takes_what_is_booked_moved_and_called_off(desk: Desk, mailbox: SmtpSink) -> None:
    headers = await somebody(desk)
    booked = await desk.booked(headers, at("09:00"))
    (mail,) = await arrived(mailbox)
    assert mail["to"] == "Grace Hopper <grace@example.org>"
    method, found = invitation(mail)
    (event,) = found.events
    assert (method, str(event.uid), event.start, event.sequence) == (
        "REQUEST",
        f"{booked['id']}@hearthline",
        at("09:00"),
        0,
    )
    assert (str(event["organizer"]), str(event["attendee"])) == ("mailto:care@example.org", "mailto:grace@example.org")
    assert str(event["status"]) == "CONFIRMED"
    (zone,) = found.timezones
    assert str(zone["TZID"]) == event["dtstart"].params["TZID"] == "Asia/Shanghai"

    await desk.act(headers, booked["id"], "move", {"starts_at": at("10:00").isoformat()})
    (mail,) = await arrived(mailbox)
    method, found = invitation(mail)
    (moved,) = found.events
    assert (method, moved.uid, moved.start, moved.sequence) == ("REQUEST", event.uid, at("10:00"), 1)

    await desk.act(headers, booked["id"], "cancellation")
    (mail,) = await arrived(mailbox)
    method, found = invitation(mail)
    (off,) = found.events
    assert (method, off.uid, off.sequence, str(off["status"])) == ("CANCEL", event.uid, 2, "CANCELLED")
    assert await arrived(mailbox) == []


async def test_neither_mail_nor_row_says_with_whom_or_what_for(desk: Desk, mailbox: SmtpSink) -> None:
    headers = await somebody(desk)
    await desk.booked(headers, at("09:00"))
    (mail,) = await arrived(mailbox)
    words = "".join(str(part.get_content()) for part in mail.iter_parts() if isinstance(part, EmailMessage))
    assert not any(word in words for word in ("Lin", "First visit", "Lake Clinic", "cardiology"))
    (row,) = [one for one in await deliveries() if one.channel == "mail"]
    assert set(row.data) == {"appointment_id"}
    assert set(row.variables) == {"starts_at"}


async def test_a_mail_says_what_is_true_when_it_leaves(desk: Desk, mailbox: SmtpSink) -> None:
    headers = await somebody(desk)
    booked = await desk.booked(headers, at("09:00"))
    await settle(RELAY_JOBS)  # the notice is written and has not left
    await desk.act(headers, booked["id"], "cancellation")
    methods = [invitation(mail)[0] for mail in await arrived(mailbox)]
    assert methods == ["CANCEL", "CANCEL"]


async def test_in_chinese_and_as_the_clinics_clocks_go(desk: Desk, mailbox: SmtpSink) -> None:
    headers = await somebody(desk, language="zh-CN")
    await desk.booked(headers, at("09:00"))
    (mail,) = await arrived(mailbox)
    assert "您的预约" in mail["subject"]
    (event,) = invitation(mail)[1].events
    assert str(event["summary"]) == "预约"


async def test_who_has_no_address_gets_no_mail_and_a_hold_is_no_invitation(
    desk: Desk, mailbox: SmtpSink, clock: ManualClock
) -> None:
    await desk.booked(desk.scene.resident, at("09:00"))
    headers = await somebody(desk)
    await desk.held(headers, at("10:00"))
    assert await arrived(mailbox) == []
    assert "mail" not in {one.channel for one in await deliveries()}
    clock.advance(timedelta(minutes=6))
    assert await arrived(mailbox) == []


async def test_what_the_clinic_takes_back_goes_out_of_the_calendar(desk: Desk, mailbox: SmtpSink) -> None:
    headers = await somebody(desk)
    booked = await desk.booked(headers, at("09:00"))
    await arrived(mailbox)
    answer = await desk.post(f"/appointments/{booked['id']}/outcome", desk.scene.keeper, {"status": "entered-in-error"})
    assert answer.status_code == 200, answer.text
    (mail,) = await arrived(mailbox)
    assert invitation(mail)[0] == "CANCEL"
