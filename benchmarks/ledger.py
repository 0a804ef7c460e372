"""What an account comes to, by how many postings lie behind it: the sum of a few lanes against the sum of all postings.

The balance is to cost the same on the first day and the last; adding up the postings costs what the history is long.
"""

import asyncio
import time
from datetime import UTC, datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.billing.ledger import views
from app.core import embedded
from app.core.database import reading
from benchmarks import place, population
from benchmarks.report import Comparison, Series, show

ROUNDS: Final = 7
CALLS: Final = 100
FEW: Final = 100
MANY: Final = 10_000

_OFF: Final = [f"ALTER TABLE billing_{table} DISABLE TRIGGER USER" for table in ("entry", "posting")]
_ON: Final = [f"ALTER TABLE billing_{table} ENABLE TRIGGER USER" for table in ("entry", "posting")]
_new: Final = "gen_random_uuid(), :now, :now, 1"
# An organization with two accounts, and ``:count`` entries from one to the other.
_ACCOUNTS: Final = f"""
INSERT INTO billing_account (id, created_at, updated_at, version, community_id, holder, holder_id, kind, currency)
SELECT {_new}, '{population.COMMUNITY}', 'organization', CAST(:holder AS uuid), kind, 'CNY'
FROM unnest(ARRAY['receivable', 'cash']) kind"""
_ENTRIES: Final = f"""
INSERT INTO billing_entry (id, created_at, updated_at, version, community_id, organization_id, kind, source_id,
    currency, sides)
SELECT {_new}, '{population.COMMUNITY}', CAST(:holder AS uuid), 'correction', gen_random_uuid(), 'CNY', 2
FROM generate_series(1, :count)"""
_POSTINGS: Final = f"""
INSERT INTO billing_posting (id, created_at, updated_at, version, entry_id, ledger_account_id, amount)
SELECT {_new}, e.id, a.id, CASE a.kind WHEN 'cash' THEN 100 ELSE -100 END
FROM billing_entry e JOIN billing_account a ON a.holder_id = e.organization_id
WHERE e.organization_id = CAST(:holder AS uuid)"""
_BALANCES: Final = f"""
INSERT INTO billing_balance (id, created_at, updated_at, version, ledger_account_id, lane, amount)
SELECT {_new}, a.id, lane, p.total / 16 + CASE WHEN lane = 0 THEN p.total % 16 ELSE 0 END
FROM billing_account a
JOIN (SELECT ledger_account_id, CAST(sum(amount) AS bigint) AS total FROM billing_posting GROUP BY 1) p
    ON p.ledger_account_id = a.id, generate_series(0, 15) lane
WHERE a.holder_id = CAST(:holder AS uuid)"""
_SUM: Final = sa.text(
    "SELECT a.kind, sum(p.amount) FROM billing_account a JOIN billing_posting p ON p.ledger_account_id = a.id"
    " WHERE a.holder = 'organization' AND a.holder_id = :holder GROUP BY a.kind"
)


async def _balance(connection: AsyncConnection, count: int) -> int:
    holder = population.identifier(9, count)
    found = await views.balances(connection, "organization", [holder])
    return sum(one.balance for one in found[holder] if one.kind == "cash")


async def _sum(connection: AsyncConnection, count: int) -> int:
    rows = await connection.execute(_SUM, {"holder": population.identifier(9, count)})
    return sum(int(total) for kind, total in rows if kind == "cash")


async def _milliseconds(url: str, counts: tuple[int, ...]) -> dict[tuple[str, int], list[float]]:
    """Return what a balance and a sum took in the middle, round by round."""
    found: dict[tuple[str, int], list[float]] = {}
    async with place.hearthline(url, plans="auto"):
        for number in range(ROUNDS + 1):
            for name, ask in (("balance", _balance), ("sum", _sum)):
                for count in counts:
                    calls = CALLS if name == "balance" else max(3, CALLS * FEW // count)
                    started = time.perf_counter()
                    async with reading() as connection:
                        for _ in range(calls):
                            if await ask(connection, count) != count * 100:
                                raise AssertionError("the books do not add up")
                    if number:  # once to open connections and prepare statements
                        figure = (time.perf_counter() - started) / calls * 1000
                        found.setdefault((name, count), []).append(figure)
    return found


def run(server: embedded.EmbeddedServer, size: int = 100_000) -> None:
    """Measure and print; ``size`` is how many postings the long history has."""
    url, now = place.migrated(server, "ledger"), datetime.now(UTC)
    counts = (FEW, MANY, size)
    for count in counts:
        steps = (*_OFF, _ACCOUNTS, _ENTRIES, _POSTINGS, _BALANCES, *_ON)
        values = {"holder": str(population.identifier(9, count)), "count": count}
        asyncio.run(place.execute(url, *steps, now=now, **values))
    asyncio.run(place.execute(url, "VACUUM ANALYZE", now=now))
    found = asyncio.run(_milliseconds(url, counts))
    server.drop_database("ledger")

    def of(name: str, count: int) -> Series:
        return Series(f"{name} of {count:,}", "ms", found[name, count])

    show(
        f"What an account comes to: {size:,} postings",
        [
            *(
                Comparison(f"a balance after {count:,} postings", of("balance", count), of("balance", FEW), 1.3, True)
                for count in (MANY, size)
            ),
            *(
                Comparison(f"a balance against adding up {count:,}", of("balance", count), of("sum", count), 1.0, True)
                for count in (MANY, size)
            ),
        ],
    )
