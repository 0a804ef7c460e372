"""What PostgreSQL does for a statement: its plan as it was run, and how many rows each part of it looked at."""

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import ClauseElement, Executable

Node = dict[str, Any]


class _Explain(Executable, ClauseElement):
    """``EXPLAIN (ANALYZE, …)`` of a statement, which is thereby run."""

    inherit_cache = False

    def __init__(self, statement: ClauseElement) -> None:
        self.statement = statement


@compiles(_Explain, "postgresql")
def _compile(element: _Explain, compiler: SQLCompiler, **options: Any) -> str:
    return f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {compiler.process(element.statement, **options)}"


async def explain(
    connection: AsyncConnection | AsyncSession, statement: ClauseElement, binds: Mapping[str, object]
) -> Node:
    """Run a statement and return the root of its plan."""
    [explained] = (await connection.execute(_Explain(statement), binds)).scalar_one()
    plan: Node = explained["Plan"]
    return plan


def nodes(plan: Node) -> Iterator[Node]:
    """Yield a plan's nodes, each before those below it."""
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)


def looked_at(node: Node) -> float:
    """Return how many rows a node took in hand: what it passed on and what it dropped."""
    dropped = sum(node.get(f"Rows Removed by {cause}", 0) for cause in ("Filter", "Join Filter", "Index Recheck"))
    return float((node["Actual Rows"] + dropped) * node["Actual Loops"])
