"""What is taken of a file, checked as if it had been said over HTTP, and what became of it."""

from itertools import pairwise
from typing import Annotated, Self

from pydantic import BaseModel, Field, StringConstraints, model_validator

from community.attractions.rules import Kind
from community.attractions.schemas import AttractionExceptionGive, AttractionHoursWrite, AttractionWrite, HoursRule

MOST_EXCEPTIONS = 400


class ImportedAttraction(AttractionWrite, AttractionHoursWrite):
    """An attraction of a file; what the file does not say of it stays as it is."""

    reference: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
    kind: Kind = "other"
    hours: list[HoursRule] = Field(default=[], max_length=30)
    exceptions: Annotated[list[AttractionExceptionGive], Field(max_length=MOST_EXCEPTIONS)] = Field(default=[])

    @model_validator(mode="after")
    def _each_day_once(self) -> Self:
        days = sorted((one.first_day, one.last_day) for one in self.exceptions)
        if any(later[0] <= earlier[1] for earlier, later in pairwise(days)):
            raise ValueError("a day has other hours once")
        return self


class AttractionImportReport(BaseModel):
    """What became of a file: how many attractions it added and changed, and how many were as it says."""

    added: int
    changed: int
    unchanged: int
    skipped: int = Field(description="things in the file that are no attractions")
