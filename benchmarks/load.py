"""A load generator for HTTP/1.1 on loopback: many kept-alive connections, little work per request."""

import asyncio
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import cycle

import orjson
import uvloop


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a burst of requests came to: how many per second, the 50th and 99th percentile in ms, how many failed."""

    per_second: float
    p50: float
    p99: float
    failed: int


class _Connection(asyncio.Protocol):
    def __init__(
        self, requests: Iterator[bytes], durations: list[float], done: asyncio.Future[None], until: float
    ) -> None:
        self._requests, self._durations, self._done, self._until = requests, durations, done, until
        self._buffer = b""
        self.failed = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]  # a stream's is one
        self._send()

    def _send(self) -> None:
        self._started = time.perf_counter()
        request = next(self._requests, None)
        if request is None or self._started >= self._until:
            self._transport.close()
            return
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, body = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        lowered = head.lower()
        start = lowered.index(b"content-length: ") + 16
        end = lowered.find(b"\r\n", start)
        length = int(head[start : end if end > 0 else None])
        if len(body) < length:
            return
        self._durations.append(time.perf_counter() - self._started)
        self.failed += head[9:10] != b"2"
        self._buffer = b""
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        if not self._done.done():
            self._done.set_result(None)


async def _run(port: int, requests: Sequence[bytes], connections: int, seconds: float, *, once: bool) -> Outcome:
    loop = asyncio.get_running_loop()
    feed: Iterator[bytes] = iter(requests) if once else cycle(requests)
    durations: list[float] = []
    started = time.perf_counter()
    protocols, finished = [], []
    for _ in range(connections):
        done: asyncio.Future[None] = loop.create_future()
        finished.append(done)
        _, protocol = await loop.create_connection(
            partial(_Connection, feed, durations, done, started + seconds),
            "127.0.0.1",
            port,
        )
        protocols.append(protocol)
    await asyncio.gather(*finished)
    elapsed = time.perf_counter() - started
    durations.sort()
    count = len(durations)
    return Outcome(
        per_second=count / elapsed,
        p50=durations[count // 2] * 1000,
        p99=durations[min(count - 1, count * 99 // 100)] * 1000,
        failed=sum(protocol.failed for protocol in protocols),
    )


def request(method: str, path: str, headers: dict[str, str] | None = None, body: object | None = None) -> bytes:
    """Return the bytes of one request."""
    payload = b"" if body is None else orjson.dumps(body)
    lines = [f"{method} {path} HTTP/1.1", "host: 127.0.0.1", *(f"{k}: {v}" for k, v in (headers or {}).items())]
    if body is not None:
        lines.append("content-type: application/json")
    lines.append(f"content-length: {len(payload)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + payload


async def fire(
    port: int, requests: Sequence[bytes], *, connections: int = 32, seconds: float = 5.0, once: bool = False
) -> Outcome:
    """Send ``requests`` (over and over, or each once) for at most ``seconds`` from a process of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.load", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    order = {
        "port": port,
        "requests": [item.decode() for item in requests],
        "connections": connections,
        "seconds": seconds,
        "once": once,
    }
    answer, _ = await process.communicate(orjson.dumps(order))
    return Outcome(**orjson.loads(answer))


def main() -> None:
    """Read an order from standard input, fire, and print the outcome."""
    order = orjson.loads(sys.stdin.buffer.read())
    requests = [item.encode() for item in order["requests"]]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        outcome = runner.run(_run(order["port"], requests, order["connections"], order["seconds"], once=order["once"]))
    sys.stdout.buffer.write(orjson.dumps(outcome))


if __name__ == "__main__":
    main()
