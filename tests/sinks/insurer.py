"""A loopback insurer that speaks FHIR R4: it takes claims by their identifier, once, and answers as it is told."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from tests.fhir.valid import check

Json = dict[str, Any]
CATEGORY = "http://terminology.hl7.org/CodeSystem/adjudication"
TOKEN = "let-me-in"


def amount(category: str, value: float, currency: str = "CNY") -> Json:
    """Return an amount of a category, as totals and items have them."""
    return {
        "category": {"coding": [{"system": CATEGORY, "code": category}]},
        "amount": {"value": value, "currency": currency},
    }


def decided(claim: Json, *, paid: float, eligible: float | None = None, currency: str = "CNY") -> Json:
    """Return a ClaimResponse that pays a sum of a claim, without saying of which line."""
    total = claim["total"]["value"]
    return {
        "resourceType": "ClaimResponse",
        "id": f"response-{claim['identifier'][0]['value'][-12:]}",
        "status": "active",
        "type": claim["type"],
        "use": "claim",
        "patient": {"display": "insured"},
        "created": "2026-03-02",
        "insurer": claim["insurer"],
        "request": {"identifier": claim["identifier"][0]},
        "outcome": "complete",
        "disposition": "decided",
        "total": [
            amount("submitted", total, currency),
            amount("eligible", total if eligible is None else eligible, currency),
            amount("benefit", paid, currency),
        ],
    }


def outcome(claim: Json, said: str, **elements: Any) -> Json:
    """Return a ClaimResponse without a decision."""
    return {**decided(claim, paid=0), "outcome": said, "total": [], **elements}


def _half(claim: Json) -> Json:
    return decided(claim, paid=round(claim["total"]["value"] / 2, 2))


class Insurer:
    """Pays half of every claim. ``script`` are what happens at the next calls; with none left it simply works."""

    def __init__(self) -> None:
        self.url = ""
        self.decide: Callable[[Json], Json] = _half
        self.claims: dict[str, Json] = {}
        self.responses: dict[str, Json] = {}
        self.submitted: list[Json] = []
        self.asked = 0
        self.script: list[str | web.Response] = []
        self.called = asyncio.Event()
        self.release = asyncio.Event()

    async def submit(self, request: web.Request) -> web.StreamResponse:
        """Take a claim: the same identifier again is the same claim, and answered with 409."""
        assert request.headers["Authorization"] == f"Bearer {TOKEN}"
        document = await request.json()
        check(document)
        self.submitted.append(document)
        self.called.set()
        step = self.script.pop(0) if self.script else "works"
        if isinstance(step, web.Response):
            return step
        identifier, is_reversal = document["identifier"][0]["value"], document["status"] == "cancelled"
        if identifier in self.claims and not is_reversal:
            return web.json_response({"resourceType": "OperationOutcome"}, status=409)
        self.claims[identifier] = document
        self.responses[identifier] = (
            outcome(document, "complete", status="cancelled") if is_reversal else self.decide(document)
        )
        if step == "hangs":  # it has the claim, and its answer is lost
            await self.release.wait()
        return web.json_response(self.responses[identifier])

    async def eligibility(self, request: web.Request) -> web.StreamResponse:
        """Say that whoever is asked about is insured, at once or when it is asked for."""
        document = await request.json()
        check(document)
        identifier = document["identifier"][0]
        self.responses[identifier["value"]] = {
            "resourceType": "CoverageEligibilityResponse",
            "id": "eligibility",
            "request": {"identifier": identifier},
            "outcome": "complete",
            "insurance": [{"coverage": {"display": "theirs"}, "inforce": True}],
        }
        step = self.script.pop(0) if self.script else "works"
        return step if isinstance(step, web.Response) else web.json_response(self.responses[identifier["value"]])

    async def search(self, request: web.Request) -> web.StreamResponse:
        """Find the response to a claim."""
        self.asked += 1
        identifier = request.query["request.identifier"].rpartition("|")[2]
        found = self.responses.get(identifier)
        entry = [{"resource": found}] if found else []
        return web.json_response({"resourceType": "Bundle", "type": "searchset", "entry": entry})


@asynccontextmanager
async def insurer() -> AsyncIterator[Insurer]:
    """Run an insurer on the loopback address for as long as the block runs."""
    running = Insurer()
    app = web.Application()
    app.router.add_post("/fhir/Claim/$submit", running.submit)
    app.router.add_post("/fhir/CoverageEligibilityRequest/$submit", running.eligibility)
    app.router.add_get("/fhir/ClaimResponse", running.search)
    app.router.add_get("/fhir/CoverageEligibilityResponse", running.search)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port, *_ = runner.addresses[0]
        running.url = f"http://{host}:{port}/fhir"
        yield running
    finally:
        running.release.set()
        await runner.cleanup()
