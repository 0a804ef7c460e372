"""The peer of the gateway's webhooks: a bare Starlette application that checks a signature and inserts an event."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import asyncpg
import orjson
import stripe
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_KEEP = "INSERT INTO bare_event (ref, kind, body, at) VALUES ($1, $2, $3, $4) ON CONFLICT (ref) DO NOTHING"
_SECRET = os.environ.get("BARE_SECRET", "")


async def take(request: Request) -> Response:
    """Keep an event."""
    body = await request.body()
    try:
        stripe.WebhookSignature.verify_header(body, request.headers.get("stripe-signature"), _SECRET, 300)
    except stripe.SignatureVerificationError:
        return Response(status_code=400)
    event = orjson.loads(body)
    async with request.app.state.pool.acquire() as connection, connection.transaction():
        kept = orjson.dumps(event["data"]["object"]).decode()
        await connection.execute(_KEEP, event["id"], event["type"], kept, datetime.now(UTC))
    return Response(status_code=204)


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    async with asyncpg.create_pool(os.environ["BARE_DSN"], min_size=8, max_size=8) as pool:
        app.state.pool = pool
        yield


app = Starlette(routes=[Route("/webhooks", take, methods=["POST"])], lifespan=_lifespan)
