"""Taking what the provider reports: a status changes the delivery, silence on the phone is no success."""

import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core import clock, wakeups
from app.core.problems import NotFound
from app.identity import api as identity
from notifications.callbacks import repository, rules
from notifications.callbacks.texts import GOODBYE
from notifications.channels import registry, twilio_links
from notifications.channels.twilio_messages import reason
from notifications.delivery.rules import LANES, wake_channel
from notifications.receipts.service import record_receipt
from notifications.sending.patience import patience_with
from notifications.sending.repository import fall_back
from notifications.sending.telling import tell
from notifications.templates.names import names_of
from notifications.templates.notices import notices
from notifications.templates.rendering import CannotRender, Reader, Text, render


@dataclass(frozen=True, slots=True)
class Call:
    """What a call is about: who is called, and what the app would get beside the text (ids)."""

    account_id: uuid.UUID
    community_id: uuid.UUID
    about: uuid.UUID | None
    data: Mapping[str, str]


async def report_message(session: AsyncSession, delivery_id: uuid.UUID, form: Mapping[str, str]) -> None:
    """Take a text message's status; the same one again, or an older one, changes nothing."""
    status = form.get("MessageStatus") or form.get("SmsStatus", "")
    sid = form.get("MessageSid") or form.get("SmsSid", "")
    progress = rules.progress_of_message(status)
    if progress == "failed":
        await _fail(session, delivery_id, sid, reason(form.get("ErrorCode") or status))
        return
    await _confirm(session, delivery_id, sid)
    if progress in ("delivered", "opened"):
        await record_receipt(session, delivery_id, "opened" if progress == "opened" else "delivered", clock.now())


async def report_call(session: AsyncSession, delivery_id: uuid.UUID, form: Mapping[str, str]) -> None:
    """Take a call's status: one that ended without a key has reached nobody, whoever or whatever picked it up."""
    status, sid = form.get("CallStatus", ""), form.get("CallSid", "")
    match rules.progress_of_call(status):
        case "failed":
            await _fail(session, delivery_id, sid, status.replace("-", "_"))
        case "completed":
            await _fail(session, delivery_id, sid, rules.NO_KEY)
        case _:
            await _confirm(session, delivery_id, sid)


async def confirm_key(session: AsyncSession, delivery_id: uuid.UUID, sid: str) -> None:
    """Note that somebody pressed a key in a call: it has reached a person."""
    await _confirm(session, delivery_id, sid)
    await record_receipt(session, delivery_id, "opened", clock.now())


async def handle_once(session: AsyncSession, key: str, handle: Callable[[], Awaitable[str]]) -> str:
    """Return what ``handle`` makes of a request of the provider, or made of it the first time it came."""
    earlier = await repository.first_outcome(session, key)
    if earlier is not None:
        return earlier
    outcome = await handle()
    await repository.remember_outcome(session, key, outcome)
    return outcome


async def find_call(connection: AsyncConnection, delivery_id: uuid.UUID) -> Call:
    """Return what a call is about; raises ``NotFound``."""
    row = await repository.find_call(connection, delivery_id)
    if row is None:
        raise NotFound
    return Call(row.account_id, row.community_id, row.about, row.data)


async def communities_in_touch(connection: AsyncConnection, account_ids: Sequence[uuid.UUID]) -> set[uuid.UUID]:
    """Return the communities that texted or called one of the accounts of late: those whom a reply can be for."""
    return await repository.communities_in_touch(connection, account_ids, clock.now() - rules.REPLIES_WITHIN)


async def speech(connection: AsyncConnection, delivery_id: uuid.UUID) -> str:
    """Return the TwiML of a call: what it says, in the language of who is called, and where pressed keys go.

    Raises ``NotFound`` for a call that is unknown or has nothing to say any more.
    """
    text = await _spoken_text(connection, delivery_id)
    action = twilio_links.url("calls", delivery_id, "keys")
    return rules.speech(text.body, GOODBYE[text.language], text.language, action)


async def _spoken_text(connection: AsyncConnection, delivery_id: uuid.UUID) -> Text:
    row = await repository.find_call(connection, delivery_id)
    notice = notices().get(row.notice_key) if row else None
    if row is None or notice is None:
        raise NotFound
    person = (await identity.people(connection, [row.account_id])).get(row.account_id)
    if person is None:
        raise NotFound
    names = await names_of(connection, [(notice, row.variables)])
    try:
        return render(notice, "voice", Reader(person.name, person.language, person.time_zone), row.variables, names)
    except CannotRender:
        raise NotFound from None


async def _confirm(session: AsyncSession, delivery_id: uuid.UUID, sid: str) -> None:
    """Settle a delivery whose sender never learned that the provider took it: nobody needs to send it again."""
    found = await repository.confirm(session, delivery_id, sid)
    if found is None:
        return
    if found.delivered_at is not None:
        await tell(session, [(found, "delivered", True)])
        return
    patience = patience_with(found, confirms=registry.reports(found.channel))
    if patience is not None:
        await repository.await_receipt(session, delivery_id, clock.now() + patience)
    await tell(session, [(found, "sent", patience is None)])


async def _fail(session: AsyncSession, delivery_id: uuid.UUID, sid: str, error: str) -> None:
    found = await repository.fail(session, delivery_id, sid, error)
    if found is None:
        return
    if found.fallbacks:
        await fall_back(session, [found.id])
        wakeups.request(session, wake_channel(LANES[found.lane]))
    await tell(session, [(found, "failed", not found.fallbacks)])
