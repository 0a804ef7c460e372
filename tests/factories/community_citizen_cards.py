"""Kinds of cards a community knows and cards that residents linked, really committed."""

from datetime import date, timedelta
from typing import Any

from app.core import clock
from app.core.database import unit_of_work
from app.core.sealing import seal
from app.identity.models import Community, Resident
from community.citizen_cards import rules
from community.citizen_cards.models import CLAIMED_NUMBER, NUMBER, CardClaim, CardScheme, CitizenCard

DISABILITY: dict[str, Any] = {
    "name": {"en": "Disability card", "zh-CN": "残疾人证"},
    "symbols": "alphanumeric",
    "shortest": 8,
    "longest": 20,
    "entitlements": ["free_entry", "companion"],
}
TRANSPORT: dict[str, Any] = {
    "name": {"en": "Transport card", "zh-CN": "交通卡"},
    "symbols": "digits",
    "shortest": 16,
    "longest": 16,
    "check_by": "luhn",
    "verified_by": "rule",
    "entitlements": ["discount"],
}
TRANSPORT_NUMBER = "4539 1488 0343 6467"
DISABILITY_NUMBER = "DIS-2026-0042"


async def scheme(of: Community, code: str = "disability", **values: Any) -> CardScheme:
    """Insert a kind of card that the operator's staff verifies."""
    row = CardScheme(community_id=of.id, code=code, **DISABILITY | values)
    async with unit_of_work() as session:
        session.add(row)
    return row


async def card(
    to: Resident, of: CardScheme, number: str = DISABILITY_NUMBER, *, last_day: date | None = None, **values: Any
) -> CitizenCard:
    """Insert a card of a resident's that is verified and good without end, or as ``values`` say."""
    now = clock.now()
    given: dict[str, Any] = {"state": "verified", "verified_at": now} | values
    row = CitizenCard(
        community_id=to.community_id,
        resident_id=to.id,
        scheme_id=of.id,
        number=seal(rules.normalized(number), NUMBER),
        digest=rules.card_digest(to.community_id, of.code, number),
        linked_by=to.account_id,
        last_day=last_day,
        valid_until=rules.ends_at(last_day, "Asia/Shanghai") if last_day else None,
        verify_by=now + rules.VERIFY_WITHIN if given["state"] == "pending" else None,
        **given,
    )
    async with unit_of_work() as session:
        session.add(row)
    return row


async def claim(by: Resident, of: CardScheme, number: str = DISABILITY_NUMBER) -> CardClaim:
    """Insert that another resident says a card is theirs."""
    now = clock.now()
    row = CardClaim(
        community_id=by.community_id,
        resident_id=by.id,
        scheme_id=of.id,
        number=seal(rules.normalized(number), CLAIMED_NUMBER),
        digest=rules.card_digest(by.community_id, of.code, number),
        claimed_by=by.account_id,
        claimed_at=now,
        decide_by=now + timedelta(days=2),
    )
    async with unit_of_work() as session:
        session.add(row)
    return row
