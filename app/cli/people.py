"""Commands that let people in: a community's first operator, and its residents from a file."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.progress import Progress, TextColumn, TimeElapsedColumn

from app.cli.operating import with_database
from app.core.database import unit_of_work
from app.core.problems import NotFound, Problem
from app.identity import api as identity

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)
Result = TypeVar("Result")
Community = Annotated[str, typer.Option("--community", help="the community's name")]


def create_admin(
    community: Community,
    phone: Annotated[str, typer.Option(help="the number they sign in with: E.164, or as dialled there")],
    name: Annotated[str, typer.Option(help="the operator's name")] = "Operator",
    found: Annotated[
        tuple[str, str, str] | None,
        typer.Option(metavar="COUNTRY ZONE CURRENCY", help="found the community, e.g. CN Asia/Shanghai CNY"),
    ] = None,
) -> None:
    """Create the first operator of a community, who lets everybody else in; with --found the community, too."""

    async def work() -> str:
        async with unit_of_work() as session:
            place = await identity.find_community(session, community)
            if place is None:
                if found is None:
                    raise NotFound(f"there is no community named {community}; --found makes it")
                country, time_zone, currency = found
                place = await identity.found_community(
                    session,
                    name=community,
                    country=country,
                    time_zone=time_zone,
                    currency=currency,
                    languages=["en", "zh-CN"],
                    emergency_numbers={},
                )
            await identity.add_first_operator(session, place.id, name=name, phone=phone)
            return str(place.id)

    community_id = _tell_refusal(lambda: with_database(work))
    out.print(f"community {community_id}: {name} signs in with {phone}")
    if found is not None:
        out.print("set its languages, desk and emergency numbers next: PATCH /v1/community")


def import_residents(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV in UTF-8 or XLSX")],
    community: Community,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="check every row, write nothing")] = False,
) -> None:
    """Import residents, households, contacts and consents; repeatable, with an error per row that is left out."""

    async def work() -> identity.ImportReport:
        async with unit_of_work() as session:
            place = await identity.find_community(session, community)
        if place is None:
            raise NotFound(f"there is no community named {community}")
        with Progress(TextColumn("{task.completed} rows"), TimeElapsedColumn(), console=err) as progress:
            task = progress.add_task("", total=None)
            return await identity.import_file(
                file,
                community_id=place.id,
                dry_run=dry_run,
                progress=lambda rows: progress.update(task, completed=rows),
            )

    report = _tell_refusal(lambda: with_database(work))
    for error in report.errors:
        out.print(f"row {error.row}{f', {error.column}' if error.column else ''}: {error.detail}", markup=False)
    if report.errors_omitted:
        out.print(f"and {report.errors_omitted} more")
    would = "would be " if report.dry_run else ""
    out.print(
        f"{report.rows} rows: {would}{report.created} created, {report.updated} updated,"
        f" {report.unchanged} unchanged, {report.failed} left out"
    )
    if report.failed:
        raise typer.Exit(1)


def _tell_refusal(work: Callable[[], Result]) -> Result:
    """Return what ``work`` returns; a refusal ends the command with its sentence."""
    try:
        return work()
    except Problem as refusal:
        said = [error.detail for error in refusal.errors] or [refusal.detail or refusal.title]
        err.print("; ".join(said), markup=False)
        raise typer.Exit(1) from None


COMMANDS: dict[str, Callable[..., None]] = {"create-admin": create_admin, "import": import_residents}
