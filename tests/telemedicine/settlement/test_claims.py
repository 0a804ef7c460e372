"""Asking an insurer that speaks FHIR, over real HTTP: whatever goes wrong on the way, a claim is decided once."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
import pytest_asyncio
import sqlalchemy as sa
from aiohttp import web
from pydantic import SecretStr

from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.core.insurer_settings import FhirInsurer, InsurerSettings
from app.core.settings import Settings, install_settings
from notifications.delivery.models import Delivery
from telemedicine.settlement.models import InsurerRequest
from telemedicine.settlement.service import asking
from tests.factories import sign_in
from tests.factories.telemedicine_records import COVERAGE, health_record
from tests.sinks.insurer import TOKEN, Insurer, amount, decided, insurer, outcome
from tests.telemedicine.settlement.conftest import Body, Desk, work


@dataclass
class Claims:
    """A desk whose resident is insured with an insurer elsewhere."""

    desk: Desk
    insurer: Insurer
    clock: ManualClock
    coverage_id: str

    async def claimed(self, *codes: str) -> Body:
        return await self.desk.claimed(await self.desk.issued(*codes), coverage_id=self.coverage_id)

    async def later(self, bill: Body, by: timedelta = timedelta(hours=7)) -> Body:
        """Return the bill once the insurer has been asked again."""
        self.clock.advance(by)
        self.desk.clinic = await sign_in.sign_in(self.desk.coordinator, second_factor=True)
        await work()
        return await self.desk.bill(bill)

    async def told(self) -> list[str]:
        async with reading() as connection:
            found = await connection.execute(
                sa.select(Delivery.notice_key).where(Delivery.account_id == self.desk.coordinator.id)  # type: ignore[call-overload]  # SQLModel's columns
            )
            return [row.notice_key for row in found]


@pytest_asyncio.fixture(loop_scope="session")
async def claims(desk: Desk, clock: ManualClock, test_settings: Settings) -> AsyncIterator[Claims]:
    coverage = await health_record(desk.scene.resident, COVERAGE)
    async with insurer() as server:
        mutual = FhirInsurer(
            name="Lakeside Mutual", city="shanghai", endpoint=server.url, token=SecretStr(TOKEN), timeout=5
        )
        chosen = InsurerSettings(fhir={"mutual": mutual}, allow_http=True)
        install_settings(test_settings.model_copy(update={"insurers": chosen}))
        yield Claims(desk, server, clock, str(coverage.id))
        server.release.set()
    install_settings(test_settings)


def impatient(test_settings: Settings, server: Insurer) -> None:
    """Have insurers answer in no time at all."""
    mutual = FhirInsurer(
        name="Lakeside Mutual", city="shanghai", endpoint=server.url, token=SecretStr(TOKEN), timeout=0.3
    )
    chosen = InsurerSettings(fhir={"mutual": mutual}, allow_http=True)
    install_settings(test_settings.model_copy(update={"insurers": chosen}))


async def test_a_claim_says_what_was_done_and_nobodys_name(claims: Claims) -> None:
    bill = await claims.claimed("visit", "vaccination")
    assert (bill["state"], bill["insured_amount"], bill["own_amount"]) == ("due", 9_000, 9_000)
    (sent,) = claims.insurer.submitted
    (request,) = bill["requests"]
    assert sent["identifier"] == [{"system": "urn:hearthline:claim", "value": request["id"]}]
    assert [item["net"] for item in sent["item"]] == [
        {"value": 150.0, "currency": "CNY"},
        {"value": 30.0, "currency": "CNY"},
    ]
    assert sent["contained"][0]["birthDate"] == "1940-05-01"
    assert claims.desk.scene.account.name not in str(sent)
    # Who says only the sum says nothing of lines.
    assert [line["own_amount"] for line in bill["lines"]] == [None, None]


async def test_whether_somebody_is_insured_is_asked_before(claims: Claims) -> None:
    bill = await claims.desk.issued()
    await claims.desk.did(f"bills/{bill['id']}/eligibility-requests", {"coverage_id": claims.coverage_id})
    await work()
    (request,) = (await claims.desk.bill(bill))["requests"]
    assert (request["kind"], request["state"], request["in_force"]) == ("eligibility", "complete", True)
    assert await claims.desk.refused(f"bills/{bill['id']}/claims") == (409, "several_coverages")
    unknown = await health_record(claims.desk.scene.resident, COVERAGE | {"insurer": "Unheard of"})
    assert await claims.desk.refused(f"bills/{bill['id']}/claims", {"coverage_id": str(unknown.id)}) == (
        409,
        "unknown_insurer",
    )
    over = await health_record(claims.desk.scene.resident, COVERAGE | {"ends_on": "2026-01-31"})
    assert await claims.desk.refused(f"bills/{bill['id']}/claims", {"coverage_id": str(over.id)}) == (
        409,
        "no_coverage",
    )


async def test_an_answer_that_is_lost_is_found_again(claims: Claims, test_settings: Settings) -> None:
    impatient(test_settings, claims.insurer)
    claims.insurer.script = ["hangs"]
    bill = await claims.claimed()
    assert (bill["state"], bill["requests"][0]["failure"]) == ("claimed", "timeout")
    again = await claims.later(bill)
    assert (again["state"], again["insured_amount"]) == ("due", 7_500)
    identifiers = {sent["identifier"][0]["value"] for sent in claims.insurer.submitted}
    assert (len(claims.insurer.submitted), len(identifiers), claims.insurer.asked) == (2, 1, 1)


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (web.Response(status=503, text="later"), "http_503"),
        (web.Response(status=401, text="who?"), "http_401"),
        (web.Response(text="<html>busy</html>", content_type="text/html"), "not_understood"),
        (web.json_response(["no", "object"]), "not_understood"),
        (web.json_response({"resourceType": "Patient"}), "not_understood"),
        (web.json_response({"resourceType": "ClaimResponse", "outcome": "complete"}), "not_understood"),
        (web.json_response({"resourceType": "ClaimResponse", "outcome": "perhaps"}), "not_understood"),
        (
            web.json_response(
                {"resourceType": "ClaimResponse", "outcome": "complete", "total": [amount("benefit", 1.001)]}
            ),
            "not_understood",
        ),
        (web.Response(text="x" * (2 << 20)), "too_big"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_what_is_no_answer_is_asked_for_again(claims: Claims, answer: web.Response, failure: str) -> None:
    claims.insurer.script = [answer]
    bill = await claims.claimed()
    (request,) = bill["requests"]
    assert (bill["state"], request["state"], request["failure"]) == ("claimed", "queued", failure)
    assert (await claims.later(bill))["state"] == "due"


def _other(claim: Body, **elements: object) -> Body:
    return {**decided(claim, paid=100), **elements}


_ANOTHERS = {"identifier": {"system": "urn:hearthline:claim", "value": "another"}}


@pytest.mark.parametrize(
    ("elements", "failure"),
    [
        ({"request": _ANOTHERS}, "another_claim"),
        ({"patient": {"identifier": {"system": "urn:hearthline:member-number", "value": "0"}}}, "another_patient"),
        ({"use": "predetermination"}, "no_claim"),
        ({"status": "cancelled"}, "another_status"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_an_answer_to_something_else_is_not_taken(claims: Claims, elements: Body, failure: str) -> None:
    claims.insurer.decide = lambda claim: _other(claim, **elements)
    bill = await claims.claimed()
    (request,) = bill["requests"]
    assert (bill["state"], request["state"], request["failure"]) == ("claimed", "queued", failure)


async def test_what_a_search_finds_has_to_say_that_it_is_ours(claims: Claims) -> None:
    claims.insurer.decide = lambda claim: outcome(claim, "queued")
    bill = await claims.claimed()
    for element in ({"request": _ANOTHERS}, {"request": {"reference": "Claim/7"}}, {"request": None}):
        claims.insurer.responses = {key: _other(claim, **element) for key, claim in claims.insurer.claims.items()}
        bill = await claims.later(bill)
        assert (bill["state"], bill["requests"][0]["failure"]) == ("claimed", "another_claim")


async def test_an_insurer_that_works_on_whether_somebody_is_insured_is_asked_again(claims: Claims) -> None:
    bill = await claims.desk.issued()
    queued = {"resourceType": "CoverageEligibilityResponse", "outcome": "queued"}
    claims.insurer.script = [web.json_response(queued)]
    await claims.desk.did(f"bills/{bill['id']}/eligibility-requests", {"coverage_id": claims.coverage_id})
    await work()
    (request,) = (await claims.desk.bill(bill))["requests"]
    assert (request["state"], request["in_force"]) == ("pending", None)
    (request,) = (await claims.later(bill))["requests"]
    assert (request["state"], request["in_force"], claims.insurer.asked) == ("complete", True, 1)


async def test_an_odd_answer_keeps_nobody_else_waiting(claims: Claims) -> None:
    claims.insurer.decide = lambda claim: _other(claim, id="no\x00id")
    bill = await claims.claimed()
    assert (bill["state"], bill["requests"][0]["reference"]) == ("due", None)


async def test_a_claim_refused_after_it_may_have_arrived_is_taken_back(claims: Claims) -> None:
    claims.insurer.script = [web.Response(status=503), web.Response(status=422)]
    bill = await claims.later(await claims.claimed())
    assert bill["state"] == "issued"
    assert [(one["kind"], one["state"]) for one in bill["requests"]] == [("claim", "error"), ("reversal", "complete")]


@pytest.mark.parametrize(
    ("answer", "state", "told"),
    [
        (web.Response(status=404), "error", ["telemedicine.claim_refused"]),
        # It says again what it decided: nothing is taken back.
        (web.json_response({"resourceType": "ClaimResponse", "outcome": "complete", "status": "active"}), "queued", []),
    ],
    ids=["unknown", "repeated"],
)
async def test_what_cannot_be_taken_back_is_brought_before_people(
    claims: Claims, answer: web.Response, state: str, told: list[str]
) -> None:
    bill = await claims.claimed()
    await claims.desk.did(f"bills/{bill['id']}/credit", {"reason": "wrong visit"})
    claims.insurer.script = [answer]
    await work()
    void = await claims.desk.bill(bill)
    assert (void["state"], void["requests"][1]["state"]) == ("void", state)
    assert await claims.told() == told


async def test_who_works_on_it_is_asked_for_the_outcome(claims: Claims) -> None:
    claims.insurer.decide = lambda claim: outcome(claim, "queued")
    bill = await claims.claimed()
    assert (bill["state"], bill["requests"][0]["state"]) == ("claimed", "pending")
    claims.insurer.responses = {key: outcome(claim, "partial") for key, claim in claims.insurer.claims.items()}
    assert (await claims.later(bill))["state"] == "claimed"
    claims.insurer.responses = {key: decided(claim, paid=150) for key, claim in claims.insurer.claims.items()}
    settled = await claims.later(bill)
    assert (settled["state"], settled["decision"], settled["charge"]) == ("settled", "approved", None)
    assert len(claims.insurer.submitted) == 1


async def test_who_does_not_answer_is_brought_before_the_clinic_again_and_again(claims: Claims) -> None:
    claims.insurer.decide = lambda claim: outcome(claim, "queued")
    bill = await claims.claimed()
    assert await claims.told() == []
    for times in (1, 2):
        await claims.later(bill, timedelta(days=3))
        assert await claims.told() == ["telemedicine.claim_unanswered"] * times
    claims.insurer.responses = {key: decided(claim, paid=0) for key, claim in claims.insurer.claims.items()}
    await claims.later(bill, timedelta(days=3))
    await claims.later(bill, timedelta(days=3))
    assert await claims.told() == ["telemedicine.claim_unanswered"] * 2


@pytest.mark.parametrize(
    "answer",
    [
        web.json_response({"resourceType": "OperationOutcome", "issue": [{"diagnostics": "no such code"}]}, status=422),
        web.json_response({"resourceType": "ClaimResponse", "outcome": "error", "disposition": "no such code"}),
    ],
    ids=["refused", "error"],
)
async def test_a_claim_an_insurer_cannot_work_with_is_corrected_and_sent_anew(
    claims: Claims, answer: web.Response
) -> None:
    claims.insurer.script = [answer]
    bill = await claims.claimed()
    (request,) = bill["requests"]
    assert (bill["state"], request["state"], request["disposition"]) == ("issued", "error", "no such code")
    assert await claims.told() == ["telemedicine.claim_refused"]
    assert (await claims.desk.claimed(bill, coverage_id=claims.coverage_id))["state"] == "due"


async def test_amounts_that_cannot_be_true_are_not_taken_and_are_taken_back(claims: Claims) -> None:
    claims.insurer.decide = lambda claim: decided(claim, paid=claim["total"]["value"] + 0.01)
    bill = await claims.claimed()
    claim, reversal = bill["requests"]
    assert (bill["state"], bill["insured_amount"], claim["failure"]) == ("issued", 0, "more_than_asked")
    assert (reversal["kind"], reversal["state"], reversal["about_id"]) == ("reversal", "complete", claim["id"])
    assert claims.insurer.responses[claim["id"]]["status"] == "cancelled"
    claims.insurer.decide = lambda claim: decided(claim, paid=1, currency="USD")
    again = await claims.desk.claimed(bill, coverage_id=claims.coverage_id)
    assert (again["state"], again["requests"][2]["failure"]) == ("issued", "another_currency")


async def test_what_is_being_taken_back_still_is_when_the_bill_is(claims: Claims) -> None:
    claims.insurer.decide = lambda claim: decided(claim, paid=claim["total"]["value"] + 1)
    claims.insurer.script = ["works", web.Response(status=503)]
    bill = await claims.claimed()
    claim, reversal = bill["requests"]
    assert (reversal["kind"], reversal["state"]) == ("reversal", "queued")
    await claims.desk.did(f"bills/{bill['id']}/credit", {"reason": "wrong"})
    void = await claims.later(bill)
    assert [(one["kind"], one["state"]) for one in void["requests"]] == [("claim", "error"), ("reversal", "complete")]
    assert claims.insurer.responses[claim["id"]]["status"] == "cancelled"


async def test_a_denial_is_appealed_by_a_claim_that_names_the_one_before(claims: Claims) -> None:
    claims.insurer.decide = lambda claim: decided(claim, paid=0, eligible=0)
    bill = await claims.claimed()
    assert (bill["state"], bill["decision"], bill["charge"]) == ("denied", "denied", None)
    assert await claims.told() == ["telemedicine.claim_refused"]
    claims.insurer.decide = lambda claim: decided(claim, paid=100)
    appealed = await claims.desk.claimed(bill, coverage_id=claims.coverage_id)
    first, second = appealed["requests"]
    assert (appealed["state"], second["about_id"]) == ("due", first["id"])
    related = claims.insurer.submitted[1]["related"][0]["claim"]["identifier"]["value"]
    assert related == first["id"]


async def test_after_a_denial_the_resident_can_be_asked_for_all_of_it(claims: Claims) -> None:
    claims.insurer.decide = lambda claim: decided(claim, paid=0, eligible=0)
    bill = await claims.claimed()
    due = await claims.desk.did(f"bills/{bill['id']}/own-share")
    assert (due["state"], due["charge"]["amount"]) == ("due", 15_000)
    assert await claims.desk.refused(f"bills/{bill['id']}/claims") == (409, "bill_state")


async def test_a_bill_that_is_taken_back_takes_its_claim_back(claims: Claims) -> None:
    bill = await claims.claimed()
    await claims.desk.did(f"bills/{bill['id']}/credit", {"reason": "wrong visit"})
    await work()
    void = await claims.desk.bill(bill)
    assert [(one["kind"], one["state"]) for one in void["requests"]] == [
        ("claim", "complete"),
        ("reversal", "complete"),
    ]
    assert claims.insurer.submitted[-1]["status"] == "cancelled"
    assert claims.insurer.submitted[-1]["identifier"] == claims.insurer.submitted[0]["identifier"]


async def test_a_bill_is_not_taken_back_while_its_claim_is_on_the_way(claims: Claims) -> None:
    bill = await claims.desk.issued()
    await claims.desk.did(f"bills/{bill['id']}/claims", {"coverage_id": claims.coverage_id})
    claims.insurer.script = ["hangs"]
    flight = asyncio.create_task(asking.run())
    async with asyncio.timeout(20):
        await claims.insurer.called.wait()
    assert await claims.desk.refused(f"bills/{bill['id']}/credit", {"reason": "x"}) == (409, "request_under_way")
    claims.insurer.release.set()
    await flight
    assert (await claims.desk.bill(bill))["state"] == "due"


async def test_a_worker_that_dies_at_any_point_leaves_one_claim(claims: Claims) -> None:
    bill = await claims.desk.issued()
    await claims.desk.did(f"bills/{bill['id']}/claims", {"coverage_id": claims.coverage_id})
    # It dies with the request in hand, before the insurer heard of it.
    async with unit_of_work() as session:
        assert len(await asking.LEASE.claim(session, 8)) == 1
    assert await asking.run() == 0
    # The next one dies after the insurer has taken it.
    claims.clock.advance(timedelta(minutes=6))
    claims.insurer.script = ["hangs"]
    flight = asyncio.create_task(asking.run())
    async with asyncio.timeout(20):
        await claims.insurer.called.wait()
    flight.cancel()
    await asyncio.gather(flight, return_exceptions=True)
    found = await claims.later(bill)
    assert (found["state"], len(claims.insurer.claims)) == ("due", 1)
    assert len({sent["identifier"][0]["value"] for sent in claims.insurer.submitted}) == 1


async def test_an_answer_that_comes_after_the_lease_is_nobodys(claims: Claims) -> None:
    bill = await claims.desk.issued()
    await claims.desk.did(f"bills/{bill['id']}/claims", {"coverage_id": claims.coverage_id})
    claims.insurer.script = ["hangs"]
    slow = asyncio.create_task(asking.run())
    async with asyncio.timeout(20):
        await claims.insurer.called.wait()
    claims.clock.advance(timedelta(minutes=6))
    assert await asking.run() == 1  # another has it now, and finds what the insurer decided
    claims.insurer.release.set()
    await slow
    claims.desk.clinic = await sign_in.sign_in(claims.desk.coordinator, second_factor=True)
    found = await claims.desk.bill(bill)
    assert [change["state"] for change in found["changes"]] == ["issued", "claimed", "approved", "due"]


async def test_of_whoever_was_erased_nobody_is_asked(claims: Claims) -> None:
    bill = await claims.desk.issued()
    await claims.desk.did(f"bills/{bill['id']}/claims", {"coverage_id": claims.coverage_id})
    async with unit_of_work() as session:
        await session.execute(sa.update(InsurerRequest).values(asked=None))
    await work()
    assert claims.insurer.submitted == []
    found = await claims.desk.bill(bill)
    assert (found["state"], found["requests"][0]["state"]) == ("issued", "cancelled")
