"""The limit of HTTP: a bare Starlette application over asyncpg that runs the same SQL and nothing else.

No sign-in, no consent, no validation, no cursors, no audit of its own making: one pool, two routes.
"""

import os
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import asyncpg
import orjson
from sqlalchemy.dialects import postgresql
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from eldercare.check_ins.views import check_ins as views

_dialect = postgresql.asyncpg.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy's has no types
_LIST = views._LISTS["all", False].compile(dialect=_dialect)
_ANSWER = """
UPDATE eldercare_check_in SET state = 'answered', answer = $1, answered_at = $2, recorded_at = $2, answered_by = $3,
    how = 'self', settle_by = NULL, next_reminder_at = NULL, updated_at = $2, version = version + 1
WHERE id = $4 AND resident_id = $5 AND state = 'prompted' RETURNING plan_id, community_id"""
_EVENT = """
INSERT INTO core_event (id, name, aggregate_id, community_id, payload, critical, occurred_at)
VALUES ($1, 'eldercare.check_in_answered.v1', $2, $3, $4, false, $5)"""
_AUDIT = """
INSERT INTO core_audit_entry (id, at, community_id, actor_kind, actor_id, action, resident_id, object_id)
VALUES ($1, $2, $3, 'account', $4, 'check_in:answer', $5, $6)"""
_DETAIL = """
SELECT json_build_object('id', c.id, 'resident_id', c.resident_id, 'plan_id', c.plan_id, 'due_at', c.due_at,
    'state', c.state, 'answer', c.answer, 'answered_at', c.answered_at, 'questions', s.questions,
    'version', c.version)::text
FROM eldercare_check_in c JOIN eldercare_check_in_schedule s ON s.id = c.schedule_id WHERE c.id = $1"""


def _json(content: str) -> Response:
    return Response(content, media_type="application/json")


async def list_check_ins(request: Request) -> Response:
    """Answer with 20 check-ins of the resident in the path."""
    values = {"resident_id": uuid.UUID(request.path_params["resident_id"]), "limit": 20}
    binds = [values.get(name, _LIST.params[name]) for name in _LIST.positiontup or ()]
    async with request.app.state.pool.acquire() as connection:
        row = await connection.fetchrow(_LIST.string, *binds)
    return _json(f'{{"items":{row["items"]},"next":null}}')


async def answer_check_in(request: Request) -> Response:
    """Record an answer: the change, the fact, the audit entry, and the check-in as it is now."""
    body = orjson.loads(await request.body())
    resident = uuid.UUID(request.path_params["resident_id"])
    check_in = uuid.UUID(request.path_params["check_in_id"])
    now = datetime.now(UTC)
    async with request.app.state.pool.acquire() as connection, connection.transaction():
        row = await connection.fetchrow(_ANSWER, body["status"], now, resident, check_in, resident)
        await connection.execute(_EVENT, uuid.uuid4(), check_in, row["community_id"], "{}", now)
        await connection.execute(_AUDIT, uuid.uuid4(), now, row["community_id"], resident, resident, check_in)
        shown = await connection.fetchval(_DETAIL, check_in)
    return _json(shown)


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    async with asyncpg.create_pool(os.environ["BARE_DSN"], min_size=8, max_size=8) as pool:
        app.state.pool = pool
        yield


app = Starlette(
    lifespan=_lifespan,
    routes=[
        Route("/residents/{resident_id}/check-ins", list_check_ins),
        Route("/residents/{resident_id}/check-ins/{check_in_id}/answer", answer_check_in, methods=["POST"]),
    ],
)
