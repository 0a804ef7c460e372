"""The parts that what is said in a health record is made of: codes, quantities, days, and what all kinds share."""

import uuid
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from app.core.sealing import blind_index
from telemedicine.records.models import CODE
from telemedicine.records.rules import When, span

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
LongText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
System = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z][a-z0-9+.-]{1,15}:[^\s|]{1,180}$"),
    Field(examples=["http://snomed.info/sct"]),
]
CodeValue = Annotated[str, StringConstraints(pattern=r"^[^\s|]+( [^\s|]+)*$", max_length=64)]


def _is_a_date(text: str) -> str:
    span(text)
    return text


Day = Annotated[
    str,
    StringConstraints(max_length=10),
    AfterValidator(_is_a_date),
    Field(description="as well as it is known: a year, a month or a day", examples=["1998", "1998-05", "1998-05-31"]),
]


class Part(BaseModel):
    """Something that is said, and nothing beside it."""

    model_config = ConfigDict(extra="forbid")


def code_key(system: str, code: str) -> bytes:
    """Return under what a code is found: its blind index."""
    return blind_index(CODE, f"{system}|{code}")


class Coding(Part):
    """A code of a code system (FHIR: Coding)."""

    system: System
    code: CodeValue
    display: Name | None = None

    def key(self) -> bytes:
        """Return under what it is found: its blind index."""
        return code_key(self.system, self.code)


class CodeableConcept(Part):
    """What something is: by a code, in words, or both (FHIR: CodeableConcept)."""

    coding: Coding | None = None
    translations: list[Coding] = Field(default=[], max_length=9, description="the same in other code systems")
    text: Words | None = None

    @model_validator(mode="after")
    def _says_something(self) -> "CodeableConcept":
        if self.coding is None and self.text is None:
            raise ValueError("a code or words")
        if self.coding is None and self.translations:
            raise ValueError("translations are of a code")
        return self

    @property
    def codings(self) -> list[Coding]:
        """Return every code it has."""
        return [self.coding, *self.translations] if self.coding else []


class Quantity(Part):
    """A measured amount (FHIR: Quantity)."""

    value: float = Field(strict=True, allow_inf_nan=False)
    unit: Annotated[str, StringConstraints(pattern=r"^[!-~]{1,32}$")] = Field(
        description="UCUM", examples=["mmol/L", "mg/dL", "%"]
    )


class ReferenceRange(Part):
    """The values that are usual, in the unit of the quantity (FHIR: Observation.referenceRange)."""

    low: float | None = Field(default=None, allow_inf_nan=False)
    high: float | None = Field(default=None, allow_inf_nan=False)

    @model_validator(mode="after")
    def _has_an_end(self) -> "ReferenceRange":
        if self.low is None and self.high is None:
            raise ValueError("low, high or both")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError("low lies above high")
        return self


class Content(Part, ABC):
    """What all kinds of records have in common: a note, and what of them is searched and checked."""

    note: LongText | None = None

    @abstractmethod
    def stated_status(self) -> str:
        """Return the status under which the record is found."""

    def stated_codes(self) -> list[Coding]:
        """Return the codes under which the record is found."""
        return []

    def stated_categories(self) -> list[str]:
        """Return the categories under which it is found."""
        return []

    def effective(self) -> When | None:
        """Return when it was so, or began."""
        return None

    def happened(self) -> Iterator[tuple[str, When]]:
        """Yield what has been, by its field: it lies neither ahead nor before the resident's birth."""
        yield from ()

    def in_order(self) -> Iterator[tuple[str, When, When]]:
        """Yield what follows on something else: the later one's field, the earlier, the later."""
        yield from ()

    def file_id(self) -> uuid.UUID | None:
        """Return the upload that belongs to it."""
        return None


def known(*given: tuple[str, When | None]) -> Iterator[tuple[str, When]]:
    """Yield those of the fields that are filled in."""
    yield from ((name, when) for name, when in given if when is not None)


def ordered(name: str, earlier: When | None, later: When | None) -> Iterator[tuple[str, When, When]]:
    """Yield the pair if there are both."""
    if earlier is not None and later is not None:
        yield name, earlier, later
