"""Commands about notices that nobody tries any more."""

import uuid
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from app.cli.operating import with_database
from app.core.database import reading, unit_of_work
from notifications import api as notifications

out = Console(highlight=False)
deliveries = typer.Typer(no_args_is_help=True)


@deliveries.command("parked")
def deliveries_parked() -> None:
    """List the deliveries that were given up, or whose outcome nobody knows."""

    async def work() -> list[notifications.ParkedDelivery]:
        async with reading() as connection:
            return list(await notifications.parked(connection))

    table = Table("delivery", "notice", "channel", "attempts", "error", "parked at")
    for row in with_database(work):
        table.add_row(str(row.id), row.notice_key, row.channel, str(row.attempts), row.error, str(row.parked_at))
    out.print(table)


@deliveries.command("replay")
def deliveries_replay(
    delivery: Annotated[
        list[uuid.UUID] | None, typer.Argument(help="only these, in any case (default: all of use)")
    ] = None,
) -> None:
    """Send parked deliveries again; a message whose outcome was unknown may then arrive twice.

    Those that are named are sent in any case and get another day to be of use. Without names, all are that are still of
    use, for as long as they are, and whose notice no fallback delivered or sent.
    """

    async def work() -> int:
        async with unit_of_work() as session:
            return await notifications.replay(session, delivery)

    out.print(f"{with_database(work)} deliveries will be sent again")
