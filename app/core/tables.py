"""What every table has: an id from our clock, timestamps, a version, named constraints and a privacy declaration."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Literal, cast

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import declared_attr
from sqlmodel import Field, SQLModel
from sqlmodel._compat import SQLModelConfig

from app.core import clock
from app.core.lawfulness import Basis, Recipient, Retention, Sensitive

SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

SEALED = "sealed"
Erasure = Literal["delete", "redact", "keep"]


@dataclass(frozen=True, slots=True)
class Privacy:
    """Whose personal data a table holds, why, on which basis, for how long, and what erasing the person does to it.

    ``subject`` is the column that names the person: ``account_id``, ``resident_id`` or a column that holds such an id.
    ``None`` says that the table holds nobody's data, and ``purpose`` says why that is so. ``redacted`` columns are
    emptied by an erasure that redacts; ``withheld`` ones (keys, secrets) are never handed out. ``also`` are further
    columns that name a person: what is kept about two belongs to both, and goes with either. ``stands_since`` is the
    column that says since when a row is more than a draft: until then it is its author's, and handed out to nobody.
    ``sensitive`` says why data on health may be held; only a table without personal data has no ``basis``.
    """

    subject: str | None
    purpose: str
    basis: Basis | None
    retention: Retention
    erasure: Erasure = "delete"
    sensitive: Sensitive | None = None
    subject_kind: Literal["account", "resident"] = "account"
    redacted: tuple[str, ...] = ()
    withheld: tuple[str, ...] = ()
    recipients: tuple[Recipient, ...] = ()
    also: tuple[str, ...] = ()
    stands_since: str | None = None

    @classmethod
    def none(cls, why: str) -> "Privacy":
        """Return the declaration of a table without personal data; ``why`` is for the reviewer."""
        return cls(subject=None, purpose=why, basis=None, retention=Retention.unlimited(why), erasure="keep")


def table_of(model: type[SQLModel]) -> sa.Table:
    """Return a model's table, for Core statements."""
    return cast(sa.Table, sa.inspect(model).local_table)


def instant(**options: Any) -> Any:
    """Return the field of a required ``timestamptz`` column."""
    return Field(sa_type=sa.DateTime(timezone=True), **options)


def optional_instant(**options: Any) -> Any:
    """Return the field of an optional ``timestamptz`` column, empty unless set."""
    return Field(default=None, sa_type=sa.DateTime(timezone=True), nullable=True, **options)


def jsonb(**options: Any) -> Any:
    """Return the field of a ``jsonb`` column; give ``default_factory`` or ``default``."""
    return Field(sa_type=JSONB, **options)


def _nothing() -> list[str]:
    return []


def text_array(**options: Any) -> Any:
    """Return the field of a required ``text[]`` column, empty unless set."""
    # Not ``list``: for each row Pydantic looks at the signature of the factory, and at length for that of a builtin.
    options.setdefault("default_factory", _nothing)
    return Field(sa_type=ARRAY(sa.Text), nullable=False, **options)


def sealed(**options: Any) -> Any:
    """Return the field of a column that holds only what ``app.core.sealing`` sealed."""
    options["sa_column_kwargs"] = {"info": {SEALED: True}} | options.get("sa_column_kwargs", {})
    return Field(sa_type=sa.Text, **options)


class Table(SQLModel):
    """The base of every table.

    ``version`` counts the flushed changes and guards against lost updates: a flush over a changed row raises
    ``sqlalchemy.orm.exc.StaleDataError``. Set-based SQL bumps it by hand.
    """

    # A row is never validated: its validator would be made in every process, for nobody.
    model_config = SQLModelConfig(defer_build=True)

    privacy: ClassVar[Privacy]

    id: uuid.UUID = Field(default_factory=clock.new_id, primary_key=True)
    created_at: datetime = instant(default_factory=clock.now)
    updated_at: datetime = instant(default_factory=clock.now, sa_column_kwargs={"onupdate": clock.now})
    version: int = Field(default=1, nullable=False)

    def __init__(self, **given: Any) -> None:
        # Pydantic would look at the signature of a default's factory each time it calls it.
        now = clock.now()
        given.setdefault("created_at", now)
        given.setdefault("updated_at", now)
        if "id" not in given:
            given["id"] = clock.new_id()
        super().__init__(**given)

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:  # noqa: N805 - a declared attribute receives the class
        table = getattr(cls, "__table__", None)
        return {} if table is None else {"version_id_col": table.c.version}
