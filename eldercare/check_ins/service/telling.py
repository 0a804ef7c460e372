"""Who gets which notice about check-ins, as SQL that tells a whole batch at once."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.tables import table_of
from eldercare.absences.models import Absence
from eldercare.care_circle.models import CircleMember
from eldercare.check_ins.notices import (
    CHECK_IN_ANSWERED_LATE,
    CHECK_IN_MISSED,
    PAUSE_ANNOUNCED,
    PAUSE_ENDED,
    PROMPT_ORIGIN,
    PROMPTS,
    REMINDERS,
)
from notifications.api import Notice, send, send_many

_INSTANT = sa.DateTime(timezone=True)
_COLUMNS: Final[dict[str, Any]] = {
    "account_id": sa.Uuid,
    "community_id": sa.Uuid,
    "dedupe_key": sa.Text,
    "variables": JSONB,
    "data": JSONB,
    "about": sa.Uuid,
    "origin_id": sa.Uuid,
    "expires_at": _INSTANT,
    "collapse_key": sa.Text,
}
_DATA = """jsonb_build_object(
    'check_in_id', CAST(c.id AS text), 'due_at', to_json(c.due_at) #>> '{}',
    'late_by_seconds', CAST(CAST(floor(extract(epoch FROM c.prompted_at - CASE
        WHEN c.passive_until <= c.prompted_at THEN c.passive_until ELSE c.due_at END)) AS bigint) AS text))"""
_WHEN = "jsonb_build_object('due_at', c.due_at)"
_WHEN_AND_CODE = "jsonb_build_object('due_at', c.due_at, 'code', c.reply_code)"
_WHO_AND_WHEN = "jsonb_build_object('resident', c.resident_id, 'due_at', c.due_at)"


def _select(text: str, **columns: Any) -> sa.Select[Any]:
    # Every text is a constant of this module: values come as binds.
    yielded = columns or _COLUMNS
    chosen = sa.text(text).bindparams(sa.bindparam("check_in_ids", type_=ARRAY(sa.Uuid)))
    return sa.select(chosen.columns(*(sa.column(name, kind) for name, kind in yielded.items())).subquery("chosen"))


def _to_residents(part: str, expires_at: str, variables: str, *, each: str = "c.round") -> sa.Select[Any]:
    # One collapse key: on the phone a reminder takes the place of the prompt. The rows are found by nothing but their
    # ids: in a storm the statistics still say that nobody is 'prompted', and that condition would mislead the planner.
    return _select(f"""
        SELECT c.account_id, c.community_id, concat_ws('-', 'check_in', c.id, '{part}', {each}) AS dedupe_key,
               {variables} AS variables, {_DATA} AS data, c.resident_id AS about, c.id AS origin_id,
               {expires_at} AS expires_at, concat_ws('-', 'check_in', c.id) AS collapse_key
        FROM eldercare_check_in c
        WHERE c.id = ANY (:check_in_ids)""")  # noqa: S608


_EACH_REMINDER = "c.round, c.reminders_sent"
_PROMPTED = {
    channel: _to_residents(
        "prompt", "coalesce(c.settle_by, c.answer_by)", _WHEN if channel == "voice" else _WHEN_AND_CODE
    )
    for channel in PROMPTS
}
_REMINDED = {
    channel: _to_residents(
        "reminder",
        "c.answer_by",
        _WHEN_AND_CODE if channel in ("app", "sms") else _WHEN,
        each=_EACH_REMINDER,
    )
    for channel in REMINDERS
}


def _to_others(part: str) -> sa.Select[Any]:
    # Only who is in the circle now: a plan may name somebody who has left it since.
    return _select(
        f"""
        SELECT told.account_id, c.community_id, concat_ws('-', 'check_in', c.id, '{part}', c.round) AS dedupe_key,
               {_WHO_AND_WHEN} AS variables, {_DATA} AS data, c.resident_id AS about,
               concat_ws('-', 'check_in', c.id) AS collapse_key
        FROM eldercare_check_in c
        JOIN eldercare_check_in_schedule s ON s.id = c.schedule_id
        CROSS JOIN unnest(s.told) AS told (account_id)
        WHERE c.id = ANY (:check_in_ids) AND {_IN_CIRCLE}""",  # noqa: S608
        **{name: kind for name, kind in _COLUMNS.items() if name not in ("origin_id", "expires_at")},
    )


_IN_CIRCLE = """EXISTS (
    SELECT FROM eldercare_circle_member m
    WHERE m.resident_id = c.resident_id AND m.account_id = told.account_id AND m.state = 'accepted')"""
_TOLD_OF_MISS = _to_others("missed")
_TOLD_OF_LATE = _to_others("answered_late")


async def send_prompts(session: AsyncSession, opened: Mapping[str, Sequence[uuid.UUID]]) -> None:
    """Ask the residents of check-ins that have just been opened (channel → ids)."""
    for channel in sorted(opened.keys() & PROMPTS.keys()):
        binds = {"check_in_ids": list(opened[channel])}
        await send_many(session, PROMPTS[channel], _PROMPTED[channel], binds=binds, origin_kind=PROMPT_ORIGIN)


async def send_reminders(session: AsyncSession, reminded: Mapping[str, Sequence[uuid.UUID]]) -> None:
    """Remind the residents of check-ins (channel → ids) that they have not answered."""
    for channel in sorted(reminded.keys() & REMINDERS.keys()):
        binds = {"check_in_ids": list(reminded[channel])}
        await send_many(session, REMINDERS[channel], _REMINDED[channel], binds=binds, origin_kind=_REMINDER_ORIGIN)


_REMINDER_ORIGIN = "eldercare.check_in_reminder"


async def tell_of_misses(session: AsyncSession, check_in_ids: Collection[uuid.UUID]) -> None:
    """Tell those the plans name that nobody answered."""
    await _tell(session, CHECK_IN_MISSED, _TOLD_OF_MISS, check_in_ids)


async def tell_of_late_answer(session: AsyncSession, check_in_id: uuid.UUID) -> None:
    """Tell those who were told of the miss that the answer came after all."""
    await _tell(session, CHECK_IN_ANSWERED_LATE, _TOLD_OF_LATE, [check_in_id])


async def _tell(
    session: AsyncSession, notice: Notice, statement: sa.Select[Any], check_in_ids: Collection[uuid.UUID]
) -> None:
    await send_many(session, notice, statement, binds={"check_in_ids": list(check_in_ids)})


_members = table_of(CircleMember)
_CIRCLE = sa.select(_members.c.account_id).where(
    _members.c.resident_id == sa.bindparam("resident_id", type_=sa.Uuid), _members.c.state == "accepted"
)


async def circle_accounts(session: AsyncSession, resident_id: uuid.UUID) -> set[uuid.UUID]:
    """Return the accounts of those who said yes to being in the resident's care circle."""
    return set((await session.scalars(_CIRCLE, {"resident_id": resident_id})).all())


async def announce_pause(session: AsyncSession, pause: Absence, besides: uuid.UUID) -> None:
    """Tell the circle (``besides`` whoever made it) that nobody is asked for a while."""
    told = await circle_accounts(session, pause.resident_id) - {besides}
    await send(
        session,
        PAUSE_ANNOUNCED,
        sorted(told),
        community_id=pause.community_id,
        dedupe_key=f"check_in_pause-{pause.id}",
        variables={"resident": pause.resident_id, "starts_at": pause.starts_at, "ends_at": pause.ends_at},
        about=pause.resident_id,
        data={"pause_id": str(pause.id)},
    )


async def announce_end_of_pause(session: AsyncSession, pause: Absence, besides: uuid.UUID) -> None:
    """Tell the circle (``besides`` whoever ended it) that the resident is asked again."""
    told = await circle_accounts(session, pause.resident_id) - {besides}
    await send(
        session,
        PAUSE_ENDED,
        sorted(told),
        community_id=pause.community_id,
        dedupe_key=f"check_in_pause-{pause.id}-ended",
        variables={"resident": pause.resident_id},
        about=pause.resident_id,
        data={"pause_id": str(pause.id)},
    )
