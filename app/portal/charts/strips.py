"""Days of doses side by side: what was taken, late, left out or missed, told by shape as well as by colour."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal

from markupsafe import Markup

from app.portal.charts.drawing import WIDTH, Chart, Table, element, picture, width_of, words
from app.portal.charts.scales import day_label

DoseKind = Literal["taken", "late", "missed", "skipped", "planned", "excused"]
KINDS: Final[tuple[DoseKind, ...]] = ("taken", "late", "missed", "skipped", "planned", "excused")
_DAYS_IN_A_ROW: Final = 14
_MOST_IN_A_DAY: Final = 12
_CELL: Final = 20
_R: Final = 6.5


@dataclass(frozen=True, slots=True)
class StripDose:
    """One dose of a day: what became of it, and how it is called in the table ("08:00 Ramipril")."""

    kind: DoseKind
    label: str


@dataclass(frozen=True, slots=True)
class StripDay:
    """The doses of a day in their order."""

    day: date
    doses: Sequence[StripDose]


@dataclass(frozen=True, slots=True)
class StripWords:
    """What the picture says in the reader's language; `kinds` names each kind of dose."""

    title: str
    description: str
    day: str
    doses: str
    kinds: Mapping[str, str]
    nothing: str


def adherence_strip(days: Sequence[StripDay], said: StripWords, *, language: str = "en") -> Chart:
    """Return the days from left to right, fourteen in a row, each with its doses from top to bottom."""
    rows = [days[index : index + _DAYS_IN_A_ROW] for index in range(0, len(days), _DAYS_IN_A_ROW)]
    drawn, y = list(_key(days, said)), _key_height(days, said)
    for row in rows:
        height = max((min(len(day.doses), _MOST_IN_A_DAY) for day in row), default=0) * _CELL
        drawn.extend(part for index, day in enumerate(row) for part in _day(day, index, y, language))
        y += max(height, _CELL) + 24
    if not days:
        drawn.append(words(said.nothing, WIDTH / 2, y + 16, "chart-quiet", anchor="middle"))
        y += 28
    return Chart(picture(said.title, said.description, y, *drawn), _table(days, said, language))


def dose_symbol(kind: DoseKind, x: float, y: float) -> Markup:
    """Return the shape of what became of a dose, around its middle."""
    name = f"chart-dose chart-{kind}"
    match kind:
        case "taken":
            return element("circle", cx=x, cy=y, r=_R, class_=name)
        case "late":
            ring = element("circle", cx=x, cy=y, r=_R - 1, class_=name, fill="none")
            return element("g", ring, element("circle", cx=x, cy=y, r=2.5, class_="chart-dose chart-late-dot"))
        case "missed":
            d = f"M{x - 5:.1f} {y - 5:.1f}l10 10m0 -10l-10 10"
            return element("path", d=d, class_=name, fill="none")
        case "skipped":
            return element("rect", x=x - 5.5, y=y - 5.5, width=11, height=11, class_=name, fill="none")
        case "planned":
            return element("circle", cx=x, cy=y, r=2.5, class_=name)
        case "excused":
            return element("path", d=f"M{x - 5:.1f} {y:.1f}h10", class_=name, fill="none")


def _day(day: StripDay, index: int, y: float, language: str) -> list[Markup]:
    wide = (WIDTH - 12) / _DAYS_IN_A_ROW
    x = 6 + wide * (index + 0.5)
    drawn = [dose_symbol(dose.kind, x, y + _CELL * (n + 0.5)) for n, dose in enumerate(day.doses[:_MOST_IN_A_DAY])]
    # The last place of a day with very many says that the table has the rest.
    if len(day.doses) > _MOST_IN_A_DAY:
        drawn[-1] = words("…", x, y + _CELL * (_MOST_IN_A_DAY - 0.3), "chart-quiet", anchor="middle")
    below = y + max(min(len(day.doses), _MOST_IN_A_DAY), 1) * _CELL
    label, anchor = str(day.day.day), "middle"
    place = x
    if index == 0:
        label, anchor, place = day_label(day.day, language), "start", x - wide / 2
    elif day.day.day == 1:
        label = day_label(day.day, language)
    elif (
        _reached_by_first(day.day, index, x - width_of(label) / 2, language)
        or (day.day + timedelta(days=1)).day == 1
        or day.day.day == 2
    ):
        return drawn  # the long label beside it needs the place
    return [*drawn, words(label, place, below + 14, "chart-quiet", anchor=anchor, most=2.4 * wide)]


def _reached_by_first(day: date, index: int, place: float, language: str) -> bool:
    """Say whether the long label of a row's first day takes the place of this one's."""
    return place < 6 + width_of(day_label(day - timedelta(days=index), language)) + 4


def _used(days: Sequence[StripDay]) -> list[DoseKind]:
    found = {dose.kind for day in days for dose in day.doses}
    return [kind for kind in KINDS if kind in found]


def _places(days: Sequence[StripDay], said: StripWords) -> list[tuple[DoseKind, float, float]]:
    """Return where each kind stands in the key: from left to right, a new line when it would not fit."""
    places, x, y = [], 6.0, 14.0
    for kind in _used(days):
        wide = 20 + min(width_of(said.kinds[kind]), 140) + 12
        if x > 6 and x + wide > WIDTH:
            x, y = 6.0, y + 20
        places.append((kind, x, y))
        x += wide
    return places


def _key(days: Sequence[StripDay], said: StripWords) -> list[Markup]:
    drawn = []
    for kind, x, y in _places(days, said):
        drawn.append(dose_symbol(kind, x + 8, y - 4))
        drawn.append(words(said.kinds[kind], x + 20, y, most=140))
    return drawn


def _key_height(days: Sequence[StripDay], said: StripWords) -> float:
    places = _places(days, said)
    return places[-1][2] + 10 if places else 4


def _table(days: Sequence[StripDay], said: StripWords, language: str) -> Table:
    rows = (
        (day_label(day.day, language), "; ".join(f"{dose.label}: {said.kinds[dose.kind]}" for dose in day.doses) or "–")
        for day in reversed(days)
    )
    return Table(said.title, (said.day, said.doses), tuple(rows))
