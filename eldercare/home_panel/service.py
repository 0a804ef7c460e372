"""A press on the wall of a home, taken as a word of the resident's."""

from contextlib import suppress

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.access import Actor
from app.identity.api import require_resident, resident_accounts
from eldercare.alarms.service import raise_alarm
from eldercare.check_ins.problems import AnswerContradicts, CheckInNotOpen
from eldercare.check_ins.schemas import AnswerWrite
from eldercare.check_ins.service.answers import answer
from eldercare.home_panel import rules, views
from eldercare.home_panel.rules import Press


async def call_for_help(session: AsyncSession, press: Press) -> None:
    """Raise an SOS as if the resident had pressed it in the app, or join the one that is open. Told of again it changes
    nothing.
    """
    actor = await _resident(session, press)
    if actor is not None:
        await raise_alarm(session, actor, rules.sos(press))


async def say_fine(session: AsyncSession, press: Press) -> None:
    """Answer what waits for a word: the check-ins of the last day, and the one shortly ahead. What was said stands."""
    actor = await _resident(session, press)
    if actor is None:
        return
    connection = await session.connection()
    subject = await require_resident(connection, actor, press.resident_id, "check_ins:answer")
    for check_in_id in await views.asked(connection, press.resident_id):
        with suppress(AnswerContradicts, CheckInNotOpen):
            await answer(session, actor, subject, check_in_id, AnswerWrite(status="ok"))


async def _resident(session: AsyncSession, press: Press) -> Actor | None:
    """Return the resident as the one who acts; ``None`` if there is no such resident any more."""
    accounts = await resident_accounts(await session.connection(), [press.resident_id])
    if press.resident_id not in accounts:
        return None
    return Actor(
        kind="account",
        id=accounts[press.resident_id],
        community_id=press.community_id,
        resident_id=press.resident_id,
    )
