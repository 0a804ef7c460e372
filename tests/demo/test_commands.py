"""The command line: what it says, and what it does to a database of its own."""

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from app import migrations

ROOT = Path(__file__).parents[2]
COMMANDS = ("run", "demo", "serve", "worker", "migrate", "create-admin", "import", "openapi", "doctor", "vapid-keys")
CREATE = ("create-admin", "--community", "Lakeside", "--phone", "+8613800000001")
FOUND = ("--found", "CN", "Asia/Shanghai", "CNY")

# One process for all commands of a test, which each are a whole start of Hearthline; none of them knows of the others.
_DRIVER = """
import json, sys
from pathlib import Path
from typer.testing import CliRunner
from app.cli.__main__ import app
from app.core import embedded
from app.core.settings import settings

server = embedded.start_sync(settings().directory / "postgres") if sys.argv[1] == "database" else None
results = []
for arguments in json.loads(sys.argv[2]):
    done = CliRunner().invoke(app, arguments)
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    results.append([done.exit_code, done.stdout, done.stderr])
json.dump(results, sys.stdout)
if server:
    server.stop_sync()
"""


@dataclass(frozen=True)
class Done:
    """What a command said."""

    code: int
    out: str
    err: str


def _run(directory: Path, *program: str, **variables: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("HEARTHLINE_")}
    environment = {**clean, "HEARTHLINE_DIRECTORY": str(directory), "COLUMNS": "200", **variables}
    command = [sys.executable, *program]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=240, check=False)


def _hearthline(directory: Path, *commands: Sequence[str], database: bool = False) -> list[Done]:
    """Run commands one after the other on an installation of its own."""
    done = _run(directory, "-c", _DRIVER, "database" if database else "", json.dumps(commands))
    assert done.returncode == 0, done.stderr
    return [Done(*result) for result in json.loads(done.stdout)]


def test_what_needs_no_database(tmp_path: Path) -> None:
    file = tmp_path / "openapi.json"
    usage, openapi, pair = _hearthline(tmp_path, ["--help"], ["openapi", str(file)], ["vapid-keys"])
    assert [command for command in COMMANDS if f" {command} " not in usage.out] == []
    assert openapi.code == 0
    assert re.search(r"^HEARTHLINE_WEBPUSH_PRIVATE_KEY=[\w-]{43}$", pair.out, re.MULTILINE)
    assert re.search(r"public key.*: B[\w-]{86}$", pair.out, re.MULTILINE)
    assert "/v1/me/sos" in json.loads(file.read_text())["paths"]


def test_a_taken_port_is_said_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = _run(tmp_path, "-m", "app.cli", "run", "--port", port)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert port in done.stderr


def test_the_demo_has_no_place_in_production(tmp_path: Path) -> None:
    done = _run(tmp_path, "-m", "app.cli", "demo", HEARTHLINE_ENVIRONMENT="production")
    assert done.returncode == 2
    assert "HEARTHLINE_DATABASE_URL" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture
def residents(tmp_path: Path) -> str:
    """Return a file of residents with one row that is wrong."""
    file = tmp_path / "residents.csv"
    file.write_text("reference,name,mobile\nR-1,Grace,+8613800000011\nR-2,,+8613800000012\n")
    return str(file)


def test_an_installation_is_set_up(tmp_path: Path, residents: str) -> None:
    take_in = ["import", residents, "--community", "Lakeside"]
    empty, migrated, examined, unknown, wrong, created, again, checked, imported, repeated = _hearthline(
        tmp_path,
        ["doctor"],
        ["migrate"],
        ["doctor"],
        CREATE,
        [*CREATE[:-1], "12", *FOUND],
        [*CREATE, *FOUND],
        [*CREATE, *FOUND],
        [*take_in, "--dry-run"],
        take_in,
        take_in,
        database=True,
    )
    assert (empty.code, migrated.code, examined.code) == (1, 0, 0), examined.out
    assert "at None, newest is" in empty.out
    assert "mend it: hearthline migrate" in empty.out
    config = Config()
    config.set_main_option("script_location", str(migrations.LOCATION))
    assert "database: PostgreSQL" in examined.out
    assert f"migrations: at {ScriptDirectory.from_config(config).get_current_head()}" in examined.out

    assert (unknown.code, "no community named Lakeside" in unknown.err) == (1, True)
    assert (wrong.code, "phone number" in wrong.err) == (1, True)
    assert (created.code, "signs in with +8613800000001" in created.out) == (0, True)
    assert (again.code, "operator already" in again.err) == (1, True)

    assert "2 rows: would be 1 created" in checked.out
    assert imported.code == 1  # a row was left out
    assert "row 3, name" in imported.out
    assert "2 rows: 1 created, 0 updated, 0 unchanged, 1 left out" in imported.out
    assert "0 created, 0 updated, 1 unchanged" in repeated.out
