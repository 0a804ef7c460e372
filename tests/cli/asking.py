"""Commands run as an operator runs them: each a process of its own, which has not to import Hearthline first."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.faults.processes import PATIENCE, Nursery


@dataclass(frozen=True)
class Done:
    """How a command ended and what it said."""

    status: int
    out: str
    err: str


SaidBy = Callable[..., Awaitable[tuple[int, str]]]
"""Runs a command on the tests' database; returns its exit status and what it said."""


async def done(nursery: Nursery, directory: Path, environment: Mapping[str, str], *command: str) -> Done:
    """Run a command with an environment, and return how it ended; what it says is kept in ``directory``."""
    out, err = directory / "out", directory / "err"
    for file in (out, err):
        file.unlink(missing_ok=True)
    process = await nursery.start(list(command), environment, out, err)
    status = await asyncio.wait_for(process.exited, PATIENCE)
    return Done(status, out.read_text(), err.read_text())
