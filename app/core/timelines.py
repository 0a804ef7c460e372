"""What a timeline of somebody is made of: each domain's part of it, and one select per kind of item.

A select is a backward scan of an index by resident and instant that stops after a page. Nothing is copied: an item is
a row of the feature it belongs to.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from app.core.changes import written_before, written_since

_INSTANT = sa.DateTime(timezone=True)
_BEFORE_AT = sa.bindparam("before_at", type_=_INSTANT)

RESIDENT: Final = sa.bindparam("of_resident", type_=sa.Uuid)
ROWS: Final = sa.bindparam("rows", type_=sa.Integer)
_KINDS: Final = sa.bindparam("kinds", type_=ARRAY(sa.Text))
_SINCE: Final = sa.bindparam("since_at", type_=_INSTANT)
_BEFORE: Final = sa.tuple_(
    _BEFORE_AT, sa.bindparam("before_id", type_=sa.Uuid), sa.bindparam("before_rank", type_=sa.Integer)
)


@dataclass(frozen=True, slots=True)
class Branch:
    """Where the items of a kind are: rows of ``table`` for which ``where`` holds, at the instant in ``at``.

    ``rank`` puts items of one row and instant in order. ``where`` is written as the partial index has it, so that
    PostgreSQL knows it again.
    """

    kind: str
    rank: int
    table: sa.Table
    at: str
    data: Sequence[tuple[str, sa.ColumnElement[Any]]]
    where: str | None = None

    @property
    def instant(self) -> sa.ColumnElement[Any]:
        """The column that says when it happened."""
        return self.table.c[self.at]

    def _items(self) -> sa.Select[Any]:
        """Return the select of the resident's items of the kind, if it is among the bound kinds."""
        kind = sa.literal_column(f"CAST('{self.kind}' AS text)", sa.Text)
        pairs = [part for name, column in self.data for part in (sa.literal_column(f"'{name}'"), column)]
        statement = sa.select(
            kind.label("kind"),
            self._rank().label("rank"),
            self.table.c.id.label("id"),
            self.instant.label("at"),
            sa.func.jsonb_build_object(*pairs, type_=JSONB).label("data"),
        ).where(self.table.c.resident_id == RESIDENT, kind == sa.any_(_KINDS))
        return statement if self.where is None else statement.where(sa.literal_column(f"({self.where})", sa.Boolean))

    def _rank(self) -> sa.ColumnElement[int]:
        return sa.literal_column(str(self.rank), sa.Integer)

    def page(self) -> sa.Select[Any]:
        """Return the select of the latest bound number of items before the bound position."""
        return (
            self._items()
            .where(self.instant >= _SINCE, sa.tuple_(self.instant, self.table.c.id, self._rank()) < _BEFORE)
            .order_by(self.instant.desc(), self.table.c.id.desc())
            .limit(ROWS)
        )

    def written(self) -> sa.Select[Any]:
        """Return the select of the items that the bound transactions wrote, or that have happened since ``told_to``."""
        in_time = sa.and_(self.instant >= _SINCE, self.instant <= _BEFORE_AT)
        is_news = sa.or_(written_since(self.table), self.instant > sa.bindparam("told_to", type_=_INSTANT))
        return self._items().where(in_time, is_news, written_before(self.table))


def columns(table: sa.Table, *names: str, **renamed: str) -> tuple[tuple[str, sa.ColumnElement[Any]], ...]:
    """Return columns as the data of a branch, each under its own name or under the one it is given."""
    return tuple((name, table.c[column]) for name, column in ({name: name for name in names} | renamed).items())


@dataclass(frozen=True, slots=True)
class Part:
    """What a domain has in a timeline.

    ``scope_of``: the right each of its kinds needs. ``pages`` and ``written``: its selects. ``shown``: what is told of
    a stored item of a kind. ``tell``: the same as a sentence in a language.
    """

    scope_of: Mapping[str, str]
    pages: Sequence[sa.Select[Any]]
    written: Sequence[sa.Select[Any]]
    shown: Callable[[str, Mapping[str, Any]], dict[str, Any]]
    tell: Callable[[str, Any, Mapping[str, Any]], str]
