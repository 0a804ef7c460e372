"""Regimens and doses as clinics' own systems are told of them, and how they look for them."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from eldercare.medication.schemas.doses import DosePublic
from eldercare.medication.schemas.regimens import Drug, RegimenPublic


class RegimenEntry(RegimenPublic):
    """A regimen with the version in force; ``status`` and ``in_fhir`` (its timing) are in FHIR's words."""

    updated_at: datetime
    author_name: str | None
    is_own_word: bool
    status: str
    in_fhir: dict[str, Any]


class DoseEntry(DosePublic):
    """A dose of which it is known what came of it."""

    updated_at: datetime
    drug: Drug
    prescription_id: uuid.UUID | None
    recorder_name: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RegimenQuery:
    """Which regimens of a resident's are meant: nothing given, all. ``statuses`` are FHIR's.

    ``in_force_since`` and ``in_force_before`` are days: what was to be taken on any of them.
    """

    ids: Collection[uuid.UUID] | None = None
    statuses: Collection[str] | None = None
    codes: Collection[tuple[str, str]] | None = None
    in_force_since: date | None = None
    in_force_before: date | None = None
    updated_since: datetime | None = None
    updated_before: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DoseQuery:
    """Which doses of a resident's are meant, of those that are settled: nothing given, all.

    ``happened`` is when one was taken, or was to be.
    """

    ids: Collection[uuid.UUID] | None = None
    states: Collection[str] | None = None
    prescription_ids: Collection[uuid.UUID] | None = None
    happened_since: datetime | None = None
    happened_before: datetime | None = None
    updated_since: datetime | None = None
    updated_before: datetime | None = None
