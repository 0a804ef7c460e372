"""Taking what a phone answers, whether it came through a provider or from the demo's outbox page."""

import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, cast

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core.problems import Conflict, Forbidden, NotFound
from app.core.rate_limits import Rate, use
from app.identity import api as identity
from app.policies.journeys.replies.rules import KEYS, NOT_HEARD, Outcome, read_wish
from app.policies.journeys.replies.texts import text_of
from eldercare import api as eldercare
from notifications import api as notifications
from telemedicine import api as telemedicine

_TRIES: Final = 3
# A phone that answers by itself must not keep us in conversation.
ANSWERS: Final = Rate(burst=6, period=timedelta(hours=1))


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of an answer, and what the phone is told, in its language."""

    outcome: Outcome
    text: str


async def phone_of(connection: AsyncConnection, message_id: uuid.UUID) -> notifications.OutboxPhone:
    """Return the demo's phone a message or a call went to; raises ``NotFound`` for one that went to none."""
    phone = await notifications.outbox_phone(connection, message_id)
    if phone is None:
        raise NotFound
    return phone


async def answer_from_outbox(session: AsyncSession, phone: notifications.OutboxPhone, text: str) -> Heard:
    """Take ``text`` as sent from the demo's phone, or as the key pressed in the call it got."""
    if phone.channel == "voice":
        return await press(session, phone.delivery_id, text, "outbox", phone.number)
    return await reply(session, phone.number, text, community_id=phone.community_id)


async def take_reply(session: AsyncSession, form: Mapping[str, str]) -> str:
    """Take the text message a provider hands in, once; return what to answer, nothing to who answers too often."""
    number, key = form.get("From", ""), form.get("MessageSid") or form.get("SmsSid", "")
    if not number or not key:
        return ""

    async def handle() -> str:
        return (await reply(session, number, form.get("Body", ""))).outcome

    outcome = cast(Outcome, await notifications.handle_once(session, f"reply:{key}", handle))
    connection = await session.connection()
    accounts = await identity.find_accounts_by_phone(connection, None, number)
    if not accounts or not (await use("replies", number, ANSWERS)).allowed:
        return ""
    return text_of(outcome, await _language(connection, accounts))


async def take_key(session: AsyncSession, delivery_id: uuid.UUID, form: Mapping[str, str]) -> str:
    """Take the key that was pressed in a call, once, and return the TwiML that follows; raises ``NotFound``.

    What voicemail is heard to press is no answer.
    """
    key, sid = form.get("Digits", ""), form.get("CallSid", "")
    if notifications.is_machine(form.get("AnsweredBy", "")):
        return notifications.last_words("", "")

    async def handle() -> str:
        return (await press(session, delivery_id, key, sid, form.get("To", ""))).outcome

    outcome = cast(Outcome, await notifications.handle_once(session, f"key:{delivery_id}:{sid}:{key}", handle))
    connection = await session.connection()
    if outcome in NOT_HEARD:
        return await notifications.speech(connection, delivery_id)
    call = await notifications.find_call(connection, delivery_id)
    language = await _language(connection, [call.account_id])
    return notifications.last_words(text_of(outcome, language), identity.language_for(language))


async def reply(session: AsyncSession, number: str, text: str, *, community_id: uuid.UUID | None = None) -> Heard:
    """Take a text message from a number, which may serve several people, of one community or of any.

    It speaks for those whose number it is known to be, in the communities that texted or called them of late.
    """
    connection = await session.connection()
    known = await identity.accounts_answering_at(connection, number)
    in_touch = await notifications.communities_in_touch(connection, list(known))
    accounts = [one for one, place in known.items() if place in in_touch and community_id in (None, place)]

    async def handle() -> Outcome:
        if not known:
            return "refused"
        return (
            await eldercare.acknowledge_reply(session, accounts, text)
            or await telemedicine.answer_reply(session, accounts, text)
            or await _answer(session, accounts, text)
        )

    match read_wish(text):
        case "stop":
            await notifications.opt_out(session, number)
            outcome: Outcome = "opted_out"
        case "start":
            await notifications.opt_in(session, number)
            outcome = "opted_in"
        case _:
            outcome = await _insisting(handle)
    return Heard(outcome, text_of(outcome, await _language(connection, accounts)))


async def press(session: AsyncSession, delivery_id: uuid.UUID, key: str, sid: str, number: str) -> Heard:
    """Take a key pressed in a call to a number; raises ``NotFound`` for an unknown call.

    A key it does not know changes nothing, nor does any at a number that nobody knows to be the person's.
    """
    connection = await session.connection()
    call = await notifications.find_call(connection, delivery_id)
    if call.account_id not in await identity.accounts_answering_at(connection, number):
        return Heard("refused", text_of("refused", await _language(connection, [call.account_id])))

    async def handle() -> Outcome:
        if key not in KEYS:
            return "unreadable"
        if "check_in_id" in call.data:
            return await _answer_call(session, call, key)
        if key != "1":
            return "unreadable"
        if "alarm_id" in call.data:
            return await eldercare.acknowledge_by_phone(session, call.account_id, uuid.UUID(call.data["alarm_id"]))
        return "heard"

    outcome = await _insisting(handle)
    if outcome not in NOT_HEARD:
        await notifications.confirm_key(session, delivery_id, sid)
    return Heard(outcome, text_of(outcome, await _language(connection, [call.account_id])))


async def _answer(session: AsyncSession, accounts: list[uuid.UUID], text: str) -> Outcome:
    return await eldercare.answer_reply(session, accounts, text)


async def _answer_call(session: AsyncSession, call: notifications.Call, key: str) -> Outcome:
    actor = await identity.actor_by_phone(await session.connection(), call.account_id)
    if actor is None or call.about is None:
        return "refused"
    answer = eldercare.AnswerWrite(status=KEYS[key])
    await eldercare.answer_check_in(session, actor, call.about, uuid.UUID(call.data["check_in_id"]), answer)
    return "answered"


async def _insisting(handle: Callable[[], Awaitable[Outcome]]) -> Outcome:
    """Return what comes of an answer, looking again where somebody else's came in between: nobody sends it twice."""
    for _ in range(_TRIES - 1):
        try:
            return await _understood(handle)
        except Conflict:
            continue
    return await _understood(handle)


async def _understood(handle: Callable[[], Awaitable[Outcome]]) -> Outcome:
    try:
        return await handle()
    except eldercare.AnswerContradicts:
        return "contradicts"
    except eldercare.CheckInNotOpen:
        return "too_early"
    except (Forbidden, NotFound):
        return "refused"


async def _language(connection: AsyncConnection, accounts: list[uuid.UUID]) -> str:
    spoken = await identity.languages(connection, accounts[:1])
    return next(iter(spoken.values()), "en")
