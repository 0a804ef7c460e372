"""What tests of commands stand on."""

import os
from pathlib import Path

import pytest

from app.core.database import Database
from tests.cli.asking import SaidBy, done
from tests.conftest import DATA
from tests.faults.processes import Nursery


@pytest.fixture
def said_by(nursery: Nursery, database: Database, tmp_path: Path) -> SaidBy:
    """Return what runs a command on the tests' database, and returns its exit status and what it said."""
    ours = {
        "HEARTHLINE_DIRECTORY": str(DATA),
        "HEARTHLINE_DATABASE_URL": database.url.render_as_string(hide_password=False),
        "COLUMNS": "240",
    }
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HEARTHLINE_")} | ours

    async def run(*command: str) -> tuple[int, str]:
        ended = await done(nursery, tmp_path, environment, *command)
        return ended.status, ended.out

    return run
