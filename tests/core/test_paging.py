"""Pages: cursors nobody can make up, and lists that are walked through without a gap or a repeat."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import postgresql

from app.core.database import Database, unit_of_work
from app.core.paging import after, decode_cursor, encode_cursor, next_cursor
from app.core.problems import Malformed

POSITIONS = st.lists(st.one_of(st.text(), st.integers(-(2**53), 2**53), st.booleans(), st.none()), max_size=4)
_rows = sa.table(
    "paged", sa.column("at", sa.DateTime(timezone=True)), sa.column("id", sa.Uuid), sa.column("n", sa.Integer)
)


@given(POSITIONS)
def test_a_cursor_holds_its_position(position: list[object]) -> None:
    assert decode_cursor("things", encode_cursor("things", position)) == tuple(position)


def test_identifiers_and_instants_come_back_as_text() -> None:
    at, identifier = datetime(2026, 3, 2, 8, tzinfo=UTC), uuid.UUID(int=7)
    assert decode_cursor("things", encode_cursor("things", [at, identifier])) == (
        "2026-03-02T08:00:00+00:00",
        str(identifier),
    )


def _refused(cursor: str, kind: str = "things") -> None:
    with pytest.raises(Malformed) as refusal:
        decode_cursor(kind, cursor)
    assert [error.pointer for error in refusal.value.errors] == ["/query/cursor"]


@given(st.text(max_size=80))
def test_what_we_did_not_write_is_refused(text: str) -> None:
    _refused(text)


@given(st.integers(0, 200), st.integers(1, 255))
def test_a_changed_cursor_is_refused(place: int, change: int) -> None:
    cursor = encode_cursor("things", ["2026-03-02", 5])
    place %= len(cursor) - 1  # the last character holds bits that mean nothing
    changed = cursor[:place] + chr(ord(cursor[place]) ^ change) + cursor[place + 1 :]
    _refused(changed)


def test_a_cursor_of_another_list_is_refused() -> None:
    _refused(encode_cursor("others", [1]))


def test_only_a_full_page_has_a_next_one() -> None:
    rows = [sa.engine.result.result_tuple(["id"])((number,)) for number in range(3)]
    assert next_cursor("things", rows, 3, ["id"]) is None
    assert decode_cursor("things", next_cursor("things", rows, 2, ["id"]) or "") == (1,)


@pytest.mark.parametrize("descending", [False, True])
async def test_pages_hold_every_row_once(database: Database, descending: bool) -> None:
    start = datetime(2026, 3, 2, tzinfo=UTC)
    key = [_rows.c.n, _rows.c.at, _rows.c.id]
    statement = (
        sa.select(_rows)
        .where(after(key, ["after_n", "after_at", "after_id"], descending=descending))
        .order_by(*(column.desc() if descending else column for column in key))
        .limit(4)
    )
    seen: list[uuid.UUID] = []
    async with unit_of_work() as session:
        await session.execute(sa.text("CREATE TEMP TABLE paged (at timestamptz, id uuid, n int) ON COMMIT DROP"))
        values = [
            {"at": start + timedelta(hours=number % 3), "id": uuid.UUID(int=number), "n": number % 2}
            for number in range(13)
        ]
        await session.execute(sa.insert(_rows), values)
        position: dict[str, object] = {"after_n": None, "after_at": None, "after_id": None}
        while page := (await session.execute(statement, position)).all():
            seen += [row.id for row in page]
            position = {"after_n": page[-1].n, "after_at": page[-1].at, "after_id": page[-1].id}
    expected = sorted(values, key=lambda row: (row["n"], row["at"], row["id"]), reverse=descending)
    assert seen == [row["id"] for row in expected]


async def test_a_deep_page_is_found_by_the_index(database: Database) -> None:
    statement = sa.select(_rows.c.id).where(after([_rows.c.at, _rows.c.id], ["a", "b"], descending=True))
    statement = statement.order_by(_rows.c.at.desc(), _rows.c.id.desc()).limit(20)
    sql = str(
        statement.compile(
            dialect=postgresql.dialect(paramstyle="numeric_dollar"),  # type: ignore[no-untyped-call]  # SQLAlchemy's has no types
            compile_kwargs={"literal_binds": False},
        )
    )
    async with unit_of_work() as session:
        await session.execute(sa.text("CREATE TEMP TABLE paged (at timestamptz, id uuid, n int) ON COMMIT DROP"))
        await session.execute(sa.text("CREATE INDEX ON paged (at, id)"))
        await session.execute(sa.text("SET LOCAL plan_cache_mode = force_generic_plan"))
        await session.execute(sa.text(f"PREPARE deep (timestamptz, uuid, int) AS {sql}"))
        plan = "\n".join((await session.scalars(sa.text("EXPLAIN EXECUTE deep (NULL, NULL, 20)"))).all())
    assert "Index Cond: (ROW(at, id) <" in plan


def test_a_list_by_descending_text_has_no_beginning() -> None:
    with pytest.raises(TypeError):
        after([sa.column("name", sa.Text)], ["a"], descending=True)
