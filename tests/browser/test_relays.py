"""A real relay takes our credentials, while they are good and from nobody else."""

import asyncio
import uuid
from datetime import timedelta

from app.core import clock
from telemedicine.consultations.service.ice import turn_credentials
from tests.browser.relays import SECRET, Relay


async def is_taken(relay: Relay, name: str, password: str) -> bool:
    """Say whether a client of the relay's own makers can send something through it."""
    process = await asyncio.create_subprocess_exec(
        "turnutils_uclient", "-y", "-c", "-n", "1", "-m", "1", "-u", name, "-w", password, "-p", str(relay.port),
        "127.0.0.1", stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    return await process.wait() == 0


async def test_credentials_open_a_relay_until_they_end(turn: Relay) -> None:
    user, soon, past = uuid.UUID(int=7), clock.now() + timedelta(minutes=5), clock.now() - timedelta(minutes=5)
    assert await is_taken(turn, *turn_credentials(SECRET, user, soon))
    assert not await is_taken(turn, *turn_credentials(SECRET, user, past))
    assert not await is_taken(turn, *turn_credentials("another secret", user, soon))
    name, password = turn_credentials(SECRET, user, past)
    prolonged = f"{int(soon.timestamp())}:{user}"
    assert not await is_taken(turn, prolonged, password)
    assert name != prolonged
