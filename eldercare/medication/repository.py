"""The SQL that plans doses and moves them from state to state, a batch in one statement each."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.core import set_ids
from app.core.recurrence import Occurrence
from eldercare.absences.repository import excuse, excuse_from_asking
from eldercare.check_ins.repository import LOST
from eldercare.check_ins.rules import OUTAGE, ROOM_TO_ANSWER
from eldercare.medication import rules
from eldercare.medication.models import DOSES, REGIMENS, VERSIONS, Dose

_INSTANT = sa.DateTime(timezone=True)
_UUIDS = ARRAY(sa.Uuid)
_IDS = sa.bindparam("ids", type_=_UUIDS)
_NOW = sa.bindparam("now", type_=_INSTANT)
_ROOM = sa.bindparam("room", type_=sa.Interval)
_TOUCHED = "updated_at = :now, version = version + 1"
_AWAITED = "state IN ('scheduled', 'reminded')"


def _from(target: rules.State) -> str:
    states = ", ".join(f"'{state}'" for state in rules.sources(target))
    return f"state IN ({states})"


def _batch(text: str, *binds: sa.BindParameter[Any]) -> sa.TextClause:
    return sa.text(text).bindparams(_IDS, _NOW, *binds)


# Planning -----------------------------------------------------------------------------------------------------------

_INSERT = sa.text(f"""
    WITH member AS MATERIALIZED (  -- each looked up once, not once for each of its moments
        SELECT m.of_group, r.community_id, r.resident_id, r.account_id, r.id AS regimen_id, v.id AS version_id,
            v.critical, v.reminds, v.quantity, v.unit, v.dose_window
        FROM unnest(:regimen_ids, :member_groups) AS m (regimen_id, of_group)
        JOIN eldercare_regimen r ON r.id = m.regimen_id
        JOIN eldercare_regimen_version v ON v.id = r.version_id
    ), occurrence AS (
        SELECT * FROM unnest(:groups, :due_ats, :local_dates) AS o (of_group, due_at, local_date)
    )
    INSERT INTO eldercare_dose (id, created_at, updated_at, version, community_id, resident_id, account_id, regimen_id,
        version_id, kind, due_at, local_date, state, critical, reminds, quantity, unit, window_ends_at, remind_at,
        reminders_sent, reprieves, late, confirmed)
    SELECT {set_ids.MINT_SQL}, :now, :now, 1, m.community_id, m.resident_id, m.account_id, m.regimen_id, m.version_id,
        'planned', o.due_at, o.local_date, 'scheduled', m.critical, m.reminds, m.quantity, m.unit,
        o.due_at + m.dose_window, o.due_at, 0, 0, false, false
    FROM member m
    JOIN occurrence o ON o.of_group = m.of_group
    ON CONFLICT DO NOTHING""").bindparams(  # noqa: S608 - constants of ours
    _NOW,
    sa.bindparam("regimen_ids", type_=_UUIDS),
    sa.bindparam("member_groups", type_=ARRAY(sa.Integer)),
    sa.bindparam("groups", type_=ARRAY(sa.Integer)),
    sa.bindparam("due_ats", type_=ARRAY(_INSTANT)),
    sa.bindparam("local_dates", type_=ARRAY(sa.Date)),
)


@dataclass(frozen=True, slots=True)
class Group:
    """Regimens whose doses fall on the same moments."""

    regimen_ids: Sequence[uuid.UUID]
    occurrences: Sequence[Occurrence]


async def insert_doses(session: AsyncSession, groups: Sequence[Group], now: datetime) -> None:
    """Write the doses of all regimens of the groups in one statement; what exists already stays as it is."""
    members = [(regimen_id, number) for number, group in enumerate(groups) for regimen_id in group.regimen_ids]
    moments = [(number, occurrence) for number, group in enumerate(groups) for occurrence in group.occurrences]
    if not moments:
        return
    binds = {
        "regimen_ids": [regimen_id for regimen_id, _ in members],
        "member_groups": [number for _, number in members],
        "groups": [number for number, _ in moments],
        "due_ats": [occurrence.due_at for _, occurrence in moments],
        "local_dates": [occurrence.local_date for _, occurrence in moments],
        "now": now,
        "minted_at": set_ids.minted_at(now),
    }
    await session.execute(_INSERT, binds)


_PLANNED = sa.text("""
    UPDATE eldercare_regimen r SET
        planned_until = :horizon,
        plan_at = CASE WHEN v.timing <> 'as_needed' AND coalesce(v.ends_on >= :over_by, true) THEN :again END
    FROM eldercare_regimen_version v
    WHERE r.id = ANY (:ids) AND r.state = 'active' AND v.id = r.version_id""").bindparams(
    _IDS,
    sa.bindparam("horizon", type_=_INSTANT),
    sa.bindparam("again", type_=_INSTANT),
    sa.bindparam("over_by", type_=sa.Date),
)


async def mark_planned(
    session: AsyncSession, ids: Sequence[uuid.UUID], *, horizon: datetime, again: datetime, over_by: date
) -> None:
    """Note how far regimens are planned, and when they are planned again: not at all if their last day lies before."""
    binds = {"ids": list(ids), "horizon": horizon, "again": again, "over_by": over_by}
    await session.execute(_PLANNED, binds)


_FORGET = (
    sa.delete(DOSES)
    .where(
        DOSES.c.resident_id == sa.any_(sa.bindparam("resident_ids", type_=_UUIDS)),
        DOSES.c.regimen_id == sa.any_(_IDS),
        DOSES.c.kind == sa.literal("planned"),
        DOSES.c.state == sa.literal("scheduled"),
        DOSES.c.due_at > _NOW,
    )
    .returning(DOSES.c.regimen_id, DOSES.c.due_at, DOSES.c.local_date)
)
_PASS_OVER = sa.text("""
    UPDATE eldercare_regimen r SET planned_until = passed.until
    FROM unnest(:ids, :untils) AS passed (id, until)
    WHERE r.id = passed.id AND r.planned_until < passed.until""").bindparams(
    _IDS, sa.bindparam("untils", type_=ARRAY(_INSTANT))
)


async def forget_ahead(
    session: AsyncSession, regimens: Mapping[uuid.UUID, uuid.UUID], now: datetime
) -> dict[uuid.UUID, list[Occurrence]]:
    """Delete the planned doses of ``regimens`` (id → resident) that lie ahead: nobody was reminded of them yet.

    Returns when they were due, by regimen.
    """
    binds = {"ids": list(regimens), "resident_ids": list(set(regimens.values())), "now": now}
    forgotten: dict[uuid.UUID, list[Occurrence]] = {}
    for row in await session.execute(_FORGET, binds):
        forgotten.setdefault(row.regimen_id, []).append(Occurrence(row.due_at, row.local_date))
    return forgotten


async def pass_over(session: AsyncSession, until: Mapping[uuid.UUID, datetime]) -> None:
    """Let nothing more be planned for regimens before the instants."""
    await session.execute(_PASS_OVER, {"ids": list(until), "untils": list(until.values())})


# Reminding and closing ----------------------------------------------------------------------------------------------

_NEXT = "(SELECT min(c.due_at + r) FROM unnest(v.reminders) r WHERE c.due_at + r > :now)"
_REMIND = _batch(
    f"""
    WITH chosen AS (
        SELECT c.id, CASE WHEN c.opened_at IS NULL THEN {excuse_from_asking("c", "c.due_at")}
                    ELSE {excuse("c", "c.due_at")} END AS pause, c.remind_at AS moment, c.opened_at IS NULL AS opens,
               c.window_ends_at <= :now AS is_over, {_NEXT} AS next_at,
               CASE WHEN c.opened_at IS NULL THEN greatest(c.window_ends_at, :now + least(v.dose_window, :room))
                    ELSE c.window_ends_at END AS ends
        FROM eldercare_dose c JOIN eldercare_regimen_version v ON v.id = c.version_id
        WHERE c.id = ANY (:ids) AND c.{_AWAITED}
    )
    UPDATE eldercare_dose c SET
        state = CASE WHEN pause IS NULL THEN c.state ELSE 'excused' END,
        excuse = pause,
        closed_at = CASE WHEN pause IS NOT NULL THEN :now END,
        opened_at = coalesce(c.opened_at, CASE WHEN is_over THEN :now ELSE c.due_at END),
        window_ends_at = CASE WHEN is_over THEN c.window_ends_at ELSE ends END,
        close_at = CASE WHEN pause IS NOT NULL THEN NULL WHEN NOT opens THEN c.close_at WHEN is_over THEN :now
                        ELSE ends END,
        remind_at = CASE WHEN pause IS NULL AND NOT is_over AND c.reminds AND next_at < ends THEN next_at END,
        reminders_sent = c.reminders_sent + CASE WHEN pause IS NULL AND NOT is_over AND c.reminds THEN 1 ELSE 0 END,
        {_TOUCHED}
    FROM chosen WHERE c.id = chosen.id
    RETURNING c.id, chosen.moment, pause IS NULL AND NOT is_over AND c.reminds AS reminds""",  # noqa: S608
    _ROOM,
)


async def remind(session: AsyncSession, ids: Sequence[uuid.UUID], now: datetime) -> dict[uuid.UUID, datetime]:
    """Open doses that fell due, excuse those of residents who are away, move reminders on.

    Returns of which doses residents are to be reminded, each with the moment that was meant. One that fell due so long
    ago that its window is over (a worker was away) is closed without a word: what is to be done so late is for people
    to decide, not for a reminder.
    """
    rows = await session.execute(_REMIND, {"ids": list(ids), "now": now, "room": ROOM_TO_ANSWER})
    return {row.id: row.moment for row in rows if row.reminds}


# One reminder is for all that is due at one moment: ``ids`` are the doses that stand for the others.
_REACHED = _batch(f"""
    UPDATE eldercare_dose c SET
        state = 'reminded', reminded_at = coalesce(c.reminded_at, :now), updated_at = :now, version = c.version + 1
    FROM eldercare_dose told
    WHERE told.id = ANY (:ids) AND c.resident_id = told.resident_id AND c.due_at = told.due_at
      AND c.reminders_sent > 0 AND c.{_from("reminded")} AND c.{_AWAITED}""")  # noqa: S608


async def mark_reminded(session: AsyncSession, ids: Sequence[uuid.UUID], now: datetime) -> None:
    """Note that the reminders which stand for these doses reached their residents."""
    await session.execute(_REACHED, {"ids": list(ids), "now": now})


_GIVE_BACK = _batch(
    f"""
    WITH robbed AS (
        SELECT c.id, c.version_id, {LOST.format(start="c.opened_at", end="c.close_at")} AS lost FROM eldercare_dose c
        WHERE c.id = ANY (:ids) AND c.{_AWAITED} AND c.reprieves < :reprieves AND c.close_at <= :now
    ), chosen AS (
        SELECT robbed.id, :now + greatest(lost, least(v.dose_window, :room)) AS ends
        FROM robbed JOIN eldercare_regimen_version v ON v.id = robbed.version_id
        WHERE lost > :outage
    )
    UPDATE eldercare_dose c SET
        opened_at = :now, window_ends_at = ends, close_at = ends, reprieves = c.reprieves + 1,
        remind_at = CASE WHEN c.reminds THEN :now END,
        {_TOUCHED}
    FROM chosen WHERE c.id = chosen.id
    RETURNING c.id""",  # noqa: S608
    _ROOM,
    sa.bindparam("outage", type_=sa.Interval),
)


async def give_back(session: AsyncSession, ids: Sequence[uuid.UUID], now: datetime) -> set[uuid.UUID]:
    """Move the end of windows by what outages of ours took from them; return which. Their residents are reminded."""
    binds = {"ids": list(ids), "now": now, "room": ROOM_TO_ANSWER, "outage": OUTAGE, "reprieves": rules.REPRIEVES}
    return set(await session.scalars(_GIVE_BACK, binds))


_CLOSE = _batch(f"""
    WITH chosen AS (
        SELECT c.id, {excuse("c", "c.due_at")} AS pause FROM eldercare_dose c WHERE c.id = ANY (:ids)
    )
    UPDATE eldercare_dose c SET
        state = CASE WHEN pause IS NULL THEN 'missed' ELSE 'excused' END, excuse = pause, closed_at = :now,
        remind_at = NULL, close_at = NULL, {_TOUCHED}
    FROM chosen WHERE c.id = chosen.id AND c.{_from("missed")}
    RETURNING c.id, c.state, c.resident_id, c.community_id, c.regimen_id, c.due_at, c.critical""")  # noqa: S608


async def close(session: AsyncSession, ids: Sequence[uuid.UUID], now: datetime) -> Sequence[sa.Row[Any]]:
    """Close what nobody recorded: missed, or excused where the resident is away; return those that were missed."""
    rows = await session.execute(_CLOSE, {"ids": list(ids), "now": now})
    return [row for row in rows if row.state == "missed"]


_EXCUSE = _batch(
    f"""
    UPDATE eldercare_dose SET
        state = 'excused', excuse = :excuse, closed_at = :now, remind_at = NULL, close_at = NULL, {_TOUCHED}
    WHERE resident_id = ANY (:resident_ids) AND regimen_id = ANY (:ids) AND {_AWAITED} AND due_at <= :now
    RETURNING id""",  # noqa: S608
    sa.bindparam("resident_ids", type_=_UUIDS),
    sa.bindparam("excuse", type_=sa.Text),
)


async def excuse_open(
    session: AsyncSession, regimens: Mapping[uuid.UUID, uuid.UUID], excuse: str, now: datetime
) -> list[uuid.UUID]:
    """Excuse the doses of ``regimens`` (id → resident) that are due and not recorded; return which."""
    binds = {"ids": list(regimens), "resident_ids": list(set(regimens.values())), "excuse": excuse, "now": now}
    return list(await session.scalars(_EXCUSE, binds))


_QUIET = sa.text(f"""
    SELECT other.id FROM eldercare_dose changed
    JOIN eldercare_dose other ON other.resident_id = changed.resident_id AND other.due_at = changed.due_at
    WHERE changed.id = ANY (:ids) AND NOT EXISTS (
        SELECT FROM eldercare_dose c
        WHERE c.resident_id = changed.resident_id AND c.due_at = changed.due_at AND c.{_AWAITED})""").bindparams(_IDS)  # noqa: S608


async def no_longer_awaited(session: AsyncSession, ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """Return the doses of all moments of ``ids`` at which nothing is waited for any more: one reminder spoke of all."""
    return list(await session.scalars(_QUIET, {"ids": list(ids)}))


# Recording ----------------------------------------------------------------------------------------------------------

_MOMENT = (
    sa.select(Dose)
    .where(
        col(Dose.resident_id) == sa.bindparam("resident_id", type_=sa.Uuid),
        col(Dose.due_at)
        == sa.select(DOSES.c.due_at)
        .where(
            DOSES.c.id == sa.bindparam("dose_id", type_=sa.Uuid),
            DOSES.c.resident_id == sa.bindparam("resident_id", type_=sa.Uuid),
        )
        .scalar_subquery(),
    )
    .order_by(col(Dose.id))
    .with_for_update(key_share=True)
    .execution_options(populate_existing=True)
)


async def lock_dose(session: AsyncSession, resident_id: uuid.UUID, dose_id: uuid.UUID) -> Dose | None:
    """Return a resident's dose, locked and fresh, with all others of its moment locked, too.

    One reminder speaks of all of them: who records the last one must know that it is the last.
    """
    doses = await session.scalars(_MOMENT, {"resident_id": resident_id, "dose_id": dose_id})
    return next((dose for dose in doses if dose.id == dose_id), None)


_LOCK_RESIDENT = sa.select(sa.func.pg_advisory_xact_lock(sa.bindparam("lock", type_=sa.BigInteger)))
_LOCK_SALT: Final = 0x6D656469636174
"""``medicat``: keeps this lock apart from others that are taken by a resident's id."""


async def take_turns(session: AsyncSession, resident_id: uuid.UUID) -> None:
    """Let nobody else change the resident's regimens or record a dose as needed until commit."""
    await session.execute(_LOCK_RESIDENT, {"lock": (resident_id.int ^ _LOCK_SALT) & (2**63 - 1)})


_drug = sa.or_(
    REGIMENS.c.drug_index == sa.bindparam("drug_index", type_=sa.LargeBinary),
    REGIMENS.c.code_index == sa.bindparam("code_index", type_=sa.LargeBinary),
)
_TAKEN = (
    sa.select(
        DOSES.c.taken_at,
        DOSES.c.quantity,
        DOSES.c.unit,
        (DOSES.c.kind == sa.literal("as_needed", sa.Text)).label("was_needed"),
        VERSIONS.c.min_interval,
        VERSIONS.c.daily_maximum,
    )
    .join(REGIMENS, REGIMENS.c.id == DOSES.c.regimen_id)
    .join(VERSIONS, VERSIONS.c.id == DOSES.c.version_id)
    .where(
        REGIMENS.c.resident_id == sa.bindparam("resident_id", type_=sa.Uuid),
        _drug,
        DOSES.c.state == sa.literal_column("'taken'"),
        DOSES.c.taken_at.between(sa.bindparam("since", type_=_INSTANT), sa.bindparam("until", type_=_INSTANT)),
    )
    .order_by(DOSES.c.taken_at)
)


async def taken_of_drug(
    session: AsyncSession,
    resident_id: uuid.UUID,
    indexes: tuple[bytes, bytes | None],
    unit: str,
    since: datetime,
    until: datetime,
) -> list[rules.Taken]:
    """Return what a resident took of a drug (indexes of its name and code) between two instants, by any regimen.

    What was taken in another unit counts for intervals, but has no amount that could be added up. What was taken as
    needed is ``Needed``: it says what its regimen allows.
    """
    drug_index, code_index = indexes
    binds = {"resident_id": resident_id, "drug_index": drug_index, "code_index": code_index}
    rows = await session.execute(_TAKEN, {**binds, "since": since, "until": until})
    return [_taken(row, unit) for row in rows]


def _taken(row: sa.Row[Any], unit: str) -> rules.Taken:
    quantity = row.quantity if row.unit == unit else Decimal()
    if not row.was_needed:
        return rules.Taken(row.taken_at, quantity)
    return rules.Needed(row.taken_at, quantity, row.min_interval, row.daily_maximum if row.unit == unit else None)


_USE = sa.text("""
    UPDATE eldercare_medication_stock SET
        on_hand = greatest(0, on_hand - :quantity), updated_at = :now, version = version + 1
    WHERE regimen_id = :regimen_id AND unit = :unit""").bindparams(
    _NOW, sa.bindparam("quantity", type_=sa.Numeric(12, 4)), sa.bindparam("regimen_id", type_=sa.Uuid)
)


async def use_stock(session: AsyncSession, dose: Dose, now: datetime) -> None:
    """Take a dose out of what is left, if that is kept; what was counted wrong does not become less than nothing."""
    await _use(session, dose, dose.quantity, now)


async def put_back(session: AsyncSession, dose: Dose, now: datetime) -> None:
    """Put a dose that was not taken after all back to what is left."""
    await _use(session, dose, -dose.quantity, now)


async def _use(session: AsyncSession, dose: Dose, quantity: Decimal, now: datetime) -> None:
    binds = {"regimen_id": dose.regimen_id, "quantity": quantity, "unit": dose.unit, "now": now}
    await session.execute(_USE, binds)
