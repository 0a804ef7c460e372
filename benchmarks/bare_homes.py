"""What homes say, stored by the least there is: aiomqtt's loop and a COPY per batch, into a table without an index.

It knows no home, no device and no state; it confirms a message as it comes, before it is stored.
"""

import time
from datetime import UTC, datetime

import aiomqtt
import asyncpg

from tests.emulators.mosquitto import GATEWAY, GATEWAY_SECRET, Mosquitto

TABLE = "CREATE TABLE IF NOT EXISTS bare_message (topic text, payload bytea, at timestamptz)"
BATCH = 5_000
BATCH_SECONDS = 0.2
IDENTIFIER = "bare"


def client(broker: Mosquitto, identifier: str = IDENTIFIER) -> aiomqtt.Client:
    """Return a client whose messages the broker keeps while it is away."""
    return aiomqtt.Client(
        "127.0.0.1",
        broker.port,
        username=GATEWAY,
        password=GATEWAY_SECRET,
        identifier=identifier,
        clean_session=False,
        protocol=aiomqtt.ProtocolVersion.V311,
    )


async def store(broker: Mosquitto, connection: asyncpg.Connection, count: int, qos: int) -> float:
    """Store ``count`` messages; return how many per second."""
    started = time.perf_counter()
    rows: list[tuple[str, bytes, datetime]] = []
    stored = 0
    async with client(broker) as listening:
        await listening.subscribe("homes/#", qos)
        since = time.monotonic()
        async for message in listening.messages:
            if not rows:
                since = time.monotonic()
            rows.append((str(message.topic), bytes(message.payload), datetime.now(UTC)))
            if len(rows) >= BATCH or stored + len(rows) >= count or time.monotonic() - since > BATCH_SECONDS:
                await connection.copy_records_to_table("bare_message", records=rows, columns=["topic", "payload", "at"])
                stored += len(rows)
                rows.clear()
                if stored >= count:
                    break
    return count / (time.perf_counter() - started)
