"""Logs, metrics and traces of a process: structured, counted, and never with personal data."""

import logging
import re
import sys
import time
import traceback
from collections.abc import Iterator, MutableMapping
from functools import lru_cache
from typing import Any

import structlog
from prometheus_client import Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core import clock
from app.core.settings import TelemetrySettings

REQUESTS = Counter("hearthline_http_requests_total", "Answered requests", ("method", "route", "status"))
SECONDS = Histogram(
    "hearthline_http_request_seconds",
    "From the request line to the last byte of the answer",
    ("method", "route"),
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)
REDACTED = "[redacted]"
_REQUEST_ID = re.compile(r"^[A-Za-z0-9_.:-]{8,128}$")
_PERSONAL = re.compile(
    r"name|phone|mail|token|secret|password|authori|cookie|code$|address|birth|national|latitude|longitude"
    r"|body|answer|note"
)
_HARMLESS = frozenset({"event", "logger", "logger_name", "job_name", "status_code", "problem_code", "error_code"})


def redact(_logger: Any, _method: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Blank whatever by its key could be personal data: the net under the rule that none is ever logged."""
    for key in entry:
        if key not in _HARMLESS and _PERSONAL.search(key.lower()):
            entry[key] = REDACTED
    return entry


def frames_only(_logger: Any, _method: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Log of an error which classes it was and where it passed, not its text: texts quote what people typed."""
    error = entry.pop("exc_info", None)
    if error:
        error = error if isinstance(error, BaseException) else sys.exc_info()[1]
    if isinstance(error, BaseException):
        entry["exception"] = list(_described(error))
    return entry


def _described(error: BaseException | None) -> Iterator[str]:
    """Yield the error's class and its frames, then those of what caused it."""
    while error is not None:
        yield type(error).__qualname__
        for frame in traceback.extract_tb(error.__traceback__):
            yield f"{frame.filename}:{frame.lineno} {frame.name}"
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


class FramesOnlyFormatter(logging.Formatter):
    """The same for what libraries log."""

    def formatException(self, ei: Any) -> str:  # noqa: N802 - the base class's name
        """Return the classes and frames of an exception."""
        return "\n".join(_described(ei[1]))


def configure(settings: TelemetrySettings) -> None:
    """Set up the process's logs, and its traces if an OTLP endpoint is named."""
    level = getattr(logging, settings.log_level.upper())
    ending: list[Any] = [frames_only, structlog.processors.JSONRenderer()]
    handler = logging.StreamHandler()
    if settings.log_format == "console":
        # For whoever develops, with made-up people: whole tracebacks.
        ending = [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
    else:
        handler.setFormatter(FramesOnlyFormatter("%(name)s %(levelname)s %(message)s"))
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            redact,
            *ending,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(level=max(level, logging.WARNING), handlers=[handler], force=True)
    if settings.otlp_endpoint:
        _trace_to(settings.otlp_endpoint)


def _trace_to(endpoint: str) -> None:
    from opentelemetry import trace  # noqa: PLC0415 - imported only where traces are wanted: it is slow to load
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    provider = TracerProvider(resource=Resource.create({"service.name": "hearthline"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
    trace.set_tracer_provider(provider)
    TelemetryMiddleware.tracer = trace.get_tracer("hearthline")


class TelemetryMiddleware:
    """Gives each request an id (the caller's, if it is one), counts it, and traces it when configured."""

    tracer: Any = None

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        started = time.perf_counter()
        status = 500

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", request_id.encode())]
            await send(message)

        try:
            if self.tracer is None:
                await self._app(scope, receive, answer)
            else:
                with self.tracer.start_as_current_span(scope["method"]) as span:
                    await self._app(scope, receive, answer)
                    span.update_name(f"{scope['method']} {_route(scope)}")
                    span.set_attribute("http.response.status_code", status)
        finally:
            route = _route(scope)
            count, seconds = _series(scope["method"], route, status)
            count.inc()
            seconds.observe(time.perf_counter() - started)


@lru_cache(maxsize=4096)
def _series(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    """Return what counts such requests; looking a series up by its labels costs more than counting."""
    return REQUESTS.labels(method, route, status), SECONDS.labels(method, route)


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            given: str = value.decode("latin-1")
            if _REQUEST_ID.match(given):
                return given
    return str(clock.new_id())


def _route(scope: Scope) -> str:
    """Return the route's template: a path itself would make a series, and could name a person."""
    route = scope.get("route")
    return getattr(route, "path", "unmatched")
