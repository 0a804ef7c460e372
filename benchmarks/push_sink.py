"""A Firebase Cloud Messaging on loopback that is faster than whoever sends to it: TLS, counts by collapse key."""

import asyncio
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import httpx
import orjson
import uvloop

from benchmarks import place
from tests.sinks.certificate import Certificate, write_certificate
from tests.sinks.fcm import PROJECT, write_account

_TOKEN = orjson.dumps({"access_token": "token", "expires_in": 3600, "token_type": "Bearer"})
_REFUSED = orjson.dumps({"error": {"code": 401, "status": "UNAUTHENTICATED"}})
_MESSAGES = f"POST /v1/projects/{PROJECT}/messages:send ".encode()
WATCHED = "watched"  # arrivals under keys that begin so are timed


class _Counts:
    """What arrived since it was last asked."""

    def __init__(self, kept: BinaryIO | None) -> None:
        self._kept = kept
        self.clear()

    def clear(self) -> None:
        self.keys: Counter[str] = Counter()
        self.arrivals: dict[str, float] = {}

    def take(self, body: bytes) -> bytes:
        key = orjson.loads(body)["message"]["android"]["collapse_key"]
        self.keys[key] += 1
        if key.startswith(WATCHED):
            self.arrivals.setdefault(key, time.monotonic())
        if self._kept is not None:
            self._kept.write(body + b"\n")
        return b'{"name":"projects/demo/messages/1"}'

    def told(self) -> bytes:
        if self._kept is not None:
            self._kept.flush()
        counts = {"taken": self.keys.total(), "distinct": len(self.keys), "arrivals": self.arrivals}
        return orjson.dumps(counts)


class _Connection(asyncio.Protocol):
    def __init__(self, counts: _Counts) -> None:
        self._counts = counts
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]  # a stream's is one

    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        while True:
            end = self._buffer.find(b"\r\n\r\n") + 4
            if end < 4:
                return
            head = self._buffer[:end].lower()
            at = head.find(b"content-length: ")
            length = int(head[at + 16 : head.index(b"\r", at)]) if at > 0 else 0
            if len(self._buffer) < end + length:
                return
            line, body = self._buffer[:end], self._buffer[end : end + length]
            self._buffer = self._buffer[end + length :]
            status, answer = self._answer(line, head, body)
            self._transport.write(
                b"HTTP/1.1 %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s"
                % (status, len(answer), answer)
            )

    def _answer(self, line: bytes, head: bytes, body: bytes) -> tuple[bytes, bytes]:
        if line.startswith(_MESSAGES):
            if b"authorization: bearer token" not in head:
                return b"401 Unauthorized", _REFUSED
            return b"200 OK", self._counts.take(body)
        if line.startswith(b"POST /token "):
            return b"200 OK", _TOKEN
        told = self._counts.told()
        if line.startswith(b"DELETE "):
            self._counts.clear()
        return b"200 OK", told


@dataclass(frozen=True, slots=True)
class Counted:
    """How many messages came, under how many collapse keys, and when those that are watched did (monotonic seconds)."""

    taken: int
    distinct: int
    arrivals: dict[str, float]


@dataclass(frozen=True, slots=True)
class Sink:
    """The running sink, and the settings that make it the provider of pushes."""

    url: str
    certificate: Certificate
    credentials: Path

    def environment(self) -> dict[str, str]:
        """Return the variables of a process that pushes to it and trusts it."""
        return {
            "HEARTHLINE_PUSH_PROVIDERS": '["fcm"]',
            "HEARTHLINE_PUSH_FCM_PROJECT": PROJECT,
            "HEARTHLINE_PUSH_FCM_CREDENTIALS": str(self.credentials),
            "HEARTHLINE_PUSH_FCM_ENDPOINT": self.url,
            "HEARTHLINE_PUSH_FCM_TOKEN_ENDPOINT": f"{self.url}/token",
            "SSL_CERT_FILE": str(self.certificate.file),
            "REQUESTS_CA_BUNDLE": str(self.certificate.file),
        }

    def counted(self, *, anew: bool = False) -> Counted:
        """Return what arrived; ``anew`` counts from zero afterwards."""
        context = httpx.create_ssl_context(verify=str(self.certificate.file))
        answer = httpx.request("DELETE" if anew else "GET", self.url, verify=context, timeout=60)
        return Counted(**answer.json())


@contextmanager
def push_sink(keep: Path | None = None) -> Iterator[Sink]:
    """Run the sink in a process of its own; ``keep`` is a file that gets the bodies, one a line."""
    place.DIRECTORY.mkdir(parents=True, exist_ok=True)
    certificate = write_certificate(place.DIRECTORY)
    command = [sys.executable, "-m", __name__, str(certificate.file), str(certificate.key)]
    process = subprocess.Popen([*command, *([str(keep)] if keep else [])], stdout=subprocess.PIPE)
    assert process.stdout
    try:
        url = f"https://127.0.0.1:{int(process.stdout.readline())}"
        yield Sink(url, certificate, write_account(place.DIRECTORY, f"{url}/token"))
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


async def _serve(certificate: Certificate, kept: BinaryIO | None) -> None:
    loop = asyncio.get_running_loop()
    counts = _Counts(kept)
    server = await loop.create_server(
        lambda: _Connection(counts), "127.0.0.1", 0, ssl=certificate.serving(), backlog=1024
    )
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


def main() -> None:
    """Serve with the certificate and key of the command line until terminated; a third file gets the bodies."""
    certificate = Certificate(Path(sys.argv[1]), Path(sys.argv[2]))
    kept = Path(sys.argv[3]).open("wb") if len(sys.argv) > 3 else None  # noqa: SIM115 - until the end of the process
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(certificate, kept))


if __name__ == "__main__":
    main()
