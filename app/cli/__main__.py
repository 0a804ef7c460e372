"""``python -m app.cli`` and the ``hearthline`` command."""

import sys

import typer
from pydantic import ValidationError

from app.cli import demo, homes, operating, people, processes, simulating
from app.cli.deliveries import deliveries
from app.cli.payments import payments
from app.cli.registers import privacy
from app.core.settings import UnknownSettingError

app = typer.Typer(
    name="hearthline",
    help="The backend behind a community's resident apps.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
for command in (*demo.COMMANDS, *processes.COMMANDS, *operating.COMMANDS):
    app.command()(command)
for name, named in demo.NAMED.items():
    app.command(name)(named)
for name, of_homes in (homes.COMMANDS | simulating.COMMANDS).items():
    app.command(name)(of_homes)
for name, hidden in (demo.HIDDEN | homes.HIDDEN).items():
    app.command(name, hidden=True)(hidden)
for name, about_people in people.COMMANDS.items():
    app.command(name)(about_people)
app.add_typer(operating.events, name="events", help="Facts whose subscribers failed on them.")
app.add_typer(operating.rows, name="rows", help="Due rows that were set aside because they failed.")
app.add_typer(deliveries, name="deliveries", help="Notices that were given up or whose outcome nobody knows.")
app.add_typer(payments, name="payments", help="What the payment gateway told, and its books against ours.")
app.add_typer(operating.audit, name="audit", help="The audit trail.")
app.add_typer(operating.reservations, name="reservations", help="The books of calendars and pools.")
app.add_typer(operating.ledger, name="ledger", help="The books of money.")
app.add_typer(privacy, name="privacy", help="What is held about people, why and how long.")


def main() -> None:
    """Run the command line; a wrong setting ends with one line per variable instead of a traceback."""
    try:
        app()
    except ValidationError as error:
        if error.title != "Settings":
            raise
        for item in error.errors():
            where = "_".join(str(part) for part in ("HEARTHLINE", *item["loc"])).upper()
            sys.stderr.write(f"{where}: {item['msg']}\n")
        raise SystemExit(2) from None
    except UnknownSettingError as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
