"""Every statement that is kept ready is understood by the PostgreSQL the tests run on."""

import importlib
import pkgutil
import re
import sys
from collections.abc import Iterator
from typing import Any, Final

import asyncpg
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import make_url
from sqlalchemy.exc import CompileError

from app.core.database import Database
from app.core.statements import HotStatement, Insertion
from tests.architecture.test_structure import PACKAGES

_BEGINS: Final = re.compile(r"\s*(SELECT|WITH|INSERT|UPDATE|DELETE)\b")
_ANY_LIST: Final = re.compile(r"\(__\[POSTCOMPILE_\w+\]\)")
"""A list that is as long as what is asked for."""
_DIALECT: Final = postgresql.asyncpg.dialect()  # type: ignore[no-untyped-call]


def _modules() -> Iterator[Any]:
    for package in PACKAGES:
        for found in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
            if ".versions" not in found.name and not found.name.endswith((".env", ".__main__")):
                importlib.import_module(found.name)
    yield from (module for name, module in sorted(sys.modules.items()) if name.partition(".")[0] in PACKAGES)


def _sql(value: object) -> str | None:
    """Return the text of a statement; None for what is none, for a part of one, or for what is not known before use."""
    match value:
        case HotStatement():
            return str(value.sql)
        case Insertion():
            return str(value._statement.sql)
        case sa.TextClause() if not _BEGINS.match(value.text):
            return None
        case sa.TextClause() | sa.Select() | sa.CompoundSelect() | sa.Insert() | sa.Update() | sa.Delete():
            try:
                return _ANY_LIST.sub("(NULL)", str(value.compile(dialect=_DIALECT)))
            except CompileError:
                return None
        case _:
            return None


async def test_every_statement_that_is_kept_is_understood(database: Database) -> None:
    dsn = make_url(database.url).set(drivername="postgresql").render_as_string(hide_password=False)
    connection = await asyncpg.connect(dsn, statement_cache_size=0)
    wrong: dict[str, str] = {}
    asked: set[str] = set()
    try:
        for module in _modules():
            for variable, value in list(vars(module).items()):
                text = _sql(value)
                if text is None or text in asked:
                    continue
                asked.add(text)
                try:
                    await connection.prepare(text)
                except asyncpg.PostgresError as error:
                    wrong[f"{module.__name__}.{variable}"] = str(error)
    finally:
        await connection.close()
    assert wrong == {}
    assert len(asked) > 1_000, "most of them are no longer found"
