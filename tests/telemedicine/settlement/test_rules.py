"""What is decided about bills without looking anything up."""

import uuid
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemedicine.settlement.rules import splitting, states, words
from telemedicine.settlement.rules.asking import Answered, AnsweredLine, Asked, AskedLine, disagreement
from telemedicine.settlement.rules.splitting import Catalogue, Scheme, Treated, Used, split
from telemedicine.settlement.service.insurers import documents

DAY = date(2026, 3, 2)
LISTED = Catalogue(frozenset({"excluded"}), frozenset({"exempt"}))

amounts = st.integers(0, 10**7)
rates = st.integers(0, splitting.FULL)
lines = st.lists(st.tuples(st.sampled_from(["visit", "test", "excluded", "exempt"]), amounts), min_size=1, max_size=8)
used = st.builds(Used, st.integers(0, 10**6), st.integers(0, 3 * 10**6))
treated = st.builds(
    Treated,
    st.sampled_from(["here", "elsewhere"]),
    st.sampled_from(sorted(splitting.TIERS.values())),
    st.just(DAY),
    st.one_of(st.none(), st.dates(date(1920, 1, 1), DAY)),
    st.booleans(),
)
schemes = st.builds(
    Scheme,
    key=st.just("made-up"),
    name=st.just("Made up"),
    city=st.just("here"),
    currency=st.just("CNY"),
    deductible=st.fixed_dictionaries(dict.fromkeys(splitting.TIERS, st.integers(0, 10**6))),
    rate=st.fixed_dictionaries(dict.fromkeys(splitting.TIERS, rates)),
    yearly_cap=st.integers(0, 3 * 10**6),
    senior_age=st.just(60),
    senior_uplift=st.integers(0, 3000),
    registered_reduction=st.integers(0, 3000),
    unregistered_reduction=st.integers(0, 5000),
)


@given(schemes, treated, lines, used)
def test_what_is_paid_and_what_is_left_is_the_bill_to_the_unit(
    scheme: Scheme, where: Treated, billed: list[tuple[str, int]], before: Used
) -> None:
    found = split(scheme, where, billed, before, LISTED)
    assert [share.amount for share in found.shares] == [amount for _, amount in billed]
    assert all(0 <= share.insured <= share.eligible <= share.amount for share in found.shares)
    assert all(share.insured + share.own == share.amount and share.own >= 0 for share in found.shares)
    assert found.insured + sum(share.own for share in found.shares) == sum(amount for _, amount in billed)
    assert found.insured <= max(0, scheme.yearly_cap - before.paid)
    assert found.deductible <= max(0, scheme.deductible[where.tier] - before.deductible)
    assert all(share.insured == 0 for share, (code, _) in zip(found.shares, billed, strict=True) if code == "excluded")


@given(schemes, treated, lines, used, st.integers(0, 7), st.integers(1, 10**6))
def test_who_is_billed_more_never_pays_less_and_is_never_paid_less(
    scheme: Scheme, where: Treated, billed: list[tuple[str, int]], before: Used, which: int, more: int
) -> None:
    raised = list(billed)
    code, amount = raised[which % len(raised)]
    raised[which % len(raised)] = (code, amount + more)
    one, other = split(scheme, where, billed, before, LISTED), split(scheme, where, raised, before, LISTED)
    assert other.insured + sum(share.own for share in other.shares) == sum(amount for _, amount in raised)
    if len(billed) == 1:
        assert other.insured >= one.insured
        assert other.shares[0].own >= one.shares[0].own


@given(schemes, treated, amounts, used, st.integers(0, 10**6))
def test_a_year_that_is_further_used_up_pays_no_more_above_the_deductible(
    scheme: Scheme, where: Treated, amount: int, before: Used, more: int
) -> None:
    later = Used(before.deductible, before.paid + more)
    one, other = (split(scheme, where, [("visit", amount)], each, LISTED) for each in (before, later))
    assert other.insured <= one.insured


@given(schemes, amounts, st.booleans())
def test_a_registration_never_costs_and_away_never_pays_more_than_at_home(
    scheme: Scheme, amount: int, registered: bool
) -> None:
    def paid(city: str, *, is_registered: bool) -> int:
        where = Treated(city, "community", DAY, None, is_registered)
        return split(scheme, where, [("visit", amount)], Used(), LISTED).insured

    assert paid("elsewhere", is_registered=registered) <= paid("here", is_registered=registered)
    if scheme.registered_reduction <= scheme.unregistered_reduction:
        assert paid("elsewhere", is_registered=False) <= paid("elsewhere", is_registered=True)


def test_the_published_schemes_pay_more_nearer_home_and_to_the_old() -> None:
    for scheme in splitting.schemes().values():
        assert scheme.rate["community"] > scheme.rate["secondary"] > scheme.rate["tertiary"]
        assert scheme.deductible["community"] <= scheme.deductible["secondary"] <= scheme.deductible["tertiary"]
        young = splitting.rate(scheme, Treated(scheme.city, "tertiary", DAY, date(1990, 1, 1)))
        old = splitting.rate(scheme, Treated(scheme.city, "tertiary", DAY, date(1966, 3, 2)))
        assert old - young == scheme.senior_uplift
        assert splitting.rate(scheme, Treated(scheme.city, "tertiary", DAY, date(1966, 3, 3))) == young


def test_the_worked_example_of_the_documentation() -> None:
    scheme = splitting.schemes()["shanghai-resident"]
    billed = [("consultation", 15_000), ("blood-count", 5_000), ("private-room", 10_000), ("vaccination", 3_000)]
    where = Treated("shanghai", "secondary", DAY, date(1940, 5, 1))
    found = split(scheme, where, billed, Used(), splitting.catalogue("shanghai"))
    assert [(share.insured, share.reason) for share in found.shares] == [
        (3_500, "covered"),
        (3_500, "covered"),
        (0, "excluded"),
        (3_000, "exempt"),
    ]
    assert (found.insured, found.deductible) == (10_000, 10_000)


def test_only_the_tables_changes_of_state_happen() -> None:
    reached = {"draft"}
    for _ in states.TRANSITIONS:
        reached |= {after for before in reached for after in states.TRANSITIONS[before]}
    assert reached == states.TRANSITIONS.keys()
    assert not states.TRANSITIONS["void"]
    assert not states.may_become("settled", "draft")


@pytest.mark.parametrize(
    ("total", "eligible", "insured", "decided"),
    [
        (100, 100, 70, "approved"),
        (100, 100, 0, "approved"),
        (100, 60, 40, "partial"),
        (100, 0, 0, "denied"),
        (0, 0, 0, "approved"),
    ],
)
def test_what_was_looked_at_decides(total: int, eligible: int, insured: int, decided: str) -> None:
    assert states.decision(total, eligible, insured) == decided


@given(st.integers(0, 10**6))
def test_an_insurer_is_asked_ever_more_rarely_and_never_given_up(attempts: int) -> None:
    now = datetime(2026, 3, 2, tzinfo=UTC)
    assert now < states.ask_again_at(now, attempts) <= states.ask_again_at(now, attempts + 1)
    assert states.ask_again_at(now, attempts) <= now + timedelta(hours=6)


def asked(**values: object) -> Asked:
    given: dict[str, object] = {
        "identifier": uuid.UUID(int=7),
        "kind": "claim",
        "created": datetime(2026, 3, 2, 8, tzinfo=UTC),
        "resident_id": uuid.UUID(int=1),
        "birth_date": date(1940, 5, 1),
        "member_number": "W-1",
        "relationship": "self",
        "insurer": "made-up",
        "insurer_name": "Made up",
        "organization_id": uuid.UUID(int=2),
        "organization_name": "Clinic",
        "city": "shanghai",
        "tier": "community",
        "served_on": DAY,
        "currency": "CNY",
        "total": 300,
        "lines": [
            AskedLine(sequence=1, code="a", name="A", quantity=1, unit_amount=100, amount=100),
            AskedLine(sequence=2, code="b", name="B", quantity=2, unit_amount=100, amount=200),
        ],
        "registered": False,
    }
    return Asked.model_validate(given | values)


def said(first: int, second: int, *, sequence: int = 2, **values: object) -> Answered:
    given: dict[str, object] = {
        "outcome": "complete",
        "currency": "CNY",
        "submitted": 300,
        "eligible": 300,
        "insured": first + second,
        "lines": [
            AnsweredLine(sequence=1, eligible=100, insured=first),
            AnsweredLine(sequence=sequence, eligible=200, insured=second),
        ],
    }
    return Answered.model_validate(given | values)


@pytest.mark.parametrize(
    ("answered", "code"),
    [
        (said(70, 140), None),
        (said(70, 140, lines=()), None),
        (said(70, 140, currency="USD"), "another_currency"),
        (said(70, 140, submitted=301), "another_total"),
        (said(100, 200, insured=301), "more_than_asked"),
        (said(70, 140, eligible=100), "more_than_asked"),
        (said(70, 140, deductible=10**30), "another_deductible"),
        (said(70, 140, deductible=-1), "another_deductible"),
        (said(70, 140, sequence=3), "unknown_lines"),
        (said(70, 140, sequence=1), "unknown_lines"),
        (said(70, 140, insured=211), "lines_do_not_add_up"),
        (said(-70, 140), "lines_do_not_add_up"),
        (said(110, 100), "lines_do_not_add_up"),
    ],
)
def test_an_answer_that_cannot_be_true_is_known_as_one(answered: Answered, code: str | None) -> None:
    assert disagreement(asked(), answered) == code


@given(st.integers(0, 10**12), st.sampled_from(["CNY", "JPY", "KWD"]))
def test_money_goes_out_and_comes_back_to_the_unit(amount: int, currency: str) -> None:
    document = {
        "resourceType": "ClaimResponse",
        "outcome": "complete",
        "total": [
            {
                "category": {"coding": [{"system": documents.CATEGORY, "code": "benefit"}]},
                "amount": documents.money(amount, currency),
            }
        ],
    }
    found = documents.response(document)
    assert (found.insured, found.currency) == (amount, currency)


def test_a_bill_is_told_in_both_languages_to_the_cent() -> None:
    billed = [({"en": "Visit", "zh-CN": "就诊"}, 15_000, 3_500, "covered"), ({"en": "Room"}, 10_000, 0, "excluded")]
    english = words.explained("en", "due", "CNY", (25_000, 3_500, 21_500), billed, away=False)
    assert english == [
        "The bill comes to CN¥250.00. Your insurer pays CN¥35.00; CN¥215.00 is for you to pay.",
        "You were treated outside the city of your insurance without a registration: it pays less.",
        "Visit: the insurance pays CN¥35.00 of CN¥150.00.",
        "Room: not in the insurance's catalogue, so it is yours to pay.",
    ]
    chinese = words.explained("zh-CN", "due", "CNY", (25_000, 3_500, 21_500), billed, away=None)
    assert chinese == [
        "账单总额为 ¥250.00。保险支付 ¥35.00，您需自付 ¥215.00。",
        "就诊：费用 ¥150.00，医保支付 ¥35.00。",
        "Room：不在医保目录内，由您自付。",
    ]
