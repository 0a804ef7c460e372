"""Commands about card payments: events of the gateway, and its books against ours."""

from datetime import timedelta
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from app.billing import api as billing
from app.cli.operating import with_database
from app.core import clock
from app.core.database import reading

out = Console(highlight=False)
payments = typer.Typer(no_args_is_help=True)


@payments.command("replay")
def payments_replay(
    event: Annotated[list[str] | None, typer.Argument(help="only these, by the gateway's ids (evt_…)")] = None,
    hours: Annotated[int | None, typer.Option(min=1, help="all that were taken in so many hours")] = None,
) -> None:
    """Look again at what kept events are of: the worker asks the gateway how it stands. Events are kept for 90 days."""
    if not event and hours is None:
        raise typer.BadParameter("name events, or say since when: --hours")
    since = None if hours is None else clock.now() - timedelta(hours=hours)
    looked = with_database(lambda: billing.replay_gateway_events(event or [], since))
    out.print(f"{looked} events will be looked at again")


@payments.command("reconcile")
def payments_reconcile(
    days: Annotated[int, typer.Option(min=1, max=90, help="how far back")] = 4,
) -> None:
    """Compare the last days' payments and refunds with the gateway's lists; the worker does so every day."""
    compared = with_database(lambda: billing.reconcile(days))
    out.print(f"{compared.seen} compared, {compared.mended} looked at again, {compared.reported} newly reported")


@payments.command("discrepancies")
def payments_discrepancies() -> None:
    """List what the gateway's books and ours do not agree on."""

    async def work() -> list[Any]:
        async with reading() as connection:
            return list(await billing.open_discrepancies(connection))

    table = Table("found", "about", "ref", "row", "ours", "theirs", "since")
    for row in with_database(work):
        amounts = (row.our_amount, row.their_amount)
        shown = ["" if amount is None else str(amount) for amount in amounts]
        table.add_row(row.found, row.about, row.ref, str(row.row_id or ""), *shown, str(row.created_at))
    out.print(table)
