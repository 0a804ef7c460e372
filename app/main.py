"""The API process: the assembled application."""

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi_offline import FastAPIOffline
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from app import assembly
from app.core import health, live, telemetry
from app.core.description import describe
from app.core.handing_over import HandingOver
from app.core.jobs import run_jobs
from app.core.problems import BodyLimitMiddleware, Problem, handle_problem, internal_error
from app.core.route_index import IndexedRoutes, RouteIndex
from app.core.runtime import running
from app.core.settings import Settings
from app.core.settings import settings as current_settings
from app.fhir.outcomes import OperationOutcomes, spoken
from app.portal.ground.routing import trouble

log = structlog.get_logger(__name__)

_DESCRIPTION = """
The backend behind a community's resident apps. Errors are problem documents (RFC 9457); lists are
`{"items": […], "next": cursor}`; every POST takes an `Idempotency-Key`; updates take `If-Match`.
"""


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    # What was made so far stays: the collector need not look through it again and again.
    gc.collect()
    gc.freeze()
    async with running(app.state.settings):
        live.begin()
        stop = asyncio.Event()
        jobs = asyncio.create_task(run_jobs(assembly.API_JOBS, stop))
        try:
            with live.ending_on_signals():
                yield
        finally:
            stop.set()
            await jobs


async def _handle_framework(request: Request, error: Exception) -> Response:
    answer = await handle_problem(request, error)
    # Whoever mistypes the address of a page reads a page: no document for programs.
    is_page = request.url.path.startswith("/portal/") and "text/html" in request.headers.get("accept", "")
    return await trouble(request, answer.status_code, {}) if is_page else answer


async def _handle_unexpected(request: Request, error: Exception) -> Response:
    log.error(
        "unexpected_error",
        route=getattr(request.scope.get("route"), "path", None),
        error=type(error).__name__,
        exc_info=error,
    )
    return spoken(request.url.path, internal_error())


def create_app(settings: Settings | None = None) -> FastAPI:
    """Return the application with every router; its lifespan opens the database."""
    settings = settings or current_settings()
    telemetry.configure(settings.telemetry)
    assembly.install()
    app: FastAPI = FastAPIOffline(
        title="Hearthline",
        version="1.0.0",
        description=_DESCRIPTION,
        lifespan=_lifespan,
        docs_url="/docs",
        redoc_url=None,
        separate_input_output_schemas=False,
        # Requests are counted and traced by our own middleware.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.settings = settings
    health.expect_revision(assembly.SCHEMA_REVISION)
    for kind in (Problem, RequestValidationError):
        app.add_exception_handler(kind, handle_problem)
    app.add_exception_handler(HTTPException, _handle_framework)
    app.add_exception_handler(Exception, _handle_unexpected)
    demo = assembly.DEMO_ROUTERS if settings.demo.enabled or settings.environment != "production" else ()
    routes = [route for router in (health.router, *assembly.ROUTERS, *demo) for route in router.routes]
    index = RouteIndex([route for route in routes if isinstance(route, Route)])
    # From the inside out.
    app.add_middleware(IndexedRoutes, index=index)
    app.add_middleware(BodyLimitMiddleware, max_body_size=settings.http.max_body)
    app.add_middleware(OperationOutcomes)
    app.add_middleware(telemetry.TelemetryMiddleware)
    app.add_middleware(HandingOver)
    # The routes themselves stay listed behind their index: the OpenAPI description is made from them.
    app.router.routes[:0] = [index, *routes]
    describe(app)
    return app
