"""Replies by text message: a word and the code of the prompt, because one number may serve several people."""

import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Final, Literal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.access import Actor
from app.core.tables import table_of
from app.identity.api import require_resident
from eldercare.check_ins.models import CheckIn
from eldercare.check_ins.rules import read_reply
from eldercare.check_ins.schemas import AnswerWrite
from eldercare.check_ins.service.answers import answer

Outcome = Literal["answered", "ambiguous", "unreadable"]

_REPLIES_WITHIN: Final = timedelta(hours=24)
_check_ins = table_of(CheckIn)
_CANDIDATES = sa.select(
    _check_ins.c.id,
    _check_ins.c.account_id,
    _check_ins.c.resident_id,
    _check_ins.c.community_id,
    _check_ins.c.reply_code,
).where(
    _check_ins.c.account_id == sa.any_(sa.bindparam("account_ids", type_=ARRAY(sa.Uuid))),
    _check_ins.c.due_at >= sa.bindparam("since", type_=sa.DateTime(timezone=True)),
    _check_ins.c.state.in_(["prompted", "missed", "unasked", "answered"]),
    _check_ins.c.prompted_at.is_not(None),
)


async def answer_reply(session: AsyncSession, account_ids: Sequence[uuid.UUID], text: str) -> Outcome:
    """Take a text message from a number that serves ``account_ids`` as the answer to a check-in of one of them.

    Without a code, or with one that fits several, it is taken only if it can mean one check-in. Otherwise nothing
    changes, and whoever received it asks back. Raises what ``answer`` raises.
    """
    reply = read_reply(text)
    if reply is None:
        return "unreadable"
    binds = {"account_ids": list(account_ids), "since": clock.now() - _REPLIES_WITHIN}
    rows = (await session.execute(_CANDIDATES, binds)).all()
    meant = [row for row in rows if reply.code in (None, row.reply_code)]
    if len(meant) != 1:
        return "ambiguous"
    row = meant[0]
    actor = Actor(kind="account", id=row.account_id, community_id=row.community_id, resident_id=row.resident_id)
    subject = await require_resident(await session.connection(), actor, row.resident_id, "check_ins:answer")
    await answer(session, actor, subject, row.id, AnswerWrite(status=reply.answer))
    return "answered"
