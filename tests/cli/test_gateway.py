"""The commands of the way to homes, as they are started."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

from app.broker.credentials import ACL_FILE, PASSWORDS_FILE
from app.core.embedded import EmbeddedServer
from tests.cli.asking import done
from tests.emulators.mosquitto import free_port
from tests.faults.processes import Nursery


def environment(directory: Path, **more: str) -> dict[str, str]:
    """Return the environment of an installation of its own."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("HEARTHLINE_")}
    return ours | {"HEARTHLINE_DIRECTORY": str(directory)} | more


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def test_without_a_broker_a_gateway_says_what_is_missing(nursery: Nursery, tmp_path: Path) -> None:
    ended = await done(nursery, tmp_path, environment(tmp_path), "gateway")
    assert ended.status == 2
    assert "HEARTHLINE_MQTT_URL" in ended.err


def test_the_demo_s_broker_ends_with_its_parent(tmp_path: Path) -> None:
    port = free_port()
    variables = environment(tmp_path, HEARTHLINE_DEMO_ENABLED="true", HEARTHLINE_MQTT_EMBEDDED_PORT=str(port))
    # A parent that starts it, waits to be told, and dies without a word.
    script = (
        "import os, subprocess, sys\n"
        "command = [sys.executable, '-m', 'app.cli', 'embedded-broker', '--parent', str(os.getpid())]\n"
        "subprocess.Popen(command)\nsys.stdin.read(1)\nos._exit(0)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], env=variables, stdin=subprocess.PIPE) as parent:
        deadline = time.monotonic() + 90
        while not answers(port):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        parent.kill()
    while answers(port):
        assert time.monotonic() < deadline
        time.sleep(0.1)


async def test_the_files_for_mosquitto_are_written_by_hand(
    nursery: Nursery, tmp_path: Path, server: EmbeddedServer, database_name: str
) -> None:
    variables = environment(
        tmp_path,
        HEARTHLINE_DATABASE_URL=server.url(database_name),
        HEARTHLINE_MQTT_URL="mqtt://city:secret@127.0.0.1",
    )
    ended = await done(nursery, tmp_path, variables, "broker-files", str(tmp_path / "broker"))
    assert ended.status == 0, ended.err
    assert "user city\n" in (tmp_path / "broker" / ACL_FILE).read_text()
    assert (tmp_path / "broker" / PASSWORDS_FILE).read_text().startswith("city:$7$")
