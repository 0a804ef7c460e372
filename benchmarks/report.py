"""How a benchmark's figures are put: medians over rounds that take turns, and ratios pair by pair."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table

out = Console(highlight=False, width=140)


@dataclass(slots=True)
class Series:
    """The figures of one contender, one per round."""

    name: str
    unit: str
    figures: list[float] = field(default_factory=list)

    def add(self, figure: float) -> None:
        """Keep the figure of one round."""
        self.figures.append(figure)

    @property
    def median(self) -> float:
        """The middle figure."""
        return statistics.median(self.figures)

    def text(self) -> str:
        """The median with the spread of the rounds."""
        return f"{_short(self.median)} {self.unit} ({_short(min(self.figures))}–{_short(max(self.figures))})"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Ours against another in the same rounds, and what was aimed at."""

    what: str
    ours: Series
    other: Series
    target: float
    at_most: bool = False

    @property
    def ratio(self) -> float:
        """The median of the rounds' ratios, ours to the other's: a machine that drifts drags both along."""
        return statistics.median(
            mine / theirs for mine, theirs in zip(self.ours.figures, self.other.figures, strict=True)
        )

    @property
    def met(self) -> bool:
        """Whether the target is reached."""
        return self.ratio <= self.target if self.at_most else self.ratio >= self.target


def show(title: str, comparisons: Sequence[Comparison]) -> None:
    """Print a benchmark's table."""
    table = Table("", "ours", "against", "figure", "ratio", "target", "", title=title, title_justify="left")
    for row in comparisons:
        sign = "≤" if row.at_most else "≥"
        table.add_row(
            row.what,
            row.ours.text(),
            row.other.name,
            row.other.text(),
            f"{row.ratio:.2f}",
            f"{sign} {row.target:g}",
            "met" if row.met else "missed",
        )
    out.print(table)


def _short(figure: float) -> str:
    return f"{figure:,.0f}" if figure >= 100 else f"{figure:.3g}"
