"""What a row of an operator's file means: cells in, a resident or what is wrong with it out."""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final, TypeVar

from app.identity.people import rules as people
from app.identity.people.schemas import ACCESSIBILITY_NEEDS
from app.identity.scopes import GRANTABLE

CONTACTS: Final = 3
_RESIDENT: Final = (
    "reference",
    "name",
    "birth_date",
    "language",
    "time_zone",
    "household_reference",
    "address",
    "building",
    "latitude",
    "longitude",
    "mobile",
    "landline",
    "email",
    "accessibility_needs",
    "emergency_notes",
    "national_id",
)
_CONTACT: Final = ("name", "phone", "email", "scopes")
COLUMNS: Final = (
    *_RESIDENT,
    *(f"contact_{number}_{part}" for number in range(1, CONTACTS + 1) for part in _CONTACT),
)
"""All columns a file may have; ``contact_1_scopes`` is what the resident lets the first person see or do."""

REQUIRED: Final = ("reference", "name")
_ALIASES: Final = {
    "编号": "reference",
    "姓名": "name",
    "出生日期": "birth_date",
    "语言": "language",
    "时区": "time_zone",
    "户号": "household_reference",
    "地址": "address",
    "楼栋": "building",
    "纬度": "latitude",
    "经度": "longitude",
    "手机": "mobile",
    "座机": "landline",
    "邮箱": "email",
    "无障碍需求": "accessibility_needs",
    "紧急备注": "emergency_notes",
    "身份证号": "national_id",
} | {
    f"联系人{number}{word}": f"contact_{number}_{part}"
    for number in range(1, CONTACTS + 1)
    for word, part in zip(("姓名", "电话", "邮箱", "授权"), _CONTACT, strict=True)
}
_LONGEST: Final = {"reference": 100, "household_reference": 100, "building": 100, "address": 1_000, "national_id": 40}
_LONGEST_CELL: Final = 4_000
_DATE = re.compile(r"^(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})$")
_NEEDS: Final = frozenset(ACCESSIBILITY_NEEDS)

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class HouseholdCells:
    """The home a row names; without a reference of its own it is the resident's alone."""

    reference: str
    address: str
    building: str | None
    latitude: float | None
    longitude: float | None


@dataclass(frozen=True, slots=True)
class ContactCells:
    """A person beside the resident, and what the resident lets them see or do."""

    name: str
    phone: str | None
    email: str | None
    scopes: tuple[str, ...]


@dataclass(slots=True)
class ResidentRow:
    """What a row says about a resident; what is ``None`` or empty is left as it is."""

    number: int
    reference: str
    name: str
    birth_date: date | None = None
    language: str | None = None
    time_zone: str | None = None
    household: HouseholdCells | None = None
    points: list[tuple[str, str]] = field(default_factory=list)
    accessibility_needs: list[str] | None = None
    emergency_notes: str | None = None
    national_id: str | None = None
    contacts: list[ContactCells] = field(default_factory=list)

    def canonical(self) -> str:
        """Return the row's content, equal for rows that say the same."""
        return repr([getattr(self, name) for name in self.__slots__ if name != "number"])


@dataclass(frozen=True, slots=True)
class CellError:
    """A cell that cannot be right."""

    column: str
    code: str


def column_of(header: str) -> str | None:
    """Return the column a header names, in English or Chinese, ``None`` if there is none."""
    name = "_".join(header.strip().lower().split())
    name = _ALIASES.get(name, name)
    return name if name in COLUMNS else None


def read_row(
    number: int, cells: Mapping[str, str], country: str, today: date
) -> tuple[ResidentRow | None, list[CellError]]:
    """Return the resident a row describes, or ``None`` and all that is wrong with it.

    Numbers without a country code are read as the ``country``'s. Cells are text, whatever they look like: a formula is
    never evaluated.
    """
    reader = _Reader(cells, country, today)
    row = ResidentRow(
        number=number,
        reference=reader.required("reference"),
        name=reader.checked("name", people.check_name, "invalid_name") or reader.required("name"),
        birth_date=reader.checked("birth_date", reader.birth_date, "invalid_date"),
        language=reader.checked("language", people.check_language, "invalid_language"),
        time_zone=reader.checked("time_zone", people.check_time_zone, "invalid_time_zone"),
        household=reader.household(),
        points=list(reader.points()),
        accessibility_needs=reader.several("accessibility_needs", _NEEDS, "invalid_need") or None,
        emergency_notes=reader.text("emergency_notes"),
        national_id=reader.text("national_id"),
        contacts=list(reader.contacts()),
    )
    return (None, reader.errors) if reader.errors else (row, [])


class _Reader:
    """Reads the cells of one row and collects what is wrong with them."""

    def __init__(self, cells: Mapping[str, str], country: str, today: date) -> None:
        self._cells = cells
        self._country = country
        self._today = today
        self.errors: list[CellError] = []

    def text(self, column: str) -> str | None:
        """Return the cell's text, ``None`` if it is empty."""
        text = self._cells.get(column, "").strip()
        if "\x00" in text:
            self._wrong(column, "not_text")
            return None
        if len(text) > _LONGEST.get(column, _LONGEST_CELL):
            self._wrong(column, "too_long")
            return None
        return text or None

    def required(self, column: str) -> str:
        """Return the cell's text; an empty cell is wrong."""
        text = self.text(column)
        if text is None:
            self._wrong(column, "required")
        return text or ""

    def checked(self, column: str, check: Callable[[str], Value], code: str) -> Value | None:
        """Return what ``check`` makes of the cell, ``None`` if it is empty or wrong."""
        text = self.text(column)
        if text is None:
            return None
        try:
            return check(text)
        except ValueError:
            self._wrong(column, code)
            return None

    def birth_date(self, text: str) -> date:
        """Return a date written year first; raises ``ValueError``."""
        parts = _DATE.match(text)
        if parts is None:
            raise ValueError("not a date")
        return people.check_birth_date(date(int(parts[1]), int(parts[2]), int(parts[3])), self._today)

    def several(self, column: str, known: frozenset[str], code: str) -> list[str]:
        """Return the words of a cell, which are separated by semicolons, sorted; each has to be known."""
        words = {word.strip() for word in (self.text(column) or "").replace("；", ";").split(";")} - {""}
        if not words <= known:
            self._wrong(column, code)
            return []
        return sorted(words)

    def household(self) -> HouseholdCells | None:
        """Return the row's home; one without an address is wrong."""
        reference, building = self.text("household_reference"), self.text("building")
        latitude = self.checked("latitude", lambda text: _number(text, 90), "invalid_number")
        longitude = self.checked("longitude", lambda text: _number(text, 180), "invalid_number")
        if self.text("address") is None and reference is None and building is None:
            return None
        own = f"resident {self.text('reference')}"
        return HouseholdCells(reference or own, self.required("address"), building, latitude, longitude)

    def points(self) -> Iterator[tuple[str, str]]:
        """Yield the resident's own contact points, kind and normalized value, in the order they are tried."""
        for kind in ("mobile", "landline", "email"):
            value = self.checked(kind, self._email if kind == "email" else self._phone, _contact_code(kind))
            if value is not None:
                yield kind, value

    def contacts(self) -> Iterator[ContactCells]:
        """Yield the people beside the resident; one without a name, or whom nothing reaches, is wrong."""
        for number in range(1, CONTACTS + 1):
            prefix = f"contact_{number}_"
            if not any(self._cells.get(f"{prefix}{part}", "").strip() for part in _CONTACT):
                continue
            name = self.checked(f"{prefix}name", people.check_name, "invalid_name") or self.required(f"{prefix}name")
            phone = self.checked(f"{prefix}phone", self._phone, "invalid_phone")
            email = self.checked(f"{prefix}email", self._email, "invalid_email")
            if phone is None and email is None and not self._is_wrong(f"{prefix}phone", f"{prefix}email"):
                self._wrong(f"{prefix}phone", "required")
            scopes = self.several(f"{prefix}scopes", GRANTABLE, "invalid_scope")
            yield ContactCells(name, phone, email, tuple(scopes))

    def _phone(self, text: str) -> str:
        return people.normalize_phone(text, self._country)

    def _email(self, text: str) -> str:
        return people.normalize_email(text)

    def _is_wrong(self, *columns: str) -> bool:
        return any(error.column in columns for error in self.errors)

    def _wrong(self, column: str, code: str) -> None:
        if not self._is_wrong(column):
            self.errors.append(CellError(column, code))


def _contact_code(kind: str) -> str:
    return "invalid_email" if kind == "email" else "invalid_phone"


def _number(text: str, limit: float) -> float:
    value = float(text)
    if not math.isfinite(value) or abs(value) > limit:
        raise ValueError("not within its limits")
    return value
