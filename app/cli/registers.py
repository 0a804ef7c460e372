"""The registers of personal data, for whoever answers to the authorities."""

import csv
import sys
from collections.abc import Iterable
from dataclasses import asdict, fields
from itertools import groupby
from typing import Annotated, Literal

import orjson
import typer
from rich.console import Console
from rich.table import Column, Table

from app import assembly
from app.core import register as registers
from app.core.settings import settings

Row = registers.Processing | registers.Transfer
Format = Literal["table", "csv", "json"]

privacy = typer.Typer(no_args_is_help=True)


@privacy.callback()
def _group() -> None:
    """What is held about people: why, on which basis, how long, and who receives it."""


@privacy.command("register")
def register(
    form: Annotated[Format, typer.Option("--format", help="table, csv or json")] = "table",
    transfers: Annotated[bool, typer.Option("--transfers", help="as csv: the register of transfers instead")] = False,
) -> None:
    """Print the register of processing and the register of transfers, from the tables and the settings."""
    assembly.load_tables()
    held, sent = registers.processing(), registers.transfers(settings())
    if form == "json":
        document = {"processing": _by_purpose(held), "transfers": [asdict(row) for row in sent]}
        typer.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode())
    elif form == "csv":
        _write_csv(sent if transfers else held, registers.Transfer if transfers else registers.Processing)
    else:
        _show(held, sent)


def _by_purpose(held: Iterable[registers.Processing]) -> list[dict[str, object]]:
    grouped = groupby(held, key=lambda row: row.purpose)
    return [{"purpose": purpose, "tables": [_without_purpose(row) for row in rows]} for purpose, rows in grouped]


def _without_purpose(row: registers.Processing) -> dict[str, object]:
    return {name: value for name, value in asdict(row).items() if name != "purpose"}


def _write_csv(rows: Iterable[Row], kind: type[Row]) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow([field.name for field in fields(kind)])
    for row in rows:
        writer.writerow(["; ".join(value) if isinstance(value, tuple) else value for value in asdict(row).values()])


def _show(held: Iterable[registers.Processing], sent: Iterable[registers.Transfer]) -> None:
    out = Console(highlight=False)
    table = _table("What is held about people", "purpose", "table", "basis", "GDPR", "PIPL", "kept", "recipients")
    for purpose, rows in groupby(held, key=lambda row: row.purpose):
        for number, row in enumerate(rows):
            said = "" if number else purpose
            table.add_row(said, row.table, row.basis, row.gdpr, row.pipl, row.kept, "\n".join(row.recipients))
    out.print(table)
    table = _table("What leaves the house", "recipient", "provider", "country", "abroad", "safeguard", "tables")
    for transfer in sent:
        who = (transfer.recipient, transfer.provider, transfer.country, transfer.abroad, transfer.safeguard)
        table.add_row(*who, "\n".join(transfer.tables))
    out.print(table)


def _table(title: str, *headers: str) -> Table:
    """Return a table that cuts nothing off in a narrow terminal, and does not break the names of tables."""
    return Table(*(Column(name, overflow="fold", no_wrap=name in ("table", "tables")) for name in headers), title=title)
