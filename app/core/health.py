"""What a supervisor asks a process: is it alive, can it work, and its metrics."""

import prometheus_client
import sqlalchemy as sa
from fastapi import Response
from pydantic import BaseModel

from app.core.access import public
from app.core.database import reading
from app.core.problems import Unavailable, problem_responses
from app.core.routing import Router, route_options

router = Router(tags=["health"], prefix="")
_PING = sa.text("SELECT 1")


class Health(BaseModel):
    """A process that answers."""

    status: str


@router.get("/health/live")
@public("a supervisor has no account, and learns only that the process answers")
@route_options(database=False)
async def check_liveness() -> Health:
    """Answer as long as the process runs."""
    return Health(status="alive")


@router.get("/health/ready", responses=problem_responses(Unavailable))
@public("a load balancer has no account, and learns only whether to send requests here")
@route_options(database=False)
async def check_readiness() -> Health:
    """Answer 200 if the database answers, 503 otherwise."""
    async with reading() as connection:
        await connection.execute(_PING)
    return Health(status="ready")


@router.get("/metrics", include_in_schema=False)
@public("scraped from inside; counts only, no personal data")
@route_options(database=False)
async def read_metrics() -> Response:
    """Return the process's metrics in Prometheus' text format."""
    return Response(prometheus_client.generate_latest(), media_type=prometheus_client.CONTENT_TYPE_LATEST)
