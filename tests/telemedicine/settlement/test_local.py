"""The local insurer: it splits by the published rules, and its books hold whoever claims beside whom."""

import asyncio
import uuid
from datetime import UTC, date, datetime

import pytest
import sqlalchemy as sa

from app.core import clock as clocks
from app.core.clock import ManualClock
from app.core.database import Database, reading, unit_of_work
from app.core.sealing import seal
from app.core.settings import Settings, install_settings
from telemedicine.referrals.models import CONTENT, Referral
from telemedicine.settlement.models import LOCAL_YEARS, LocalInsuranceYear
from telemedicine.settlement.rules import splitting
from telemedicine.settlement.rules.asking import Asked, AskedLine
from telemedicine.settlement.service.insurers.local import LocalInsurer
from tests.factories.telemedicine_records import health_record
from tests.telemedicine.settlement.conftest import INSURED, Desk, work

SHANGHAI = splitting.schemes()["shanghai-resident"]
HANGZHOU = INSURED | {"insurer": "杭州市城乡居民基本医疗保险"}


def asked(number: int, amount: int, **values: object) -> Asked:
    given: dict[str, object] = {
        "identifier": uuid.UUID(int=number),
        "kind": "claim",
        "created": datetime(2026, 3, 2, 8, tzinfo=UTC),
        "resident_id": uuid.UUID(int=1),
        "birth_date": None,
        "member_number": "W-1",
        "relationship": "self",
        "insurer": SHANGHAI.key,
        "insurer_name": SHANGHAI.name,
        "organization_id": uuid.UUID(int=2),
        "organization_name": "Clinic",
        "city": "shanghai",
        "tier": "community",
        "served_on": date(2026, 3, 2),
        "currency": "CNY",
        "total": amount,
        "lines": [AskedLine(sequence=1, code="a", name="A", quantity=1, unit_amount=amount, amount=amount)],
        "registered": False,
    }
    return Asked.model_validate(given | values)


async def _year() -> tuple[int, int]:
    async with reading() as connection:
        row = (await connection.execute(sa.select(LOCAL_YEARS))).one()
        return row.paid_amount, row.deductible_used


async def test_two_claims_at_the_end_of_the_year_cannot_both_have_what_is_left(
    database: Database, clock: ManualClock
) -> None:
    insurer = LocalInsurer(SHANGHAI)
    left = 1_000
    spent = await insurer.ask(asked(1, (SHANGHAI.yearly_cap - left) * 10 // 7))
    assert SHANGHAI.yearly_cap - spent.insured in (left, left + 1)
    both = await asyncio.gather(*(insurer.ask(asked(number, 1_000)) for number in range(2, 6)))
    assert sum(answer.insured for answer in both) == SHANGHAI.yearly_cap - spent.insured
    assert sorted(answer.insured for answer in both)[:2] == [0, 0]
    assert (await _year())[0] == SHANGHAI.yearly_cap


async def test_the_same_claim_again_is_the_same_and_uses_up_nothing(database: Database, clock: ManualClock) -> None:
    insurer = LocalInsurer(SHANGHAI)
    question = asked(1, 40_000, tier="secondary")
    answers = await asyncio.gather(*(insurer.ask(question) for _ in range(3)))
    assert answers[0] == answers[1] == answers[2]
    assert await _year() == (18_000, 10_000)
    back = asked(2, 40_000, tier="secondary", kind="reversal", about=question.identifier)
    for _ in range(2):
        assert (await insurer.ask(back)).outcome == "complete"
    assert await _year() == (0, 0)


async def test_what_is_never_heard_of_is_taken_back_in_vain(database: Database, clock: ManualClock) -> None:
    back = asked(2, 40_000, kind="reversal", about=uuid.UUID(int=9))
    assert (await LocalInsurer(SHANGHAI).ask(back)).outcome == "complete"
    assert await _year() == (0, 0)


async def test_another_currency_is_not_worked_with(database: Database, clock: ManualClock) -> None:
    assert (await LocalInsurer(SHANGHAI).ask(asked(1, 100, currency="USD"))).outcome == "error"


@pytest.mark.parametrize(
    ("values", "insured", "away"),
    [
        # Of 150.00 less Hangzhou's 80.00 for a secondary hospital, at 65 + 5 % of the old, less 5 or 20 % away.
        ({"registered": True}, 4_550, True),
        ({}, 3_500, False),
    ],
    ids=["registered", "unregistered"],
)
async def test_away_the_rates_of_home_hold_for_the_catalogue_of_the_place(
    desk: Desk, values: dict[str, object], insured: int, away: bool
) -> None:
    coverage = await health_record(desk.scene.resident, HANGZHOU)
    bill = await desk.issued("visit", "private-room")
    found = await desk.claimed(bill, coverage_id=str(coverage.id), **values)
    assert [line["insured_amount"] for line in found["lines"]] == [insured, 0]
    said = {True: "with a registration", False: "without a registration"}
    assert said[away] in found["explanation"]["en"][1]


async def test_a_referral_registers_who_it_brought_here_and_nobody_else(desk: Desk) -> None:
    coverage = await health_record(desk.scene.resident, HANGZHOU)
    here, elsewhere = desk.scene.clinic.id, clocks.new_id()
    of = desk.scene.resident.id
    found = {
        "ours": _referral(desk, of, here, "seen"),
        "declined": _referral(desk, of, here, "declined"),
        "elsewhere": _referral(desk, of, elsewhere, "seen"),
        "somebody's": _referral(desk, clocks.new_id(), here, "seen"),
    }
    async with unit_of_work() as session:
        await session.execute(sa.text("SET LOCAL session_replication_role = replica"))  # of a resident who is not there
        session.add_all(found.values())
    bill = await desk.issued()
    for name in ("declined", "elsewhere", "somebody's", None):
        referral_id = found[name].id if name else clocks.new_id()
        given = {"coverage_id": str(coverage.id), "referral_id": str(referral_id)}
        assert await desk.refused(f"bills/{bill['id']}/claims", given) == (422, "malformed")
    claimed = await desk.claimed(bill, coverage_id=str(coverage.id), referral_id=str(found["ours"].id))
    assert claimed["insured_amount"] == 4_550


def _referral(desk: Desk, resident_id: uuid.UUID, to: uuid.UUID, state: str) -> Referral:
    identifier = clocks.new_id()
    return Referral(
        id=identifier,
        community_id=desk.scene.place.id,
        resident_id=resident_id,
        from_organization_id=clocks.new_id(),
        to_organization_id=to,
        requested_by=desk.scene.clinician.id,
        root_id=identifier,
        state=state,
        urgency="routine",
        content=seal("{}", CONTENT),
        changed_at=clocks.now(),
        due_at=clocks.now() if state == "seen" else None,
    )


async def test_a_bill_that_is_taken_back_gives_back_what_it_used_up(desk: Desk) -> None:
    first = await desk.claimed(await desk.issued())
    assert first["insured_amount"] == 3_500
    await desk.did(f"bills/{first['id']}/credit", {"reason": "wrong"})
    await work()
    assert await _year() == (0, 0)
    again = await desk.claimed(await desk.issued())
    assert again["insured_amount"] == 3_500
    assert (await desk.claimed(await desk.issued()))["insured_amount"] == 10_500  # the deductible is used up


async def test_in_production_nobody_makes_up_what_insurers_say(desk: Desk, test_settings: Settings) -> None:
    bill = await desk.issued()
    install_settings(test_settings.model_copy(update={"environment": "production"}))
    try:
        assert await desk.refused(f"bills/{bill['id']}/claims") == (409, "unknown_insurer")
    finally:
        install_settings(test_settings)


async def test_the_database_itself_keeps_the_cap(database: Database, clock: ManualClock) -> None:
    await LocalInsurer(SHANGHAI).ask(asked(1, 100))
    over = sa.update(LocalInsuranceYear).values(paid_amount=SHANGHAI.yearly_cap + 1)
    with pytest.raises(sa.exc.IntegrityError, match="cap"):
        async with unit_of_work() as session:
            await session.execute(over)
