"""Reminding: a week, a day and an hour before, and when it is time to join; and that somebody runs late."""

import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit, clock
from app.core.access import Actor
from notifications.api import Notice, seal_text, send_many
from telemedicine.appointments import notices, rules
from telemedicine.appointments.models import APPOINTMENTS
from telemedicine.appointments.service.keeping import REMINDED
from telemedicine.consultations.service.links import links_to_send

REACH: Final = timedelta(hours=4)
"""How far ahead a delay of somebody's is told: what comes later may yet be in time."""
_NOTICES: Final[Mapping[rules.Step, Notice]] = {
    "week": notices.REMINDER,
    "day": notices.REMINDER,
    "hour": notices.SOON,
    "now": notices.JOIN_NOW,
}
_INSTANT = sa.DateTime(timezone=True)
_IDS = sa.bindparam("ids", type_=ARRAY(sa.Uuid))
_DUE = sa.select(*(APPOINTMENTS.c[name] for name in ("id", "starts_at", "mode", "consultation_id"))).where(
    APPOINTMENTS.c.id == sa.any_(_IDS)
)


_told = (
    sa.func.unnest(_IDS, sa.bindparam("words", type_=ARRAY(sa.Text))).table_valued("id", "word").render_derived("told")
)


def _recipients(*more: Any) -> sa.Select[Any]:
    """Return whom to tell of the bound appointments, each once under the bound ``occasion`` and time."""
    pairs: list[Any] = [
        sa.literal_column("'resident'"),
        APPOINTMENTS.c.resident_id,
        sa.literal_column("'starts_at'"),
        APPOINTMENTS.c.starts_at,
        *more,
    ]
    key = sa.func.concat_ws(
        ":",
        sa.literal_column("'appointment'"),
        APPOINTMENTS.c.id,
        sa.bindparam("occasion", type_=sa.Text),
        APPOINTMENTS.c.sequence,
    )
    ids = sa.func.jsonb_build_object(
        sa.literal_column("'appointment_id'"),
        APPOINTMENTS.c.id,
        sa.literal_column("'consultation_id'"),
        APPOINTMENTS.c.consultation_id,
    )
    data = sa.func.jsonb_strip_nulls(ids, type_=JSONB)
    shown = sa.select(
        APPOINTMENTS.c.account_id,
        APPOINTMENTS.c.community_id,
        key.label("dedupe_key"),
        sa.func.jsonb_build_object(*pairs, type_=JSONB).label("variables"),
        data.label("data"),
        APPOINTMENTS.c.resident_id.label("about"),
        APPOINTMENTS.c.id.label("origin_id"),
    )
    return shown.join(_told, _told.c.id == APPOINTMENTS.c.id)


_REMINDED_OF = _recipients(sa.literal_column("'code'"), _told.c.word)
_LED_TO = _recipients(sa.literal_column("'link'"), _told.c.word)
_LATE_FOR = _recipients(sa.literal_column("'minutes'"), sa.bindparam("minutes", type_=sa.Integer))
_NEXT = sa.text("""
    UPDATE telemedicine_appointment a SET remind_at = w.at, updated_at = :now, version = a.version + 1
    FROM unnest(CAST(:ids AS uuid[]), CAST(:ats AS timestamptz[])) AS w (id, at) WHERE a.id = w.id""").bindparams(
    _IDS, sa.bindparam("ats", type_=ARRAY(_INSTANT)), sa.bindparam("now", type_=_INSTANT)
)
_WAITING = (
    sa.select(APPOINTMENTS.c.id)
    .where(
        APPOINTMENTS.c.practitioner_id == sa.bindparam("practitioner_id", type_=sa.Uuid),
        APPOINTMENTS.c.starts_at > sa.bindparam("since", type_=_INSTANT),
        APPOINTMENTS.c.starts_at < sa.bindparam("until", type_=_INSTANT),
        APPOINTMENTS.c.status.in_(["booked", "arrived", "checked-in"]),
    )
    .order_by(APPOINTMENTS.c.starts_at)
)


async def remind(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """Tell of locked appointments what is due, in each reader's language, and set when the next is."""
    now = clock.now()
    rows = list(await session.execute(_DUE, {"ids": list(ids)}))
    by_step: defaultdict[rules.Step, list[uuid.UUID]] = defaultdict(list)
    visits: dict[uuid.UUID, uuid.UUID] = {}
    for row in rows:
        # Late by a day, a worker tells what is true now, not what it missed.
        if step := rules.due_step(row.starts_at, row.mode, now):
            if step == "now" and row.consultation_id is not None:
                visits[row.id] = row.consultation_id
            else:
                by_step[step].append(row.id)
    if visits:
        await _lead(session, visits)
    for step, due in by_step.items():
        whom = {"ids": due, "words": [rules.reply_code(one) for one in due], "occasion": step}
        await send_many(session, _NOTICES[step], _REMINDED_OF, binds=whom, origin_kind=REMINDED)
    coming = [rules.next_reminder(row.starts_at, row.mode, now) for row in rows]
    following = {"ids": [row.id for row in rows], "ats": [one[0] if one else None for one in coming], "now": now}
    await session.execute(_NEXT, following)


async def _lead(session: AsyncSession, visits: Mapping[uuid.UUID, uuid.UUID]) -> None:
    """Tell of appointments whose visit is open how to come to it, with a link; to one that is over nobody is led."""
    links = await links_to_send(session, visits.values())
    led = {one: links[visit] for one, visit in visits.items() if visit in links}
    if led:
        words = [seal_text(link) for link in led.values()]
        whom = {"ids": list(led), "words": words, "occasion": "now"}
        await send_many(session, notices.JOIN_VISIT, _LED_TO, binds=whom, origin_kind=REMINDED)


async def tell_delay(session: AsyncSession, actor: Actor, practitioner_id: uuid.UUID, late_by: timedelta) -> int:
    """Tell those who are next with a practitioner how late it will be; return how many. Each delay is told once."""
    now = clock.now()
    # Whoever's time has just come is waiting, too.
    binds = {"practitioner_id": practitioner_id, "since": now - late_by, "until": now + REACH}
    due = list(await session.scalars(_WAITING, binds))
    minutes = round(late_by / timedelta(minutes=1))
    told = 0
    if due:
        more = {"ids": due, "words": [""] * len(due), "occasion": f"late:{minutes}", "minutes": minutes}
        told = await send_many(session, notices.LATE, _LATE_FOR, binds=more, origin_kind=REMINDED)
    await audit.record(session, actor, "practitioner:delay", object_id=practitioner_id)
    return told
