"""Telemetry: every request has an id and is counted by its route; nothing personal gets into a log."""

import io
import json
import logging
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import redirect_stderr
from typing import Any

import httpx
import pytest
import pytest_asyncio
import structlog
from fastapi import FastAPI
from prometheus_client import REGISTRY

from app.core import telemetry
from app.core.access import AnyActor, public
from app.core.problems import NotFound
from app.core.routing import Router, route_options
from app.core.settings import Settings, TelemetrySettings

log = structlog.get_logger()


@pytest_asyncio.fixture(loop_scope="session")
async def things(test_settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    router = Router(tags=["test"])

    @router.get("/things/{name}")
    @public("test")
    @route_options(database=False)
    async def get_thing(name: str, actor: AnyActor) -> dict[str, str]:
        if name == "missing":
            raise NotFound
        if name == "broken":
            raise RuntimeError(name)
        return {key: str(value) for key, value in structlog.contextvars.get_contextvars().items()}

    app = FastAPI()
    app.include_router(router)
    app.add_middleware(telemetry.TelemetryMiddleware)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


@pytest.fixture
def logged(test_settings: Settings) -> Iterator[io.StringIO]:
    written = io.StringIO()
    with redirect_stderr(written):
        telemetry.configure(TelemetrySettings(log_format="json"))
        yield written
    telemetry.configure(test_settings.telemetry)


def _lines(written: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in written.getvalue().splitlines()]


def _count(**labels: str) -> float:
    return REGISTRY.get_sample_value("hearthline_http_requests_total", labels) or 0


async def test_the_callers_request_id_is_kept_and_given_back(things: httpx.AsyncClient) -> None:
    answer = await things.get("/v1/things/one", headers={"X-Request-Id": "abc-123.4:5_6"})
    assert answer.headers["X-Request-Id"] == answer.json()["request_id"] == "abc-123.4:5_6"


@pytest.mark.parametrize("bad", ["", "short", "x" * 129, "with space in it", "line\tbreak-in-it", 'quote"in-it-too'])
async def test_an_id_that_could_do_harm_in_a_log_is_replaced(things: httpx.AsyncClient, bad: str) -> None:
    first, second = [(await things.get("/v1/things/one", headers={"X-Request-Id": bad})).headers for _ in range(2)]
    assert bad != first["X-Request-Id"] != second["X-Request-Id"]
    assert len(first["X-Request-Id"]) == 36


async def test_what_is_logged_in_a_request_says_who_and_which(things: httpx.AsyncClient) -> None:
    bound = (await things.get("/v1/things/one")).json()
    assert set(bound) == {"request_id", "actor_id", "community_id"}


@pytest.mark.parametrize(("name", "status"), [("Ada-Lovelace", "200"), ("missing", "404"), ("broken", "500")])
async def test_requests_are_counted_by_route_never_by_path(things: httpx.AsyncClient, name: str, status: str) -> None:
    labels = {"method": "GET", "route": "/v1/things/{name}", "status": status}
    before = _count(**labels)
    assert str((await things.get(f"/v1/things/{name}")).status_code) == status
    assert _count(**labels) == before + 1
    routes = {sample.labels.get("route") for metric in REGISTRY.collect() for sample in metric.samples}
    assert not any(name in str(route) for route in routes)


async def test_paths_that_are_nobodys_share_one_series(things: httpx.AsyncClient) -> None:
    before = _count(method="GET", route="unmatched", status="404")
    await things.get("/wp-admin.php")
    await things.get("/v2/else")
    assert _count(method="GET", route="unmatched", status="404") == before + 2


def test_keys_that_could_hold_personal_data_are_blanked(logged: io.StringIO) -> None:
    log.info(
        "delivery_sent",
        delivery_id="7",
        name="Ada",
        phone_number="+86138",
        Email="a@b.c",
        access_token="ey",
        code="123456",
        address="1 Lake Road",
        Authorization="Bearer x",
        status_code=200,
        job="media.expire",
    )
    (line,) = _lines(logged)
    kept = {key for key, value in line.items() if value != telemetry.REDACTED}
    assert kept == {"event", "level", "timestamp", "delivery_id", "status_code", "job"}


def _fail() -> None:
    try:
        int("+8613800000001 of Ada")
    except ValueError as error:
        raise RuntimeError("cannot call Ada") from error


def test_an_error_is_logged_with_its_places_without_its_text(logged: io.StringIO) -> None:
    try:
        _fail()
    except RuntimeError as error:
        log.error("unexpected_error", exc_info=error)  # noqa: TRY400 - as a handler that is given the error does
        log.exception("again")
        logging.getLogger("library").exception("failed")
    text = logged.getvalue()
    assert "RuntimeError" in text
    assert "ValueError" in text
    assert text.count("test_telemetry.py") >= 6
    assert "Ada" not in text
    assert "+86138" not in text


def test_a_log_below_the_level_is_not_written(logged: io.StringIO) -> None:
    log.debug("detail")
    assert logged.getvalue() == ""


async def test_a_process_without_http_of_its_own_shows_its_metrics(logged: io.StringIO) -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port: int = held.getsockname()[1]
        telemetry.show_metrics("127.0.0.1", port)()
        assert [(line["event"], line["port"]) for line in _lines(logged)] == [("metrics_not_shown", port)]
    hide = telemetry.show_metrics("127.0.0.1", port)
    try:
        async with httpx.AsyncClient(timeout=60) as client:
            shown = await client.get(f"http://127.0.0.1:{port}/metrics")
        assert "# TYPE hearthline_http_requests_total counter" in shown.text
    finally:
        hide()
    with socket.create_server(("127.0.0.1", port)):
        pass  # given back
