"""What the guides tell their readers to type, typed: against one demo that was started as `make run` does."""

import asyncio
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.demo import day_tour, portal_tour

ROOT: Final = Path(__file__).parents[2]
CLINICS: Final = (ROOT / "docs/clinics.md").read_text()
_README: Final = (ROOT / "README.md").read_text()
_HELPERS: Final = _README[_README.index("```bash\napi=") : _README.index("**Sign in**")]
_HOME: Final = _README[_README.index("**Look after a home**") : _README.index("And the **figures**")]
SMART_HOME: Final = _HELPERS.replace("http://127.0.0.1:8000", "$HEARTHLINE_HTTP_PUBLIC_URL") + _HOME
_BLOCK: Final = re.compile(r"^```(bash|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_VARYING: Final = (
    (re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "<id>"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"), "<instant>"),
    (re.compile(r"\d+ times in"), "<number> times in"),
    (re.compile(r"^\[('home'(, )?)*\]$"), "<the home>"),
)
_MARK: Final = "-- told --"
_SHELL: Final = f"""
hearthline() {{ {sys.executable} -m app.cli "$@"; }}
sleep() {{ command sleep $(($1 * 2)); }}  # for machines that have more to do than a reader's
"""


def documented(guide: str) -> tuple[str, list[tuple[str, str]]]:
    """Return the helpers of a guide, and each command with what it is said to print."""
    helpers, commands = "", []
    for kind, text in _BLOCK.findall(guide):
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
    with socket.create_server(("127.0.0.1", 0)) as free, socket.create_server(("127.0.0.1", 0)) as another:
        port, of_broker = free.getsockname()[1], another.getsockname()[1]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("HEARTHLINE_")}
    variables = clean | {
        "HEARTHLINE_DIRECTORY": str(tmp_path),
        "HEARTHLINE_HTTP_PORT": str(port),
        "HEARTHLINE_MQTT_EMBEDDED_PORT": str(of_broker),
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


def type_all(guide: str, environment: dict[str, str]) -> None:
    """Type all commands of a guide, and see that they print what it says."""
    helpers, commands = documented(guide)
    assert len(commands) > 15
    script = _SHELL + helpers + "".join(f"\n{command}\necho '{_MARK}'" for command, _ in commands)
    done = subprocess.run(
        ["bash", "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=240, check=False
    )
    told = [part.strip("\n") for part in done.stdout.split(f"{_MARK}\n")][:-1]
    found = [(command, settled(text)) for (command, _), text in zip(commands, told, strict=True)]
    assert found == [(command, settled(said)) for command, said in commands], done.stderr


async def test_the_portals_tour_and_the_documented_commands_are_as_the_guides_say(environment: dict[str, str]) -> None:
    await portal_tour.walk(environment["HEARTHLINE_HTTP_PUBLIC_URL"])
    await day_tour.walk(environment["HEARTHLINE_HTTP_PUBLIC_URL"])
    await asyncio.to_thread(type_all, CLINICS, environment)
    await asyncio.to_thread(type_all, SMART_HOME, environment)


def test_the_tours_pictures_are_there_and_small() -> None:
    taken = {one.name: one.stat().st_size for one in day_tour.PICTURES.glob("*.png")}
    assert set(taken) == set(day_tour.pictures())
    assert sum(taken.values()) <= day_tour.MOST_BYTES
