"""Questions and answers as FHIR R4 has them (4.0.1): requests as they are sent, responses as they are understood."""

import re
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from babel.numbers import get_currency_precision

from telemedicine.settlement.rules.asking import Answered, AnsweredLine, Asked
from telemedicine.settlement.service.insurers.port import NotAnswered

Json = dict[str, Any]

CLAIM: Final = "urn:hearthline:claim"
"""The system of ``Claim.identifier``: under it a claim is the same one, however often it arrives."""
MEMBER: Final = "urn:hearthline:member-number"
ITEM: Final = "urn:hearthline:charge-item"
INFORMATION: Final = "urn:hearthline:claim-information"
REFERRAL: Final = "urn:hearthline:referral"
REASON: Final = "urn:hearthline:adjudication-reason"
REASONS: Final = frozenset({"covered", "within_deductible", "excluded", "exempt", "over_cap"})
_TERMINOLOGY: Final = "http://terminology.hl7.org/CodeSystem"
CATEGORY: Final = f"{_TERMINOLOGY}/adjudication"
_LONGEST: Final = 500
_ID: Final = re.compile(r"[A-Za-z0-9.-]{1,64}")
_DONE: Final = {"complete": "complete", "error": "error", "queued": "pending", "partial": "pending"}
"""``partial``: some of it is adjudicated, and the rest is still to come (FHIR R4, RemittanceOutcome)."""


def money(amount: int, currency: str) -> Json:
    """Return an amount in minor units as FHIR's Money."""
    value = Decimal(amount).scaleb(-get_currency_precision(currency))
    return {"value": float(value), "currency": currency}


def eligibility_request(asked: Asked) -> Json:
    """Return the CoverageEligibilityRequest of a question."""
    return {
        "resourceType": "CoverageEligibilityRequest",
        "contained": _contained(asked),
        "identifier": _identifier(asked),
        "status": "active",
        "purpose": ["validation"],
        "patient": {"reference": "#patient"},
        "servicedDate": asked.served_on.isoformat(),
        "created": asked.created.isoformat(),
        "provider": _provider(asked),
        "insurer": {"display": asked.insurer_name},
        "insurance": [{"focal": True, "coverage": {"reference": "#coverage"}}],
    }


def claim(asked: Asked) -> Json:
    """Return the Claim of a question; a reversal is the claim it takes back, cancelled."""
    information: list[tuple[str, Json]] = [
        ("city", {"valueString": asked.city}),
        ("tier", {"valueString": asked.tier}),
        ("registered-away", {"valueBoolean": asked.registered}),
    ]
    related = {
        "claim": {"identifier": {"system": CLAIM, "value": str(asked.about)}},
        "relationship": {"coding": [{"system": f"{_TERMINOLOGY}/ex-relatedclaimrelationship", "code": "prior"}]},
    }
    found: Json = {
        "resourceType": "Claim",
        "contained": _contained(asked),
        "identifier": _identifier(asked),
        "status": "cancelled" if asked.kind == "reversal" else "active",
        "type": {"coding": [{"system": f"{_TERMINOLOGY}/claim-type", "code": "professional"}]},
        "use": "claim",
        "patient": {"reference": "#patient"},
        "created": asked.created.isoformat(),
        "insurer": {"display": asked.insurer_name},
        "provider": _provider(asked),
        "priority": {"coding": [{"system": f"{_TERMINOLOGY}/processpriority", "code": "normal"}]},
        "supportingInfo": [
            {
                "sequence": number,
                "category": {"coding": [{"system": f"{_TERMINOLOGY}/claiminformationcategory", "code": "info"}]},
                "code": {"coding": [{"system": INFORMATION, "code": code}]},
                **value,
            }
            for number, (code, value) in enumerate(information, start=1)
        ],
        "insurance": [{"sequence": 1, "focal": True, "coverage": {"reference": "#coverage"}}],
        "item": [
            {
                "sequence": line.sequence,
                "productOrService": {"coding": [{"system": ITEM, "code": line.code}], "text": line.name},
                "servicedDate": asked.served_on.isoformat(),
                "quantity": {"value": line.quantity},
                "unitPrice": money(line.unit_amount, asked.currency),
                "net": money(line.amount, asked.currency),
            }
            for line in asked.lines
        ],
        "total": money(asked.total, asked.currency),
    }
    if asked.kind == "claim" and asked.about is not None:
        found["related"] = [related]
    if asked.referral_id is not None:
        found["referral"] = {"identifier": {"system": REFERRAL, "value": str(asked.referral_id)}}
    return found


def _contained(asked: Asked) -> list[Json]:
    """Return who is insured, by their number and age: nobody's name leaves with a claim."""
    patient: Json = {
        "resourceType": "Patient",
        "id": "patient",
        "identifier": [{"system": MEMBER, "value": asked.member_number}],
    }
    if asked.birth_date is not None:
        patient["birthDate"] = asked.birth_date.isoformat()
    coverage = {
        "resourceType": "Coverage",
        "id": "coverage",
        "status": "active",
        "subscriberId": asked.member_number,
        "beneficiary": {"reference": "#patient"},
        "relationship": {"coding": [{"system": f"{_TERMINOLOGY}/subscriber-relationship", "code": asked.relationship}]},
        "payor": [{"display": asked.insurer_name}],
    }
    return [patient, coverage]


def _identifier(asked: Asked) -> list[Json]:
    return [{"system": CLAIM, "value": meant(asked)}]


def _provider(asked: Asked) -> Json:
    return {
        "identifier": {"system": "urn:hearthline:organization", "value": str(asked.organization_id)},
        "display": asked.organization_name,
    }


def meant(asked: Asked) -> str:
    """Return the identifier a question goes by; a reversal goes by that of the claim it takes back."""
    return str(asked.about if asked.kind == "reversal" else asked.identifier)


def require_answer(document: Json, asked: Asked, *, was_searched: bool) -> None:
    """Raise ``NotAnswered`` for an answer to another question, about somebody else, or that promises nothing.

    What comes back of the question itself may leave out whose answer it is. What was searched for may not: a server
    that does not know a parameter of a search leaves it out, and finds anybody's.
    """
    named = _identifier_of(document.get("request"), CLAIM)
    if named != meant(asked) and (named is not None or was_searched):
        raise NotAnswered("another_claim")
    if _identifier_of(document.get("patient"), MEMBER) not in (None, asked.member_number):
        raise NotAnswered("another_patient")
    if document.get("use", "claim") != "claim":
        raise NotAnswered("no_claim")
    is_done = document.get("outcome") == "complete"
    if is_done and document.get("status", "active") != ("cancelled" if asked.kind == "reversal" else "active"):
        raise NotAnswered("another_status")


def _identifier_of(part: object, system: str) -> str | None:
    """Return by what somebody is named in a system of ours, if they are."""
    identifier = part.get("identifier") if isinstance(part, dict) else None
    if not isinstance(identifier, dict) or identifier.get("system") != system:
        return None
    return str(identifier.get("value"))


def eligibility(document: Json) -> Answered:
    """Return what a CoverageEligibilityResponse says; raises ``NotAnswered`` for what cannot be understood."""
    _require(document, "CoverageEligibilityResponse")
    outcome = _outcome(document)
    insurance = _dicts(document.get("insurance"))
    if outcome == "complete" and (len(insurance) == 0 or not isinstance(insurance[0].get("inforce"), bool)):
        raise NotAnswered("not_understood")
    return Answered(
        outcome=outcome,
        reference=_reference(document),
        disposition=_words(document.get("disposition")),
        in_force=insurance[0]["inforce"] if outcome == "complete" else None,
    )


def response(document: Json) -> Answered:
    """Return what a ClaimResponse says; raises ``NotAnswered`` for what cannot be understood."""
    _require(document, "ClaimResponse")
    outcome = _outcome(document)
    said: Json = {
        "outcome": outcome,
        "reference": _reference(document),
        "disposition": _words(document.get("disposition")),
    }
    if outcome != "complete":
        return Answered(**said)
    totals = _amounts(_dicts(document.get("total")))
    if "benefit" not in totals:
        raise NotAnswered("not_understood")
    currency, insured = totals["benefit"]
    if any(found != currency for found, _ in totals.values()):
        raise NotAnswered("several_currencies")
    _, submitted = totals.get("submitted", (currency, None))
    return Answered(
        **said,
        currency=currency,
        submitted=submitted,
        # Who does not say what it looked at has looked at what it pays for.
        eligible=totals["eligible"][1] if "eligible" in totals else insured,
        insured=insured,
        deductible=totals["deductible"][1] if "deductible" in totals else 0,
        lines=tuple(_line(item) for item in _dicts(document.get("item"))),
    )


def reversal(document: Json) -> Answered:
    """Return whether a ClaimResponse takes a claim back; raises ``NotAnswered`` for what cannot be understood."""
    _require(document, "ClaimResponse")
    return Answered(outcome=_outcome(document), reference=_reference(document))


def _line(item: Json) -> AnsweredLine:
    adjudication = _dicts(item.get("adjudication"))
    amounts = _amounts(adjudication)
    sequence = item.get("itemSequence")
    if "benefit" not in amounts or not isinstance(sequence, int):
        raise NotAnswered("not_understood")
    insured = amounts["benefit"][1]
    reasons = [
        coding.get("code")
        for one in adjudication
        for coding in _dicts((one.get("reason") or {}).get("coding"))
        if coding.get("system") == REASON and coding.get("code") in REASONS
    ]
    return AnsweredLine(
        sequence=sequence,
        eligible=amounts["eligible"][1] if "eligible" in amounts else insured,
        insured=insured,
        reason=reasons[0] if reasons else None,
    )


def _amounts(parts: Iterable[Json]) -> dict[str, tuple[str, int]]:
    """Return currency and minor units by category; raises ``NotAnswered`` for what is no whole number of them."""
    found: dict[str, tuple[str, int]] = {}
    for part in parts:
        amount = part.get("amount")
        for coding in _dicts((part.get("category") or {}).get("coding")):
            if coding.get("system") == CATEGORY and isinstance(amount, dict):
                found[str(coding.get("code"))] = _minor(amount)
    return found


def _minor(amount: Json) -> tuple[str, int]:
    currency = amount.get("currency")
    try:
        value = Decimal(str(amount.get("value")))
        minor = value.scaleb(get_currency_precision(str(currency)))
        if not isinstance(currency, str) or minor != minor.to_integral_value():
            raise NotAnswered("not_understood")
    except (InvalidOperation, ValueError):
        raise NotAnswered("not_understood") from None
    return currency, int(minor)


def _require(document: object, kind: str) -> None:
    if not isinstance(document, dict) or document.get("resourceType") != kind:
        raise NotAnswered("not_understood")


def _outcome(document: Json) -> str:
    found = _DONE.get(str(document.get("outcome")))
    if found is None:
        raise NotAnswered("not_understood")
    return found


def _dicts(value: object) -> list[Json]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _words(value: object) -> str | None:
    return value[:_LONGEST] if isinstance(value, str) and value else None


def _reference(document: Json) -> str | None:
    found = document.get("id")
    return found if isinstance(found, str) and _ID.fullmatch(found) else None
