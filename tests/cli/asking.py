"""Commands run as an operator runs them, on the tests' database."""

import asyncio
import os
import sys

from app.core.database import Database
from tests.conftest import DATA, ROOT


async def said_by(database: Database, *command: str) -> tuple[int | None, str]:
    """Run a command on the tests' database; return its exit status and what it said."""
    running = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "app.cli", *command),
        cwd=ROOT,
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith("HEARTHLINE_")},
            "HEARTHLINE_DIRECTORY": str(DATA),
            "HEARTHLINE_DATABASE_URL": database.url.render_as_string(hide_password=False),
            "COLUMNS": "240",
        },
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await asyncio.wait_for(running.communicate(), 240)
    return running.returncode, said.decode()
