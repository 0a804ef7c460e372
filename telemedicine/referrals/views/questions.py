"""The SQL that reads questions: about a resident, of a clinic, and one with what was said."""

import uuid
from collections.abc import Sequence
from datetime import date
from typing import Any, Final, Literal

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock
from app.core.access import Actor
from app.core.audit import trace_each_binds, traced_each
from app.core.paging import Page, PageRequest, after, decode_cursor, next_cursor
from app.core.problems import NotFound
from app.core.sealing import unseal
from app.identity.api import account_name, profile
from telemedicine.referrals.access import QUESTION_CONTENT, QUESTION_KNOWN, QUESTION_SEATS, Subject, seat_binds, trace
from telemedicine.referrals.models import MESSAGE, MESSAGES, QUESTION, QUESTIONS
from telemedicine.referrals.rules.states import QuestionState
from telemedicine.referrals.schemas.questions import (
    QuestionContent,
    QuestionDetail,
    QuestionMessagePublic,
    QuestionPublic,
)
from telemedicine.referrals.views.parts import Shared, items_of

_KIND: Final = "telemedicine.questions"
_q = QUESTIONS.c
_limit = sa.bindparam("limit", type_=sa.Integer)
_state = sa.bindparam("state", type_=sa.Text)
_question = sa.bindparam("question_id", type_=sa.Uuid)
# Those who know whom it is about: the resident's side, and the clinic that asks.
_NAMED: Final = sa.or_(
    *(QUESTION_SEATS[name] for name in ("is_own", "is_granted", "is_from_clinician", "is_from_clerk"))
)
_SHOWN: Final = sa.select(QUESTIONS, QUESTION_CONTENT.label("sees_content"), _NAMED.label("is_named")).where(
    QUESTION_KNOWN
)


def _list(whose: sa.ColumnElement[bool]) -> sa.Select[Any]:
    statement = (
        _SHOWN.where(
            whose, sa.or_(_state.is_(None), _q.state == _state), after((_q.id,), ("after_id",), descending=True)
        )
        .order_by(_q.id.desc())
        .limit(_limit)
    )
    return traced_each(statement, "questions:list")


_organization = sa.bindparam("organization_id", type_=sa.Uuid)
_OF_RESIDENT: Final = _list(_q.resident_id == sa.bindparam("resident_id", type_=sa.Uuid))
_OF_CLINIC: Final = {
    "in": _list(_q.to_organization_id == _organization),
    "out": _list(_q.from_organization_id == _organization),
}
_ONE: Final = _SHOWN.where(_q.id == _question)
_MESSAGES: Final = (
    sa.select(MESSAGES, account_name(MESSAGES.c.author_id).label("author_name"))
    .where(MESSAGES.c.question_id == _question)
    .order_by(MESSAGES.c.id)
    .limit(200)
)


async def of_resident(
    connection: AsyncConnection, actor: Actor, resident_id: uuid.UUID, page: PageRequest
) -> Page[QuestionPublic]:
    """Return a page of the questions about a resident that the actor may know of, the last first."""
    return await _page(connection, actor, _OF_RESIDENT, {"resident_id": resident_id, "state": None}, page)


async def of_clinic(
    connection: AsyncConnection,
    actor: Actor,
    organization_id: uuid.UUID,
    direction: Literal["in", "out"],
    state: QuestionState | None,
    page: PageRequest,
) -> Page[QuestionPublic]:
    """Return a page of the questions a clinic is asked, or asks, the last first."""
    binds = {"organization_id": organization_id, "state": state}
    return await _page(connection, actor, _OF_CLINIC[direction], binds, page)


async def _page(
    connection: AsyncConnection, actor: Actor, statement: sa.Select[Any], binds: dict[str, Any], page: PageRequest
) -> Page[QuestionPublic]:
    (last_id,) = decode_cursor(_KIND, page.cursor) if page.cursor else (None,)
    paging = {"after_id": uuid.UUID(last_id) if last_id else None, "limit": page.limit + 1}
    traced = trace_each_binds(actor, shown=page.limit)
    rows = (await connection.execute(statement, binds | paging | seat_binds(actor) | traced)).all()
    items = [_public(row, None) for row in rows[: page.limit]]
    return Page(items=items, next=next_cursor(_KIND, rows, page.limit, ("id",)))


async def question(connection: AsyncConnection, subject: Subject) -> QuestionDetail:
    """Return a question with what was said and which records go with it, with a trace; to clerks without content."""
    found = await written(connection, subject)
    await trace(connection, subject, "question:read")
    return found


async def written(connection: AsyncConnection, subject: Subject) -> QuestionDetail:
    """Return a question to who just wrote it."""
    binds = seat_binds(subject.actor) | {"question_id": subject.id}
    row = (await connection.execute(_ONE, binds)).one_or_none()
    if row is None:
        raise NotFound
    born = (await profile(connection, row.resident_id)).birth_date if row.sees_content else None
    shared = (await items_of(connection, [row.id]))[row.id] if row.sees_content else Shared()
    return QuestionDetail(
        **_public(row, born).model_dump(),
        messages=await _messages(connection, row) if row.sees_content else [],
        health_records=shared.health_records,
        prescriptions=shared.prescriptions,
    )


async def _messages(connection: AsyncConnection, row: Any) -> list[QuestionMessagePublic]:
    found: Sequence[Any] = (await connection.execute(_MESSAGES, {"question_id": row.id})).all()
    return [
        QuestionMessagePublic(
            id=one.id,
            kind=one.kind,
            author_id=one.author_id,
            author_name=one.author_name,
            organization_id=one.organization_id,
            at=one.created_at,
            text=unseal(one.text, MESSAGE),
        )
        for one in found
    ]


def _content(row: Any) -> QuestionContent | None:
    return QuestionContent.model_validate_json(unseal(row.content, QUESTION)) if row.sees_content else None


def _public(row: Any, born: date | None) -> QuestionPublic:
    given = {name: getattr(row, name) for name in QuestionPublic.model_fields if name in row._fields}
    content = _content(row)
    return QuestionPublic(
        **given
        | {
            "resident_id": row.resident_id if row.is_named else None,
            "age": _age(born) if born else None,
            "specialty": content.specialty if content else None,
        }
    )


def _age(born: date) -> int:
    today = clock.now().date()
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))
