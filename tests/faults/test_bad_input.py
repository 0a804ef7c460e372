"""Bad input, to every operation as somebody who may use it: a problem document, never a 500, and nothing half-done."""

import asyncio
import json
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import pytest
import pytest_asyncio
import sqlalchemy as sa
from fastapi import FastAPI, Response
from fastapi.dependencies.utils import request_body_to_args
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from app.core.clock import ManualClock
from app.core.database import reading
from app.core.problems import MEDIA_TYPE, from_validation
from app.core.settings import MediaSettings, Settings, install_settings
from tests.architecture.access_world import BESIDES, World, body_of
from tests.architecture.kept_world import Keeping
from tests.architecture.snapshot import go_back
from tests.architecture.test_access_matrix import ROWS, SECTIONS, Operation
from tests.factories import identity
from tests.factories.sign_in import sign_in_resident
from tests.faults.hostile import BODIES, HEADERS, IDS, KEYS, QUERIES, SORTS, VERSIONS, bodies_of
from tests.faults.processes import House

EVERY: Final = 8
"""So many operations apart, one is sent every body there is."""
SENT_ALL_THE_SAME: Final = 40
"""So many bodies apart, one that its shape refuses is sent all the same; of each operation the first one is."""
TEN_MEGABYTES: Final = 10 * 1_048_576
PREFERRED: Final = (
    "resident",
    "operator",
    "family",
    "desk",
    "office",
    "agency",
    "carer",
    "clinician",
    "client",
    "device",
    "nobody",
)
_SORTS_FOR: Final = {("application/json",): ("nothing", "null", "half a surrogate"), (): ("half a surrogate",)}
"""What is enough of each operation, as its body is read where all are: what is no JSON fails there. Whatever takes
something else, or several things, reads it itself and gets one of each sort.
"""
_READS_ITSELF: Final = ("takeGatewayEvent",)  # and says nothing of what
# What survives a refusal on purpose: counted tries, and what was answered under a key.
_COUNTED: Final = ("core_rate_bucket", "core_idempotent_answer")
_TABLES: Final = sa.text(
    """SELECT quote_ident(c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE n.nspname = 'public' AND c.relkind = 'r'"""
)


async def rows() -> dict[str, int]:
    """Return how many rows each table has."""
    async with reading() as connection:
        tables = [name for name in await connection.scalars(_TABLES) if name not in _COUNTED]
        counts = " UNION ALL ".join(f"SELECT '{name}', count(*) FROM {name}" for name in tables)
        return {name: count for name, count in await connection.execute(sa.text(counts)) if count}


@asynccontextmanager
async def nothing_done() -> AsyncIterator[None]:
    """Make sure that the block leaves no row behind and removes none."""
    before = await rows()
    yield
    assert await rows() == before


def fault_of(answer: httpx.Response) -> str | None:
    """Return what is wrong with an answer to bad input, if anything."""
    return _fault_of(answer.status_code, answer.headers.get("content-type"), answer.content)


def _fault_of(status: int, media_type: str | None, content: bytes) -> str | None:
    if status < 400:
        return None
    if status >= 500:
        return f"{status}"
    if media_type != MEDIA_TYPE:
        return f"{status} {media_type}"
    document = json.loads(content)
    if document.get("status") != status or not document.get("code") or not document.get("title"):
        return f"{status} {content.decode()}"
    return None


def refused(answer: httpx.Response, status: int, code: str | None = None) -> dict[str, Any]:
    """Assert that an answer is a problem document with this status (and code) and return it."""
    assert fault_of(answer) is None, answer.text
    document: dict[str, Any] = answer.json()
    assert (answer.status_code, document["code"]) == (status, code or document["code"]), answer.text
    return document


@pytest.fixture(autouse=True)
def directory(keeping: Keeping, test_settings: Settings) -> Iterator[None]:
    """Keep uploads where the world has its own; count tries in memory, not to run into each other's limits."""
    install_settings(test_settings.model_copy(update={"media": MediaSettings(directory=keeping.files)}))
    yield
    install_settings(test_settings)


@pytest_asyncio.fixture(loop_scope="session")
async def world(client: httpx.AsyncClient, clock: ManualClock, keeping: Keeping) -> AsyncIterator[World]:
    """Return the people and things paths can name; what a test changes is undone by ``go_back``."""
    async with keeping.opened() as opened:
        yield opened


def operations(document: Mapping[str, Any], *methods: str) -> Iterator[Operation]:
    """Yield the operations with one of ``methods``: method, path, description."""
    for path, by_method in document["paths"].items():
        for method, operation in by_method.items():
            if method in methods:
                yield method, path, operation


def somebody(world: World, operation_id: str) -> dict[str, str]:
    """Return the headers of somebody who may use the operation."""
    row = ROWS.get(operation_id, {})
    beside = next((who for section, who in BESIDES.items() if operation_id in SECTIONS[section]), "resident")
    return world.headers[next((actor for actor in PREFERRED if row.get(actor) == "ok"), beside)]


class _Findings:
    """Sends, notes what is wrong with the answers, and undoes what was done."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client
        self.wrong: Counter[str] = Counter()
        self.sent = self.accepted = 0

    async def send(self, what: str, method: str, url: str, **options: Any) -> None:
        """Send a request called ``what``."""
        answer = await self._client.request(method, url, **options)
        self.note(what, method, fault_of(answer))
        if answer.is_success:
            self.accepted += 1
            await go_back()

    def note(self, what: str, method: str, fault: str | None) -> None:
        """Note what is wrong with an answer, if anything."""
        self.sent += 1
        if fault:
            self.wrong[f"{method.upper()} {what} -> {fault}"] += 1

    def report(self) -> None:
        """Fail with everything that was wrong."""
        assert not self.wrong, "\n".join(self.wrong)
        assert self.sent > 100


async def test_no_body_brings_any_operation_down(
    client: httpx.AsyncClient, world: World, document: dict[str, Any]
) -> None:
    findings = _Findings(client)
    before = await rows()
    for number, (method, path, operation) in enumerate(operations(document, "post", "put", "patch")):
        name = operation["operationId"]
        signed, url = somebody(world, name), world.path(path)
        takes = tuple(operation.get("requestBody", {}).get("content", ()))
        enough = SORTS if name in _READS_ITSELF else _SORTS_FOR.get(takes, SORTS)
        for what in enough if number % EVERY else BODIES:
            kind, content = BODIES[what]
            headers = signed | ({"Content-Type": kind} if kind else {})
            await findings.send(f"{path} {what}", method, url, headers=headers, content=content)
    await go_back()
    assert await rows() == before
    findings.report()


def _routes(app: FastAPI) -> dict[str, APIRoute]:
    return {route.unique_id: route for route in app.routes if isinstance(route, APIRoute)}


async def _refusal(route: APIRoute, body: bytes) -> Response | None:
    """Return how a body is refused by its shape, as it is once the guards are past; ``None`` for one that fits.

    This is what the endpoint does with it. Most of what no app would send ends here, and a request takes a hundred
    times as long.
    """
    content, fields = json.loads(body), route.dependant.body_params
    if not fields:  # it is read further in
        return None
    try:
        _, errors = await request_body_to_args(fields, content, route._embed_body_fields)
    except UnicodeEncodeError:  # half a surrogate: who answers that stands further out
        return None
    if not errors:
        return None
    return from_validation(RequestValidationError(errors, body=content)).response("/here")


async def test_no_value_of_any_field_brings_an_operation_down(
    app: FastAPI, client: httpx.AsyncClient, world: World, document: dict[str, Any]
) -> None:
    findings, routes = _Findings(client), _routes(app)
    for method, path, operation in operations(document, "post", "put", "patch"):
        content = operation.get("requestBody", {}).get("content", {})
        # What can be said of a resident by somebody else runs through the same function as what they say themselves.
        twin = path.replace("/residents/{resident_id}/", "/me/")
        if "application/json" not in content or (twin != path and method in document["paths"].get(twin, {})):
            continue
        name = operation["operationId"]
        headers = somebody(world, name) | {"Content-Type": "application/json"}
        schema = content["application/json"]["schema"]
        for number, (what, body) in enumerate(bodies_of(schema, document, body_of(name, world))):
            refusal = await _refusal(routes[name], body)
            if refusal is None or number % SENT_ALL_THE_SAME == 0:
                await findings.send(f"{path} {what}", method, world.path(path), headers=headers, content=body)
            else:
                fault = _fault_of(refusal.status_code, refusal.headers.get("content-type"), bytes(refusal.body))
                findings.note(f"{path} {what}", method, fault)
    findings.report()


async def test_no_address_and_no_header_brings_an_operation_down(
    client: httpx.AsyncClient, world: World, document: dict[str, Any]
) -> None:
    findings = _Findings(client)
    for method, path, operation in operations(document, "get", "post", "put", "patch", "delete"):
        name = operation["operationId"]
        signed, url = somebody(world, name), world.path(path)
        body = body_of(name, world) if "requestBody" in operation else None
        named = {parameter["name"].lower() for parameter in operation.get("parameters", [])}
        for query in QUERIES:
            if query.partition("=")[0] in named:
                await findings.send(f"{path}?{query[:30]}", method, f"{url}?{query}", headers=signed, json=body)
        for strange in IDS if "{" in path else ():
            before, _, after = path.rpartition("{")
            address = world.path(before) + strange + after.partition("}")[2]
            await findings.send(f"{path} with {strange[:20]}", method, address, headers=signed, json=body)
        strange_headers: list[Mapping[str, str]] = [{"If-Match": value} for value in VERSIONS if "if-match" in named]
        strange_headers += [{"Idempotency-Key": value} for value in KEYS if method == "post"]
        strange_headers += HEADERS if name in ("getMyAccount", "addMyContactPoint", "raiseSos") else ()
        for extra in strange_headers:
            raw = {key: value.encode("latin-1") for key, value in (signed | dict(extra)).items()}
            await findings.send(f"{path} with {extra}", method, url, headers=raw, json=body)
    findings.report()


@pytest.mark.parametrize("method", ["BREW", "TRACE", "PROPFIND", "POST", "get"])
async def test_unknown_methods_and_addresses(client: httpx.AsyncClient, world: World, method: str) -> None:
    headers = world.headers["resident"]
    async with nothing_done():
        answer = await client.request(method, "/v1/me/check-ins", headers=headers)
        assert refused(answer, 405, "method_not_allowed") if method != "get" else answer.is_success
        for nowhere in ("/v1/nowhere", "/v2/me", "/v1/me/check-ins/x/y/z", "/%2e%2e/etc/passwd", "//", "/v1//me"):
            refused(await client.request(method, f"http://test{nowhere}", headers=headers), 404, "not_found")


async def test_other_peoples_ids_are_unknown_ids(
    client: httpx.AsyncClient, world: World, document: dict[str, Any]
) -> None:
    """Whoever looks for what is not theirs learns no more than whoever makes an id up."""
    made_up = str(uuid.UUID(int=7))
    async with nothing_done():
        for method, path, operation in operations(document, "get", "post", "put", "patch", "delete"):
            name = operation["operationId"]
            if name == "sendPiece" or "{" not in path or "404" not in ROWS.get(name, {}).get("foreign", ""):
                continue
            body = body_of(name, world) if "requestBody" in operation else None
            before, _, after = world.path(path[: path.rindex("}") + 1]).rpartition("/")
            end = path[path.rindex("}") + 1 :]
            theirs, nobodys = [
                await client.request(method, f"{before}/{some}{end}", headers=world.headers["foreign"], json=body)
                for some in (after, made_up)
            ]
            document_of_theirs = refused(theirs, 404)
            assert document_of_theirs | {"instance": ""} == refused(nobodys, 404) | {"instance": ""}, name


async def test_stale_versions_are_refused(client: httpx.AsyncClient, world: World, document: dict[str, Any]) -> None:
    async with nothing_done():
        tried = 0
        for method, path, operation in operations(document, "put", "patch"):
            named = {parameter["name"] for parameter in operation.get("parameters", [])}
            name = operation["operationId"]
            if "if-match" not in {word.lower() for word in named}:
                continue
            headers = somebody(world, name) | {"If-Match": '"77"'}
            answer = await client.request(method, world.path(path), headers=headers, json=body_of(name, world))
            refused(answer, 412, "stale_version")
            tried += 1
        assert tried >= 8


async def test_what_is_sent_twice_is_done_once(client: httpx.AsyncClient, world: World) -> None:
    headers = world.headers["resident"] | {"Idempotency-Key": "twice"}
    point = {"kind": "email", "value": "twice@example.org", "capabilities": ["email"]}
    first = await client.post("/v1/me/contact-points", headers=headers, json=point)
    assert first.status_code == 201, first.text
    async with nothing_done():
        again = await client.post("/v1/me/contact-points", headers=headers, json=point)
        assert (again.status_code, again.content) == (201, first.content)
        other = point | {"value": "other@example.org"}
        refused(await client.post("/v1/me/contact-points", headers=headers, json=other), 422, "idempotency_key_reused")
        del headers["Idempotency-Key"]
        refused(await client.post("/v1/me/contact-points", headers=headers, json=point), 409)


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        ("/v1/me/check-in-plans", {"times": ["25:61"], "starts_on": "2026-03-02"}, "/body/times/0"),
        ("/v1/me/check-in-plans", {"times": ["08:00"], "starts_on": "2026-02-30"}, "/body/starts_on"),
        ("/v1/me/check-in-plans", {"times": ["08:00"], "starts_on": "2026-03-02", "time_zone": "Mars/Olympus"}, "zone"),
        ("/v1/me/check-in-pauses", {"kind": "away", "ends_at": "9999-12-31T23:59:59-14:00"}, "/body/ends_at"),
        ("/v1/me/check-in-pauses", {"kind": "away", "ends_at": "2026-03-05T08:00:00"}, "/body/ends_at"),
        ("/v1/me/contact-points", {"kind": "email", "value": "a\x00@b.c"}, "/body/value"),
        ("/v1/me/contact-points", {"kind": "email", "value": "\ud800@b.c"}, "/body"),
        ("/v1/me/contact-points", {"kind": ["email"], "value": 10**30}, "/body/kind"),
    ],
)
async def test_the_problem_points_at_what_is_wrong(
    client: httpx.AsyncClient, world: World, path: str, body: dict[str, Any], pointer: str
) -> None:
    headers = world.headers["resident"] | {"Content-Type": "application/json"}
    async with nothing_done():
        answer = await client.post(path, headers=headers, content=json.dumps(body))
        problem = refused(answer, 422, "malformed")
    assert any(pointer in error["pointer"] for error in problem["errors"]), problem


async def test_ten_megabytes_are_refused_before_they_are_read(home: House) -> None:
    """Over a real connection, announced or in chunks: nothing is kept of it, and the process serves on."""
    headers = await sign_in_resident(await identity.resident(await identity.community()))
    api = await home.api()

    async def pieces(count: int) -> AsyncIterator[bytes]:
        for _ in range(count):
            yield b"x" * 65_536

    async with httpx.AsyncClient(base_url=api.url, timeout=30, headers=headers) as client, nothing_done():
        for path in ("/v1/me/contact-points", "/v1/sign-in/codes", "/v1/me/check-in-plans"):
            refused(await client.post(path, content=b"x" * TEN_MEGABYTES), 413, "payload_too_large")
            refused(await client.post(path, content=pieces(TEN_MEGABYTES // 65_536)), 413, "payload_too_large")
        assert (await client.get("/v1/me/account")).status_code == 200
        await _break_off(api.url, headers["Authorization"])
        assert (await client.get("/v1/me/account")).status_code == 200
    assert "Traceback" not in api.written()


async def _break_off(url: str, authorization: str) -> None:
    """Send what is no HTTP, and a request that ends in the middle of its body."""
    address = urlsplit(url)
    head = f"POST /v1/me/contact-points HTTP/1.1\r\nhost: a\r\nauthorization: {authorization}\r\n"
    half = head + 'content-type: application/json\r\ncontent-length: 500\r\n\r\n{"kind": "em'
    for sent in (b"\x16\x03\x01\x02\x00\x01\x00", b"GET\r\n\r\n", b"\x00" * 1_000, half.encode()):
        _, writer = await asyncio.open_connection(address.hostname, address.port)
        writer.write(sent)
        await writer.drain()
        writer.close()
        await writer.wait_closed()
