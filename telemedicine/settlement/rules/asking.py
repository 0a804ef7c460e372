"""What an insurer is asked and what it answers, whoever carries it; and whether an answer can be true."""

import uuid
from datetime import date, datetime

from pydantic import BaseModel, ConfigDict, Field

from telemedicine.settlement.rules.splitting import Tier
from telemedicine.settlement.rules.states import RequestKind


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class AskedLine(_Frozen):
    """A line of a bill."""

    sequence: int
    code: str
    name: str
    quantity: int
    unit_amount: int
    amount: int


class Asked(_Frozen):
    """What an insurer is asked: the same in every attempt, under the same ``identifier``."""

    identifier: uuid.UUID = Field(description="of the claim; a reversal names the claim it takes back in ``about``")
    kind: RequestKind
    created: datetime
    resident_id: uuid.UUID
    birth_date: date | None
    member_number: str
    relationship: str
    insurer: str
    insurer_name: str
    organization_id: uuid.UUID
    organization_name: str
    city: str
    tier: Tier
    served_on: date
    currency: str
    total: int
    lines: tuple[AskedLine, ...]
    registered: bool = Field(description="treatment away from home is registered, or referred to")
    referral_id: uuid.UUID | None = None
    about: uuid.UUID | None = Field(default=None, description="the claim it takes back, or is an appeal against")


class AnsweredLine(_Frozen):
    """What the insurer says of a line."""

    sequence: int
    eligible: int
    insured: int
    reason: str | None = None


class Answered(_Frozen):
    """What the insurer answered: whether it is done, and what it pays.

    ``pending``: it works on it. ``error``: it cannot work with what it was asked. ``in_force`` is of eligibility.
    """

    outcome: str = Field(pattern="^(complete|pending|error)$")
    reference: str | None = None
    disposition: str | None = None
    in_force: bool | None = None
    currency: str | None = None
    submitted: int | None = None
    eligible: int = 0
    insured: int = 0
    deductible: int = 0
    lines: tuple[AnsweredLine, ...] = ()


def disagreement(asked: Asked, answered: Answered) -> str | None:
    """Return what of a complete answer to a claim cannot be true, as a code; ``None`` if it adds up."""
    lines = {line.sequence: line for line in answered.lines}
    amounts = {line.sequence: line.amount for line in asked.lines}
    odd = {
        "another_currency": answered.currency not in (None, asked.currency),
        "another_total": answered.submitted not in (None, asked.total),
        "more_than_asked": not 0 <= answered.insured <= answered.eligible <= asked.total,
        "another_deductible": not 0 <= answered.deductible <= asked.total,
        "unknown_lines": not lines.keys() <= amounts.keys() or len(lines) != len(answered.lines),
        "lines_do_not_add_up": bool(lines)
        and (
            sum(line.insured for line in answered.lines) != answered.insured
            or any(not 0 <= line.insured <= amounts.get(line.sequence, 0) for line in answered.lines)
        ),
    }
    return next((code for code, is_so in odd.items() if is_so), None)
