"""``python -m benchmarks.homes_talk <port> <messages a second>``: homes that say something else all the time.

Each of the states of ``home_states`` in turn, as bytes that were put together before: whoever loads the machine should
take as little of it as possible, and imports nothing of ours. QoS 0, as hubs say their states unless told otherwise.
"""

import itertools
import os
import resource
import signal
import socket
import sys
import time
from typing import Any

HOMES = 500
EACH = 20  # entities
_AT_ONCE = 0.02  # seconds between two handfuls
_ROUNDS = 4  # after so many, it is all said anew


def key_of(home: int) -> str:
    """Return the key of the ``home``-th home."""
    return "a" + f"{home:015x}".translate(str.maketrans("0189", "ghij"))


def _text(text: str) -> bytes:
    return len(text.encode()).to_bytes(2, "big") + text.encode()


def _frame(kind: int, body: bytes) -> bytes:
    length, head = len(body), bytearray([kind])
    while True:
        length, low = divmod(length, 128)
        head.append(low | (128 if length else 0))
        if not length:
            return bytes(head) + body


def _said(number: int, entity: int, home: int) -> bytes:
    if entity % 2:
        topic, payload = f"zigbee2mqtt/e{entity}", f'{{"value": {20 + number}, "linkquality": {90 + number}}}'
    else:
        topic, payload = f"zigbee2mqtt/e{entity}/contact", "ON" if number % 2 else "OFF"
    return _frame(0x30, _text(f"homes/{key_of(home)}/{topic}") + payload.encode())


def main() -> None:
    """Talk until terminated, and say on standard error what was said and what it took."""
    port, rate = int(sys.argv[1]), int(sys.argv[2])
    frames = [
        _said(number, entity, home)
        for number in range(_ROUNDS)
        for entity in range(EACH)
        for home in range(1, HOMES + 1)
    ]
    with socket.create_connection(("127.0.0.1", port)) as line:
        # MQTT 3.1.1, a clean session, a user with a password, nothing to be kept alive.
        line.sendall(
            _frame(
                0x10,
                _text("MQTT")
                + b"\x04\xc2\0\0"
                + _text("homes")
                + _text(os.environ["HEARTHLINE_MQTT_USERNAME"])
                + _text(os.environ["HEARTHLINE_MQTT_PASSWORD"]),
            )
        )
        if line.recv(4) != b"\x20\x02\0\0":
            raise ConnectionRefusedError
        _talk(line, frames, rate)


def _talk(line: socket.socket, frames: list[bytes], rate: int) -> None:
    stopped: list[Any] = []
    signal.signal(signal.SIGTERM, lambda *_: stopped.append(True))
    each = round(rate * _AT_ONCE)
    endless = itertools.cycle(frames)
    said, started = 0, time.monotonic()
    busy = resource.getrusage(resource.RUSAGE_SELF)
    while not stopped:
        line.sendall(b"".join(itertools.islice(endless, each)))
        said += each
        time.sleep(max(0.0, started + said / rate - time.monotonic()))
    took, now = time.monotonic() - started, resource.getrusage(resource.RUSAGE_SELF)
    used = now.ru_utime + now.ru_stime - busy.ru_utime - busy.ru_stime
    sys.stderr.write(f"said {said / took:,.0f} messages/s, with {100 * used / took:.0f} % of a core\n")


if __name__ == "__main__":
    main()
