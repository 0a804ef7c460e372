"""The SQL that reads check-ins. The lists are built as JSON by PostgreSQL: they are what apps ask for all day."""

import uuid
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final, Literal, cast

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import audit
from app.core.access import Actor
from app.core.paging import PageRequest, decode_cursor, encode_cursor
from app.core.problems import NotFound
from app.core.sealing import unseal
from app.core.statements import HotStatement
from app.core.tables import table_of
from app.identity.api import ResidentSubject, actor_binds, visible_residents
from eldercare.check_ins.models import ANSWERS_CONTEXT, CHECK_INS, IS_UNANSWERED, CheckInSchedule, shown
from eldercare.check_ins.rules import State
from eldercare.check_ins.schemas import CheckInDetail, CheckInPublic

Choice = Literal["all", "answered", "unanswered"]

_INSTANT = sa.DateTime(timezone=True)
_schedules = table_of(CheckInSchedule)

_SHOWN: Final = tuple(CheckInPublic.model_fields)
_KIND = "eldercare.check_ins"
_DAY_KIND = "eldercare.check_ins_of_day"
_AFTER_DAY = timedelta(hours=40)
_BEFORE_DAY = timedelta(hours=16)
"""Everywhere on earth a local day lies between these hours around its midnight in UTC (offsets −12 to +14, gaps)."""

_limit = sa.bindparam("limit", type_=sa.Integer)


def _as_page(chosen: sa.Select[Any], *order: str) -> sa.Select[Any]:
    """Return the statement that yields one row: the items as JSON text, whether there are more, the last position.

    ``chosen`` is ordered and yields one row more than the limit. What it adds to the trail it adds on the way.
    """
    place = sa.func.row_number().over().label("place")
    rows = chosen.subquery("chosen")
    numbered = sa.select(rows, place).subquery("numbered")
    pairs = [part for name in _SHOWN for part in (sa.literal_column(f"'{name}'"), numbered.c[name])]
    shown = numbered.c.place <= _limit
    items = sa.func.json_agg(aggregate_order_by(sa.func.json_build_object(*pairs), numbered.c.place)).filter(shown)
    page = sa.select(
        sa.func.coalesce(sa.cast(items, sa.Text), sa.literal_column("'[]'")).label("items"),
        (sa.func.count() > _limit).label("has_more"),
        *(
            sa.func.max(sa.cast(numbered.c[name], sa.Text)).filter(numbered.c.place == _limit).label(name)
            for name in order
        ),
    ).select_from(numbered)
    return cast("sa.Select[Any]", page)


def _list(*conditions: sa.ColumnElement[bool]) -> sa.Select[Any]:
    # (resident_id, due_at, plan_id) is the unique key: the list is a backward scan of its index.
    chosen = (
        sa.select(*(shown(name) for name in _SHOWN))
        .where(CHECK_INS.c.resident_id == sa.bindparam("resident_id", type_=sa.Uuid), *conditions)
        .order_by(CHECK_INS.c.due_at.desc(), CHECK_INS.c.plan_id.desc())
        .limit(_limit + 1)
    )
    return _as_page(chosen, "due_at", "plan_id")


_beyond = sa.tuple_(CHECK_INS.c.due_at, CHECK_INS.c.plan_id) < sa.tuple_(
    sa.bindparam("after_due_at", type_=_INSTANT), sa.bindparam("after_plan_id", type_=sa.Uuid)
)
_in_state = CHECK_INS.c.state == sa.bindparam("state", type_=sa.Text)
_CHOICES: Final[Mapping[Choice, tuple[sa.ColumnElement[bool], ...]]] = {
    "all": (),
    "answered": (_in_state,),
    "unanswered": (_in_state, IS_UNANSWERED),  # said in the statement, for an index of few entries
}
_LISTS = {
    (choice, paged): _list(*conditions, *((_beyond,) if paged else ()))
    for choice, conditions in _CHOICES.items()
    for paged in (False, True)
}
_TRACED_LISTS = {key: audit.traced(statement, "check_ins:list") for key, statement in _LISTS.items()}
_HOT_LISTS = {key: HotStatement(statement) for key, statement in _LISTS.items()}
_HOT_TRACED_LISTS = {key: HotStatement(statement) for key, statement in _TRACED_LISTS.items()}


async def list_check_ins(
    connection: AsyncConnection, actor: Actor, subject: ResidentSubject, page: PageRequest, state: State | None
) -> bytes:
    """Return a page of a resident's check-ins, the latest first, as JSON; reads by others are put on record."""
    binds: dict[str, Any] = {"resident_id": subject.resident_id, "limit": page.limit}
    if state is not None:
        binds["state"] = state
    if page.cursor is not None:
        due_at, plan_id = decode_cursor(_KIND, page.cursor)
        binds |= {"after_due_at": datetime.fromisoformat(due_at), "after_plan_id": uuid.UUID(plan_id)}
    choice: Choice = "all" if state is None else "answered" if state == "answered" else "unanswered"
    key = (choice, page.cursor is not None)
    if subject.relation == "self":
        statement = _HOT_LISTS[key]
    else:
        statement = _HOT_TRACED_LISTS[key]
        binds |= audit.trace_binds(actor, resident_id=subject.resident_id, community_id=subject.community_id)
    row = await statement.row(connection, binds)
    return _page(cast("Mapping[str, Any]", row), _KIND, "due_at", "plan_id")


def _page(row: Mapping[str, Any], kind: str, *order: str) -> bytes:
    cursor = encode_cursor(kind, [row[name] for name in order]) if row["has_more"] else None
    return b'{"items":%b,"next":%b}' % (row["items"].encode(), orjson.dumps(cursor))


def _day(*conditions: sa.ColumnElement[bool]) -> sa.Select[Any]:
    chosen = (
        sa.select(*(shown(name) for name in _SHOWN))
        .where(
            CHECK_INS.c.community_id == sa.bindparam("community_id", type_=sa.Uuid),
            CHECK_INS.c.local_date == sa.bindparam("day", type_=sa.Date),
            CHECK_INS.c.due_at.between(
                sa.bindparam("earliest", type_=_INSTANT), sa.bindparam("latest", type_=_INSTANT)
            ),
            CHECK_INS.c.resident_id.in_(visible_residents("check_ins:read")),
            *conditions,
        )
        .order_by(CHECK_INS.c.due_at, CHECK_INS.c.id)
        .limit(_limit + 1)
    )
    return _as_page(audit.traced_each(chosen, "check_ins:list_day"), "due_at", "id")


_later = sa.tuple_(CHECK_INS.c.due_at, CHECK_INS.c.id) > sa.tuple_(
    sa.bindparam("after_due_at", type_=_INSTANT), sa.bindparam("after_id", type_=sa.Uuid)
)
_DAYS = {
    (filtered, paged): _day(*((_in_state,) if filtered else ()), *((_later,) if paged else ()))
    for filtered in (False, True)
    for paged in (False, True)
}


async def list_day(
    connection: AsyncConnection, actor: Actor, day: date, page: PageRequest, state: State | None
) -> bytes:
    """Return a page of the check-ins of a local day, of all residents the actor may see, as JSON, in the order due."""
    midnight = datetime.fromisoformat(f"{day.isoformat()}T00:00:00+00:00")
    binds: dict[str, Any] = {
        "community_id": actor.community_id,
        "day": day,
        "earliest": midnight - _BEFORE_DAY,
        "latest": midnight + _AFTER_DAY,
        "limit": page.limit,
        **actor_binds(actor, "check_ins:read"),
        **audit.trace_each_binds(actor, shown=page.limit),
    }
    if state is not None:
        binds["state"] = state
    if page.cursor is not None:
        due_at, last_id = decode_cursor(_DAY_KIND, page.cursor)
        binds |= {"after_due_at": datetime.fromisoformat(due_at), "after_id": uuid.UUID(last_id)}
    found = await connection.execute(_DAYS[state is not None, page.cursor is not None], binds)
    return _page(cast("Mapping[str, Any]", found.mappings().one()), _DAY_KIND, "due_at", "id")


_DETAIL = (
    sa.select(
        *(shown(name) for name in _SHOWN),
        CHECK_INS.c.answers,
        CHECK_INS.c.mood,
        CHECK_INS.c.sleep,
        CHECK_INS.c.recorded_at,
        CHECK_INS.c.version,
        _schedules.c.questions,
    )
    .join(_schedules, _schedules.c.id == CHECK_INS.c.schedule_id)
    .where(
        CHECK_INS.c.id == sa.bindparam("check_in_id", type_=sa.Uuid),
        CHECK_INS.c.resident_id == sa.bindparam("resident_id", type_=sa.Uuid),
    )
)
_TRACED_DETAIL = audit.traced(_DETAIL, "check_in:read")


async def check_in(
    connection: AsyncConnection, actor: Actor, subject: ResidentSubject, check_in_id: uuid.UUID
) -> CheckInDetail:
    """Return one check-in with what was answered to its questions; raises ``NotFound``."""
    binds: dict[str, Any] = {"check_in_id": check_in_id, "resident_id": subject.resident_id}
    statement = _DETAIL
    if subject.relation != "self":
        statement = _TRACED_DETAIL
        binds |= audit.trace_binds(
            actor, resident_id=subject.resident_id, object_id=check_in_id, community_id=subject.community_id
        )
    row = (await connection.execute(statement, binds)).mappings().one_or_none()
    if row is None:
        raise NotFound
    return detail(cast("Mapping[str, Any]", row))


def detail(row: Mapping[str, Any]) -> CheckInDetail:
    """Return what is shown of a check-in that was read with its questions."""
    answers, questions = row["answers"], row["questions"]
    return CheckInDetail.model_validate(
        {
            **row,
            "questions": orjson.loads(questions) if isinstance(questions, str) else questions,
            "answers": None if answers is None else orjson.loads(unseal(answers, ANSWERS_CONTEXT)),
        }
    )
