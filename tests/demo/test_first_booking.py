"""What the guide for clinics tells an integrator to type, typed: against a demo that was started as `make run` does."""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
GUIDE: Final = ROOT / "docs/clinics.md"
_BLOCK: Final = re.compile(r"^```(bash|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_VARYING: Final = (
    (re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "<id>"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"), "<instant>"),
)
_MARK: Final = "-- told --"


def documented() -> tuple[str, list[tuple[str, str]]]:
    """Return the helpers of the guide, and each command with what it is said to print."""
    helpers, commands = "", []
    for kind, text in _BLOCK.findall(GUIDE.read_text()):
        if kind == "bash":
            helpers += text
            continue
        for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
            first, *rest = part.splitlines()
            more = [line for line in rest if line.startswith("  ")]
            said = [line for line in rest if not line.startswith("  ")]
            commands.append(("\n".join([first, *more]), "\n".join(said)))
    return helpers, commands


def settled(text: str) -> str:
    """Return what was printed without what differs from day to day."""
    for pattern, name in _VARYING:
        text = pattern.sub(name, text)
    return text


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Start the demo with few residents and a short past; return the variables of a shell beside it."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("HEARTHLINE_")}
    variables = clean | {
        "HEARTHLINE_DIRECTORY": str(tmp_path),
        "HEARTHLINE_HTTP_PORT": str(port),
        "HEARTHLINE_HTTP_PUBLIC_URL": f"http://127.0.0.1:{port}",
    }
    log = tmp_path / "run.log"
    with log.open("wb") as out:
        command = [sys.executable, "-m", "app.cli", "run", "--residents", "4", "--days", "1"]
        started = subprocess.Popen(command, cwd=ROOT, env=variables, stdout=out, stderr=subprocess.STDOUT)
    ready = f"until curl -sf http://127.0.0.1:{port}/health/ready; do kill -0 {started.pid} || exit 1; sleep 0.2; done"
    try:
        up = subprocess.run(["bash", "-c", ready], env=variables, capture_output=True, timeout=240, check=False)
        assert up.returncode == 0, log.read_text()
        yield variables
    finally:
        started.terminate()
        started.wait(timeout=60)


def test_the_documented_commands_print_what_the_guide_says(environment: dict[str, str]) -> None:
    helpers, commands = documented()
    assert len(commands) > 15
    script = helpers + "".join(f"\n{command}\necho '{_MARK}'" for command, _ in commands)
    done = subprocess.run(
        ["bash", "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=240, check=False
    )
    told = [part.strip("\n") for part in done.stdout.split(f"{_MARK}\n")][:-1]
    found = [(command, settled(text)) for (command, _), text in zip(commands, told, strict=True)]
    assert found == [(command, settled(said)) for command, said in commands], done.stderr
