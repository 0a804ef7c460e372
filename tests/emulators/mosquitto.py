"""A real Mosquitto on loopback, with passwords and access lists per home; it can be stopped, killed and restarted."""

import json
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from app.broker.credentials import password_line, write_files
from tests.sinks.certificate import Certificate, write_certificate

PROGRAM: Final = "/usr/sbin/mosquitto"
DYNAMIC_SECURITY: Final = next(iter(Path("/usr/lib").glob("*/mosquitto_dynamic_security.so")), None)
GATEWAY, GATEWAY_SECRET = "hearthline", "the gateway's own secret"
_PATIENCE = 20.0


@dataclass
class Mosquitto:
    """One broker. ``let_in`` gives a home its way in; ``url`` is what HEARTHLINE_MQTT_URL would be."""

    directory: Path
    provisioning: Literal["files", "dynsec"] = "files"
    tls: bool = False
    extra: str = ""
    port: int = 0
    certificate: Certificate | None = None
    _secrets: dict[str, str] = field(default_factory=lambda: {GATEWAY: GATEWAY_SECRET})
    _process: "subprocess.Popen[bytes] | None" = None

    @property
    def pid(self) -> int:
        """The process it is at the moment."""
        assert self._process is not None
        return self._process.pid

    def url(self) -> str:
        """Return its address; who comes is said beside it, as in the settings."""
        return f"{'mqtts' if self.tls else 'mqtt'}://127.0.0.1:{self.port}"

    def let_in(self, username: str, secret: str) -> None:
        """Give a home its way in by the files."""
        self._secrets[username] = secret
        self._write_files()
        if self._process is not None:
            self._process.send_signal(signal.SIGHUP)
            time.sleep(0.2)  # nothing tells when the files were read

    def start(self) -> None:
        """Start it, on the port it had before if it had one, and return once it takes connections."""
        if not self.port:
            self.port = free_port()
            self._write_configuration()
        log = (self.directory / "mosquitto.log").open("ab")
        with log:
            self._process = subprocess.Popen(
                [PROGRAM, "-c", str(self.directory / "mosquitto.conf")], stdout=log, stderr=log
            )
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            assert self._process.poll() is None, (self.directory / "mosquitto.log").read_text()
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        raise AssertionError("the broker takes no connections")

    def stop(self) -> None:
        """End it in order: it writes down what it holds."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Stop it and start it again."""
        self.stop()
        self.start()

    def log(self) -> str:
        """Return what it wrote."""
        return (self.directory / "mosquitto.log").read_text(errors="replace")

    def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(number)
        self._process.wait(_PATIENCE)
        self._process = None

    def _write_files(self) -> None:
        lines = [password_line(name, secret) for name, secret in self._secrets.items()]
        write_files(self.directory / "credentials", GATEWAY, lines)

    def _write_configuration(self) -> None:
        lines = [
            f"listener {self.port} 127.0.0.1",
            "user root",  # it would give root up, and could then not read files that are ours alone
            "allow_anonymous false",
            "persistence true",
            f"persistence_location {self.directory}/",
            "autosave_interval 1",
            "max_inflight_messages 5000",
            "max_queued_messages 1000000",
            "message_size_limit 2097152",
            "log_type error",
            "log_type warning",
            "log_type notice",
        ]
        if self.tls:
            self.certificate = write_certificate(self.directory)
            lines += [f"certfile {self.certificate.file}", f"keyfile {self.certificate.key}"]
        if self.provisioning == "files":
            self._write_files()
            credentials = self.directory / "credentials"
            lines += [f"password_file {credentials / 'passwords'}", f"acl_file {credentials / 'acl'}"]
        else:
            lines += [f"plugin {DYNAMIC_SECURITY}", f"plugin_opt_config_file {self._write_dynamic_security()}"]
        (self.directory / "mosquitto.conf").write_text("\n".join([*lines, self.extra, ""]), encoding="utf-8")

    def _write_dynamic_security(self) -> Path:
        _, _, rounds, salt, derived = password_line(GATEWAY, GATEWAY_SECRET).split("$")
        topics = ["homes/#", "$CONTROL/dynamic-security/#"]
        kinds = ["publishClientSend", "publishClientReceive", "subscribePattern", "unsubscribePattern"]
        acls = [
            {"acltype": kind, "topic": topic, "priority": 0, "allow": True}
            for topic in [*topics, "$share/#"]
            for kind in kinds
        ]
        gateway = {
            "username": GATEWAY,
            "password": derived,
            "salt": salt,
            "iterations": int(rounds),
            "roles": [{"rolename": "gateway"}],
        }
        file = self.directory / "dynamic-security.json"
        document = {
            "defaultACLAccess": {
                "publishClientSend": False,
                "publishClientReceive": False,
                "subscribe": False,
                "unsubscribe": True,
            },
            "clients": [gateway],
            "groups": [],
            "roles": [{"rolename": "gateway", "acls": acls}],
        }
        file.write_text(json.dumps(document), encoding="utf-8")
        file.chmod(0o600)
        return file


@contextmanager
def mosquitto(
    directory: Path, *, provisioning: Literal["files", "dynsec"] = "files", tls: bool = False, extra: str = ""
) -> Iterator[Mosquitto]:
    """Run a broker that keeps what it holds in ``directory``, for as long as the block does."""
    broker = Mosquitto(directory, provisioning, tls, extra)
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
