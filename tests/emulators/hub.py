"""A home's hub at a real Mosquitto, and a gateway that hears it, within a test."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiomqtt

from app.broker import api as broker
from app.core.settings import install_settings, settings
from tests.broker.scenes import settings_for
from tests.emulators.mosquitto import Mosquitto

SECRET = "the home's own secret"


@asynccontextmanager
async def gateway(mosquitto: Mosquitto, consumer: broker.Consumer) -> AsyncIterator[None]:
    """Be a gateway at ``mosquitto`` for as long as the block lasts, connected when it begins."""
    previous = settings()
    install_settings(previous.model_copy(update={"mqtt": settings_for(mosquitto)}))
    stop, connected = asyncio.Event(), asyncio.Event()
    serving = asyncio.create_task(broker.serve(consumer, stop, connected.set))
    try:
        async with asyncio.timeout(60):
            await connected.wait()
        yield
    finally:
        stop.set()
        async with asyncio.timeout(60):
            await serving
        install_settings(previous)


@asynccontextmanager
async def hub(mosquitto: Mosquitto, key: str) -> AsyncIterator[aiomqtt.Client]:
    """Be the hub of the home ``key``, which was let in; it speaks MQTT 5, to see how long a message is good for."""
    async with aiomqtt.Client(
        "127.0.0.1", mosquitto.port, username=key, password=SECRET, protocol=aiomqtt.ProtocolVersion.V5
    ) as client:
        yield client


async def heard(client: aiomqtt.Client, count: int) -> list[aiomqtt.Message]:
    """Return the next ``count`` messages the hub is told."""
    found: list[aiomqtt.Message] = []
    async with asyncio.timeout(60):
        async for message in client.messages:
            found.append(message)
            if len(found) == count:
                break
    return found
