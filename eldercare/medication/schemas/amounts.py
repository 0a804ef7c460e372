"""Amounts, units and words, as medication says them."""

from decimal import Decimal
from typing import Annotated, TypeVar

from pydantic import AfterValidator, Field, PlainSerializer, StringConstraints, WithJsonSchema

from eldercare.medication.rules import UNITS

Item = TypeVar("Item")

_MOST = Decimal(100_000)


def each_once(items: list[Item]) -> list[Item]:
    """Return the items; raises ``ValueError`` if one is there twice."""
    if len(set(items)) != len(items):
        raise ValueError("each only once")
    return items


def _known_unit(unit: str) -> str:
    if unit not in UNITS:
        raise ValueError("not one of the UCUM units a dose can have")
    return unit


# Kept as decimals and told as numbers, as FHIR's quantities are.
_NUMBER = PlainSerializer(float, return_type=float, when_used="json")
Amount = Annotated[
    Decimal,
    Field(gt=0, le=_MOST, max_digits=9, decimal_places=4),
    _NUMBER,
    WithJsonSchema({"type": "number", "exclusiveMinimum": 0, "maximum": float(_MOST)}),
]
AmountLeft = Annotated[
    Decimal,
    Field(ge=0, le=_MOST, max_digits=9, decimal_places=4),
    _NUMBER,
    WithJsonSchema({"type": "number", "minimum": 0, "maximum": float(_MOST)}),
]
Shown = Annotated[Decimal, _NUMBER, WithJsonSchema({"type": "number"})]
Unit = Annotated[
    str,
    AfterValidator(_known_unit),
    Field(max_length=20, description="UCUM", json_schema_extra={"enum": sorted(UNITS)}),
]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120)]
Note = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
