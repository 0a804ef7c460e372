"""Commands that look after an installation: migrations, health, what was parked, the audit trail."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeVar

import orjson
import typer
from alembic.util.exc import CommandError
from rich.console import Console
from rich.table import Table

from app import assembly, migrations
from app.billing import api as billing
from app.cli import doctor as examination
from app.cli.processes import database_url
from app.core import audit_chain, parked_events, parked_rows, vapid
from app.core.database import reading, unit_of_work
from app.core.runtime import running
from app.core.settings import settings
from app.main import create_app
from app.reservations import api as booking

Result = TypeVar("Result")
out = Console(highlight=False)

events = typer.Typer(no_args_is_help=True)
rows = typer.Typer(no_args_is_help=True)
audit = typer.Typer(no_args_is_help=True)
reservations = typer.Typer(no_args_is_help=True)
ledger = typer.Typer(no_args_is_help=True)


def with_database(work: Callable[[], Awaitable[Result]]) -> Result:
    """Run ``work`` with the process's database open and return its result."""
    assembly.install()

    async def run() -> Result:
        async with running(settings()):
            return await work()

    return asyncio.run(run())


def migrate(
    revision: Annotated[str, typer.Argument(help="the revision to go to")] = "head",
    down: Annotated[bool, typer.Option("--down", help="take the database down to the revision")] = False,
) -> None:
    """Bring the database to a revision (default: the newest); exits with 1 where a revision refuses, and says why."""
    current = settings()
    with database_url(current) as url:
        go = migrations.downgrade if down else migrations.upgrade
        try:
            go(url, revision, schema=current.database.schema_name)
        except CommandError as refusal:
            out.print(f"[red]refused[/red]: {refusal}")
            raise typer.Exit(1) from None
    out.print(f"the database is at {revision}")


def openapi(
    file: Annotated[Path | None, typer.Argument(help="where to write it (default: standard output)")] = None,
) -> None:
    """Write the OpenAPI description."""
    document = orjson.dumps(create_app().openapi(), option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS)
    if file is None:
        typer.echo(document.decode())
    else:
        file.write_bytes(document + b"\n")


def doctor() -> None:
    """Check settings, database and providers; say in one line each what is wrong and how to mend it."""
    findings = asyncio.run(examination.examine(settings()))
    for finding in findings:
        mark = "[green]ok[/green]   " if finding.fine else "[red]wrong[/red]"
        out.print(f"{mark} {finding.what}: {finding.says}")
        if not finding.fine:
            out.print(f"      mend it: {finding.mend}")
    if not all(finding.fine for finding in findings):
        raise typer.Exit(1)


def vapid_keys() -> None:
    """Make the key pair of Web Push: the private key for the settings, its public key to compare with."""
    private, public = vapid.make_pair()
    typer.echo(f"HEARTHLINE_WEBPUSH_PRIVATE_KEY={private}")
    typer.echo(f"# public key, which apps find in /v1/app-config: {public}")


@events.command("parked")
def events_parked() -> None:
    """List the facts a subscriber gave up on; its later facts about the same thing wait behind them."""

    async def work() -> list[parked_events.ParkedEvent]:
        async with reading() as connection:
            return list(await parked_events.parked(connection))

    table = Table("subscriber", "event", "aggregate", "attempts", "error", "parked at")
    for row in with_database(work):
        table.add_row(
            row.subscriber, row.name, str(row.aggregate_id), str(row.attempts), row.last_error, str(row.parked_at)
        )
    out.print(table)


@events.command("replay")
def events_replay(
    subscriber: Annotated[str | None, typer.Option(help="only this subscriber's")] = None,
    aggregate: Annotated[uuid.UUID | None, typer.Option(help="only facts about this thing")] = None,
) -> None:
    """Hand parked facts to their subscribers again."""

    async def work() -> int:
        async with unit_of_work() as session:
            return await parked_events.replay(session, subscriber=subscriber, aggregate_id=aggregate)

    out.print(f"{with_database(work)} facts will be handed on again")


@rows.command("parked")
def rows_parked() -> None:
    """List the due rows that were set aside."""

    async def work() -> list[parked_rows.Parked]:
        async with reading() as connection:
            return list(await parked_rows.parked(connection))

    table = Table("deadline", "row", "was due", "error", "parked at")
    for row in with_database(work):
        table.add_row(row.due_name, str(row.row_id), str(row.due_at), row.reason, str(row.parked_at))
    out.print(table)


@rows.command("replay")
def rows_replay(
    deadline: Annotated[str | None, typer.Option(help="only rows of this deadline")] = None,
    row: Annotated[uuid.UUID | None, typer.Option(help="only this row")] = None,
) -> None:
    """Make parked rows due again."""

    async def work() -> int:
        async with unit_of_work() as session:
            return await parked_rows.replay(session, due_name=deadline, row_id=row)

    out.print(f"{with_database(work)} rows are due again")


@audit.command("verify")
def audit_verify() -> None:
    """Recompute the audit trail's chains; exit with 1 if a link does not hold."""

    async def work() -> audit_chain.Verdict:
        async with reading() as connection:
            return await audit_chain.verify(connection)

    verdict = with_database(work)
    for community_id, number in verdict.broken:
        out.print(f"[red]broken[/red]: community {community_id}, link {number}")
    out.print(
        f"{verdict.seals} links over {verdict.sealed_entries} entries"
        f" {'hold' if verdict.holds else 'do not all hold'}; {verdict.unsealed_entries} entries are not sealed yet"
    )
    if not verdict.holds:
        raise typer.Exit(1)


@reservations.callback()
def _reservations() -> None:
    """The books of calendars and pools."""


@reservations.command("recount")
def reservations_recount() -> None:
    """Recount calendars and pools; list what must not be, mend nothing, and exit with 1 if there is anything."""

    async def work() -> list[booking.Drift]:
        async with reading() as connection:
            return await booking.recount(connection)

    found = with_database(work)
    table = Table("what", "calendar or pool", "reservation", "other", "community")
    for drift in found:
        ids = (drift.resource_id, drift.reservation_id, drift.other_id, drift.community_id)
        table.add_row(drift.kind, *("" if one is None else str(one) for one in ids))
    out.print(table if found else "calendars and pools are what their rows say")
    if found:
        raise typer.Exit(1)


@ledger.callback()
def _ledger() -> None:
    """The books of money."""


@ledger.command("verify")
def ledger_verify() -> None:
    """Add up the books again; list what does not add up, mend nothing, and exit with 1 if there is anything."""

    async def work() -> dict[str, list[uuid.UUID]]:
        async with reading() as connection:
            return {
                "an account's balance is not the sum of its postings": await billing.drifted_accounts(connection),
                "an entry does not balance": await billing.unbalanced_entries(connection),
                "a charge's paid amount is not its payments'": await billing.miscounted_charges(connection),
            }

    found = with_database(work)
    for what, ids in found.items():
        for one in ids:
            out.print(f"[red]wrong[/red]: {what}: {one}")
    if any(found.values()):
        raise typer.Exit(1)
    out.print("the books add up: balances, entries and charges")


COMMANDS: tuple[Callable[..., None], ...] = (migrate, openapi, doctor, vapid_keys)
