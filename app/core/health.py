"""What a supervisor asks a process: is it alive, can it work, and its metrics."""

import prometheus_client
import sqlalchemy as sa
from fastapi import Response
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.access import public
from app.core.database import reading
from app.core.problems import Unavailable, problem_responses
from app.core.routing import Router, route_options

router = Router(tags=["health"], prefix="")
_REVISION = sa.text("SELECT version_num FROM alembic_version")
_PING = sa.text("SELECT 1")
_expected_revision: str | None = None


def expect_revision(revision: str | None) -> None:
    """Make the process ready only on a database that is migrated to ``revision``; ``None``: on any."""
    global _expected_revision  # noqa: PLW0603 - one database per process
    _expected_revision = revision


async def schema_revisions(connection: AsyncConnection) -> tuple[str | None, str | None]:
    """Return the revision of the schema this code was written for, where it says so, and the one of the database."""
    return _expected_revision, await connection.scalar(_REVISION)


class NotMigrated(Unavailable):
    """The database is not the one this version of the code was written for; migrate it."""

    code, title = "not_migrated", "The database is being migrated"


class Health(BaseModel):
    """A process that answers."""

    status: str


@router.get("/health/live")
@public("a supervisor has no account, and learns only that the process answers")
@route_options(database=False)
async def check_liveness() -> Health:
    """Answer as long as the process runs."""
    return Health(status="alive")


@router.get("/health/ready", responses=problem_responses(Unavailable, NotMigrated))
@public("a load balancer has no account, and learns only whether to send requests here")
@route_options(database=False)
async def check_readiness() -> Health:
    """Answer 200 if the database answers and is migrated, 503 otherwise."""
    async with reading() as connection:
        if _expected_revision is None:
            await connection.execute(_PING)
        elif await connection.scalar(_REVISION) != _expected_revision:
            raise NotMigrated
    return Health(status="ready")


@router.get("/metrics", include_in_schema=False)
@public("scraped from inside; counts only, no personal data")
@route_options(database=False)
async def read_metrics() -> Response:
    """Return the process's metrics in Prometheus' text format."""
    return Response(prometheus_client.generate_latest(), media_type=prometheus_client.CONTENT_TYPE_LATEST)
