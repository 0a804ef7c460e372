"""The SQL that moves check-ins from state to state, a batch in one statement each."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import chain
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.events import EmittingStatement
from app.core.tables import table_of
from eldercare.absences.repository import excuse, excuse_from_asking
from eldercare.check_ins import rules
from eldercare.check_ins.models import CHECK_INS, CheckInSchedule, shown
from eldercare.check_ins.schemas import CheckInDetail
from eldercare.events import CheckInAnswered

_schedules = table_of(CheckInSchedule)
_DETAIL_NAMES = [name for name in CheckInDetail.model_fields if name != "questions"]
_DETAIL = [shown(name) for name in _DETAIL_NAMES]
_FACT = ("resident_id", "plan_id", "answer", "how", "late")
_PAYLOAD = tuple(chain.from_iterable((sa.literal_column(f"'{name}'"), CHECK_INS.c[name]) for name in _FACT))

_IDS = sa.bindparam("ids", type_=ARRAY(sa.Uuid))
_NOW = sa.bindparam("now", type_=sa.DateTime(timezone=True))
_TOUCHED = "updated_at = :now, version = version + 1"
_ASKS = f"c.channel IN {rules.ASKING_CHANNELS}"
_NEXT_REMINDER = "(SELECT min({start} + r) FROM unnest(s.reminders) r WHERE {start} + r > :now)"


def _from(target: rules.State) -> str:
    states = ", ".join(f"'{state}'" for state in rules.sources(target))
    return f"state IN ({states})"


def _batch(text: str) -> sa.TextClause:
    return sa.text(text).bindparams(_IDS, _NOW)


_PROMPT = _batch(f"""
    WITH chosen AS (
        SELECT c.id, c.due_at, {excuse_from_asking("c", "c.due_at")} AS pause, {_ASKS} AS asks, s.answer_window,
               {_NEXT_REMINDER.format(start="c.due_at")} AS reminder
        FROM eldercare_check_in c JOIN eldercare_check_in_schedule s ON s.id = c.schedule_id
        WHERE c.id = ANY (:ids)
    ), moved AS (
        UPDATE eldercare_check_in c SET
            state = CASE WHEN pause IS NULL THEN 'prompted' ELSE 'excused' END,
            excuse = pause,
            next_prompt_at = NULL,
            prompted_at = CASE WHEN pause IS NULL THEN :now END,
            settle_by = CASE WHEN pause IS NULL AND asks THEN :settle_by END,
            asked_at = CASE WHEN pause IS NULL AND NOT asks THEN c.due_at END,
            answer_by = CASE WHEN pause IS NULL AND NOT asks THEN c.due_at + answer_window END,
            next_reminder_at = CASE WHEN pause IS NULL AND c.channel = 'call_in' THEN reminder END,
            closed_at = CASE WHEN pause IS NOT NULL THEN :now END,
            {_TOUCHED}
        FROM chosen WHERE c.id = chosen.id AND c.{_from("prompted")}
        RETURNING c.id, c.channel, c.state
    )
    SELECT channel, array_agg(id) AS ids FROM moved WHERE state = 'prompted' GROUP BY channel""").bindparams(  # noqa: S608
    sa.bindparam("settle_by", type_=sa.DateTime(timezone=True))
)


async def prompt(session: AsyncSession, ids: Sequence[uuid.UUID], now: datetime) -> dict[str, list[uuid.UUID]]:
    """Open the check-ins, or excuse those of residents who are away; return whom to ask over which channel."""
    binds = {"ids": list(ids), "now": now, "settle_by": now + rules.SETTLING}
    opened = await session.execute(_PROMPT, binds)
    return {row.channel: row.ids for row in opened if row.channel in rules.ASKING_CHANNELS}


_START = sa.text(f"""
    WITH reached AS (
        SELECT id, min(at) AS at FROM unnest(:ids, :instants) AS settled (id, at) GROUP BY id
    ), chosen AS (
        SELECT c.id, at, s.answer_window, {_NEXT_REMINDER.format(start="at")} AS reminder
        FROM eldercare_check_in c
        JOIN reached ON reached.id = c.id JOIN eldercare_check_in_schedule s ON s.id = c.schedule_id
    )
    UPDATE eldercare_check_in c SET
        asked_at = at, answer_by = at + answer_window, next_reminder_at = reminder, settle_by = NULL, {_TOUCHED}
    FROM chosen WHERE c.id = chosen.id AND state = 'prompted' AND asked_at IS NULL""").bindparams(  # noqa: S608
    _IDS, _NOW, sa.bindparam("instants", type_=ARRAY(sa.DateTime(timezone=True)))
)


async def start_windows(session: AsyncSession, reached: Mapping[uuid.UUID, datetime], now: datetime) -> None:
    """Begin the answer windows of check-ins whose prompt reached a working channel at the given instants."""
    await session.execute(_START, {"ids": list(reached), "instants": list(reached.values()), "now": now})


_GIVE_UP = _batch(f"""
    UPDATE eldercare_check_in SET settle_by = :now, {_TOUCHED}
    WHERE id = ANY (:ids) AND state = 'prompted' AND asked_at IS NULL AND settle_by > :now""")  # noqa: S608


async def give_up_asking(session: AsyncSession, ids: Sequence[uuid.UUID], now: datetime) -> None:
    """Make check-ins whose prompt reached nobody due for the decision that they could not be asked."""
    await session.execute(_GIVE_UP, {"ids": list(ids), "now": now})


# Two parts of ours may have been away at the same time: what both lost is lost once.
LOST: Final = """(
    SELECT sum(upper(gap) - lower(gap)) FROM unnest((
        SELECT range_agg(tstzrange(greatest(o.started_at, {start}), least(o.ended_at, {end}))) FROM eldercare_outage o
        WHERE o.ended_at > {start} AND o.started_at < {end})) AS gap)"""
"""The time between the expressions ``start`` and ``end`` in which a part of ours was down; empty if none was."""
# What was lost before an earlier reprieve has been given back.
_OPENED = "CASE WHEN c.round = 1 THEN c.asked_at ELSE greatest(c.asked_at, c.prompted_at) END"
_GIVE_BACK = _batch(f"""
    WITH robbed AS (
        SELECT c.id, c.schedule_id, {LOST.format(start=_OPENED, end="c.answer_by")} AS lost
        FROM eldercare_check_in c
        WHERE c.id = ANY (:ids) AND c.state = 'prompted' AND c.round <= :reprieves AND c.answer_by <= :now
    ), chosen AS (
        SELECT robbed.id, ends.at, {_NEXT_REMINDER.format(start="(ends.at - s.answer_window)")} AS reminder
        FROM robbed
        JOIN eldercare_check_in_schedule s ON s.id = robbed.schedule_id
        CROSS JOIN LATERAL (SELECT :now + greatest(lost, least(s.answer_window, :least)) AS at) ends
        WHERE lost > :outage
    )
    UPDATE eldercare_check_in c SET
        round = c.round + 1, prompted_at = :now, answer_by = chosen.at,
        next_reminder_at = CASE WHEN c.channel <> 'visit' THEN reminder END,
        {_TOUCHED}
    FROM chosen WHERE c.id = chosen.id
    RETURNING c.id, c.channel""").bindparams(  # noqa: S608
    sa.bindparam("outage", type_=sa.Interval), sa.bindparam("least", type_=sa.Interval)
)
_ASK_AGAIN = _batch(f"""
    UPDATE eldercare_check_in c SET
        round = c.round + 1, prompted_at = :now, settle_by = :settle_by, {_TOUCHED}
    WHERE c.id = ANY (:ids) AND c.state = 'prompted' AND c.round <= :reprieves AND c.settle_by <= :now
      AND {LOST.format(start="c.prompted_at", end="c.settle_by")} > :outage
    RETURNING c.id, c.channel""").bindparams(  # noqa: S608
    sa.bindparam("outage", type_=sa.Interval), sa.bindparam("settle_by", type_=sa.DateTime(timezone=True))
)


async def give_back(session: AsyncSession, ids: Sequence[uuid.UUID], now: datetime) -> dict[str, list[uuid.UUID]]:
    """Move the end of answer windows by what outages of ours took from them; return them by the channel to ask over.

    Reminders that are still to come move along.
    """
    binds = {"least": rules.ROOM_TO_ANSWER, "outage": rules.OUTAGE, "reprieves": rules.REPRIEVES}
    return _by_channel(await session.execute(_GIVE_BACK, {"ids": list(ids), "now": now, **binds}))


async def ask_again(session: AsyncSession, ids: Sequence[uuid.UUID], now: datetime) -> dict[str, list[uuid.UUID]]:
    """Give prompts that an outage of ours kept from settling their time anew; return them by the channel to ask over.

    Their answer windows have not begun, so nothing of those was lost.
    """
    binds = {"settle_by": now + rules.SETTLING, "outage": rules.OUTAGE, "reprieves": rules.REPRIEVES}
    return _by_channel(await session.execute(_ASK_AGAIN, {"ids": list(ids), "now": now, **binds}))


def _by_channel(rows: Iterable[sa.Row[Any]]) -> dict[str, list[uuid.UUID]]:
    ids: dict[str, list[uuid.UUID]] = defaultdict(list)
    for row in rows:
        ids[row.channel].append(row.id)
    return ids


def _closing(target: rules.State) -> sa.TextClause:
    return _batch(f"""
    UPDATE eldercare_check_in c SET
        state = '{target}', closed_at = :now, settle_by = NULL, next_reminder_at = NULL, {_TOUCHED}
    FROM eldercare_check_in_schedule s
    WHERE c.id = ANY (:ids) AND c.{_from(target)} AND s.id = c.schedule_id
    RETURNING c.id, c.resident_id, c.community_id, c.plan_id, c.due_at, c.asked_at, c.round, s.severity""")  # noqa: S608


_MISS = _closing("missed")
_UNASK = _closing("unasked")


async def close(
    session: AsyncSession, ids: Sequence[uuid.UUID], now: datetime, *, was_asked: bool
) -> Sequence[sa.Row[Any]]:
    """Close what nobody answered as missed, or as unasked; return what an alarm needs to know of each."""
    rows = await session.execute(_MISS if was_asked else _UNASK, {"ids": list(ids), "now": now})
    return rows.all()


_REMIND = _batch(f"""
    WITH chosen AS (
        SELECT c.id, c.answer_by > :now AS is_open,
               {_NEXT_REMINDER.format(start="(c.answer_by - s.answer_window)")} AS reminder
        FROM eldercare_check_in c JOIN eldercare_check_in_schedule s ON s.id = c.schedule_id
        WHERE c.id = ANY (:ids)
    )
    UPDATE eldercare_check_in c SET
        next_reminder_at = reminder,
        reminders_sent = c.reminders_sent + CASE WHEN is_open AND c.state = 'prompted' THEN 1 ELSE 0 END,
        {_TOUCHED}
    FROM chosen WHERE c.id = chosen.id
    RETURNING c.id, c.channel, is_open AND c.state = 'prompted' AS reminds""")  # noqa: S608


async def remind(session: AsyncSession, ids: Sequence[uuid.UUID], now: datetime) -> dict[str, list[uuid.UUID]]:
    """Move the reminders on; return, by channel, who is to be reminded (their window is still open)."""
    rows = await session.execute(_REMIND, {"ids": list(ids), "now": now})
    return _by_channel(row for row in rows if row.reminds)


def _excusing(why: str, condition: str, *binds: sa.BindParameter[Any]) -> sa.TextClause:
    return sa.text(f"""
    UPDATE eldercare_check_in SET
        state = 'excused', excuse = {why}, closed_at = :now, next_prompt_at = NULL, settle_by = NULL,
        next_reminder_at = NULL, {_TOUCHED}
    WHERE resident_id = ANY (:resident_ids) AND {_from("excused")} AND due_at <= :now AND {condition}""").bindparams(  # noqa: S608
        _NOW, sa.bindparam("resident_ids", type_=ARRAY(sa.Uuid)), *binds
    )


_EXCUSE_ALL = _excusing(":excuse", "true", sa.bindparam("excuse", type_=sa.Text))
_AWAY = excuse("eldercare_check_in", "due_at")
_EXCUSE_OPEN = _excusing(
    _AWAY, f"{_AWAY} IS NOT NULL AND (state = 'scheduled' OR answer_by > :now OR settle_by > :now)"
)


async def excuse_all(session: AsyncSession, resident_ids: Sequence[uuid.UUID], excuse: str, now: datetime) -> None:
    """Excuse whatever is open."""
    await session.execute(_EXCUSE_ALL, {"resident_ids": list(resident_ids), "excuse": excuse, "now": now})


async def excuse_open(session: AsyncSession, resident_id: uuid.UUID, now: datetime) -> None:
    """Excuse what fell to a resident who is away: what is due, and what was asked and can still be answered."""
    await session.execute(_EXCUSE_OPEN, {"resident_ids": [resident_id], "now": now})


_ANSWER_BINDS = (
    _NOW,
    sa.bindparam("id", type_=sa.Uuid),
    sa.bindparam("resident_id", type_=sa.Uuid),
    sa.bindparam("answered_by", type_=sa.Uuid),
    sa.bindparam("answer", type_=sa.Text),
    sa.bindparam("how", type_=sa.Text),
    sa.bindparam("answers", type_=sa.Text),
    sa.bindparam("mood", type_=sa.SmallInteger),
    sa.bindparam("sleep", type_=sa.SmallInteger),
    sa.bindparam("answered_at", type_=sa.DateTime(timezone=True)),
)
_given_now = sa.bindparam("given_now", type_=sa.DateTime(timezone=True))
_given_answer, _given_how = (sa.bindparam(f"given_{name}", type_=sa.Text) for name in ("answer", "how"))
_ANSWER = EmittingStatement(
    CheckInAnswered,
    sa.update(CHECK_INS)
    .where(
        CHECK_INS.c.id == sa.bindparam("given_id", type_=sa.Uuid),
        CHECK_INS.c.resident_id == sa.bindparam("given_resident_id", type_=sa.Uuid),
        # What a person says takes the place of what their home's activity said for them.
        sa.literal_column(f"({_from('answered')} OR how = 'home')", sa.Boolean),
        sa.or_(
            CHECK_INS.c.state != "scheduled",
            CHECK_INS.c.due_at <= sa.bindparam("opens", type_=sa.DateTime(timezone=True)),
        ),
    )
    .values(
        state="answered",
        answer=_given_answer,
        answered_at=sa.bindparam("given_answered_at", type_=sa.DateTime(timezone=True)),
        recorded_at=_given_now,
        answered_by=sa.bindparam("given_answered_by", type_=sa.Uuid),
        how=_given_how,
        answers=sa.bindparam("given_answers", type_=sa.Text),
        mood=sa.bindparam("given_mood", type_=sa.SmallInteger),
        sleep=sa.bindparam("given_sleep", type_=sa.SmallInteger),
        late=sa.literal_column("state IN ('missed', 'unasked')"),
        next_prompt_at=None,
        settle_by=None,
        next_reminder_at=None,
        updated_at=_given_now,
        version=CHECK_INS.c.version + 1,
    )
    .returning(
        CHECK_INS.c.id.label("aggregate_id"),
        sa.func.jsonb_build_object(*_PAYLOAD).label("payload"),
        CHECK_INS.c.community_id,
        CHECK_INS.c.schedule_id,
        *_DETAIL,
    ),
    lambda changed: sa.select(*(changed.c[name] for name in _DETAIL_NAMES), _schedules.c.questions).join(
        _schedules, _schedules.c.id == changed.c.schedule_id
    ),
)
_ESCALATE = sa.text(f"""
    UPDATE eldercare_check_in SET
        answer = :answer, answered_at = :answered_at, recorded_at = :now, answered_by = :answered_by, how = :how,
        answers = coalesce(:answers, answers), mood = coalesce(:mood, mood), sleep = coalesce(:sleep, sleep),
        {_TOUCHED}
    WHERE id = :id AND resident_id = :resident_id AND state = 'answered' AND answer <> :answer
    RETURNING id""").bindparams(*_ANSWER_BINDS)  # noqa: S608


async def record_answer(
    session: AsyncSession, values: Mapping[str, Any], *, opens: datetime
) -> Mapping[str, Any] | None:
    """Write an answer, with the fact of it, if the check-in is open to one (due by ``opens``).

    Returns the check-in as it is then, as ``CheckInDetail`` shows it, or ``None`` if it was not open.
    """
    return await _ANSWER.row(session, {f"given_{name}": value for name, value in values.items()} | {"opens": opens})


async def escalate(session: AsyncSession, values: Mapping[str, Any]) -> bool:
    """Turn an all-clear into a call for help; say whether it still was an all-clear."""
    return await session.scalar(_ESCALATE, dict(values)) is not None
