"""Answers kept under an ``Idempotency-Key``, so that a repeated POST is answered, not done, a second time."""

import base64
import hashlib
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Final

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel
from starlette.responses import Response

from app.core import clock, sealing
from app.core.batches import delete_past
from app.core.database import unit_of_work
from app.core.jobs import Job
from app.core.problems import Conflict, FieldError, Malformed
from app.core.tables import Privacy, instant, sealed, table_of

HEADER = "Idempotency-Key"
MAX_KEY_LENGTH = 255
WAITS_FOR: Final = timedelta(days=3)
"""How long a device without a connection goes on trying what was done on it; what is older it asks about again."""
KEPT_FOR: Final = WAITS_FOR + timedelta(days=1)
"""Longer than any device goes on trying: one whose answer was lost days ago must not do it a second time."""
_CONTEXT = "core_idempotent_answer.answer"
_STORED_HEADERS = ("content-type", "location", "etag")


class IdempotentAnswer(SQLModel, table=True):
    """What a request under a key was answered; sealed, because answers hold personal data."""

    __tablename__ = "core_idempotent_answer"
    privacy: ClassVar[Privacy] = Privacy.none(
        f"sealed answers that expire after {KEPT_FOR.days} days; nobody's id is a column"
    )

    key: bytes = Field(primary_key=True, sa_type=sa.LargeBinary)
    request: bytes = Field(sa_type=sa.LargeBinary, description="fingerprint of the method, the path and the body")
    answer: str = sealed()
    expires_at: datetime = instant(index=True)


class IdempotencyKeyReused(Malformed):
    """The key was used before with another request."""

    code, title = "idempotency_key_reused", "The Idempotency-Key was used for another request"


class StillRunning(Conflict):
    """The first request under this key has not finished."""

    code, title = "idempotent_request_running", "The first request under this key is still running"

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "1"})


@dataclass(frozen=True, slots=True)
class Claim:
    """A request under a key: which key (hashed with actor and route) and which request."""

    key: bytes
    request: bytes

    @classmethod
    def of(cls, actor_id: uuid.UUID, method: str, path: str, key: str, body: bytes) -> "Claim":
        """Return the claim of a request; raises ``Malformed`` for a key that is empty or too long."""
        if not 0 < len(key) <= MAX_KEY_LENGTH or not key.isprintable():
            detail = f"between 1 and {MAX_KEY_LENGTH} printable characters"
            raise Malformed(errors=[FieldError(f"/header/{HEADER}", detail, "idempotency_key")])
        scope = f"{actor_id}\n{method}\n{path}\n"
        return cls(
            key=hashlib.sha256(f"{scope}{key}".encode()).digest(),
            request=hashlib.sha256(scope.encode() + body).digest(),
        )

    @property
    def lock(self) -> int:
        """The advisory lock's number: the first 64 bits of the key's hash, signed."""
        return int.from_bytes(self.key[:8], "big", signed=True)


_TRY_LOCK = sa.select(sa.func.pg_try_advisory_xact_lock(sa.bindparam("lock", type_=sa.BigInteger)))
_answers = table_of(IdempotentAnswer)
_FIND = sa.select(_answers.c.request, _answers.c.answer).where(
    _answers.c.key == sa.bindparam("key"), _answers.c.expires_at > sa.bindparam("now")
)


async def replay(session: AsyncSession, claim: Claim) -> Response | None:
    """Return the stored answer of ``claim``, or ``None`` if the request is to be done; holds the key until commit.

    Raises ``StillRunning`` while another transaction holds the key, ``IdempotencyKeyReused`` for another request.
    """
    if not await session.scalar(_TRY_LOCK, {"lock": claim.lock}):
        raise StillRunning
    row = (await session.execute(_FIND, {"key": claim.key, "now": clock.now()})).one_or_none()
    if row is None:
        return None
    if row.request != claim.request:
        raise IdempotencyKeyReused
    stored = orjson.loads(sealing.unseal(row.answer, _CONTEXT))
    headers = {**stored["headers"], "Idempotent-Replayed": "true"}
    return Response(base64.b64decode(stored["body"]), stored["status"], headers=headers)


async def store(session: AsyncSession, claim: Claim, response: Response) -> None:
    """Keep ``response`` as the answer of ``claim`` for ``KEPT_FOR``, sealed, in the caller's transaction.

    An answer that is kept already stays: a refusal is stored after its attempt gave the key free, and meanwhile the
    request may have been repeated and done.
    """
    now = clock.now()
    headers = {name: response.headers[name] for name in _STORED_HEADERS if name in response.headers}
    answer = orjson.dumps(
        {
            "status": response.status_code,
            "headers": headers,
            "body": base64.b64encode(bytes(response.body)).decode(),
        }
    ).decode()
    values = {
        "request": claim.request,
        "answer": sealing.seal(answer, _CONTEXT),
        "expires_at": now + KEPT_FOR,
    }
    statement = insert(IdempotentAnswer).values(key=claim.key, **values)
    await session.execute(
        statement.on_conflict_do_update(index_elements=["key"], set_=values, where=_answers.c.expires_at <= now)
    )


def is_final(status: int) -> bool:
    """Say whether a refusal is an answer worth keeping: the caller's fault, and not one that passes by itself."""
    return 400 <= status < 500 and status not in (401, 409, 413, 429)


async def forget_expired() -> int:
    """Delete a batch of the answers past their time and return how many went."""
    async with unit_of_work() as session:
        return await delete_past(session, _answers, "expires_at", clock.now())


FORGET_JOB = Job(name="core.forget_idempotent_answers", every=timedelta(minutes=10), run=forget_expired)
