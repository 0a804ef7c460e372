"""What a broker keeps of homes that are closed goes: what their hubs told it to keep outlives them there otherwise."""

import asyncio
from collections.abc import Collection
from typing import Final

import aiomqtt

from app.broker.connection import passing_client
from app.broker.embedded import settings_for
from app.broker.messages import NotConnected
from app.core import clock
from app.core.settings import settings

_PATIENCE: Final = 10.0  # seconds for what is kept of one home
_MARK: Final = "hearthline/forgetting"


async def forget_kept(keys: Collection[str]) -> int:
    """Have the broker forget what it keeps (retains) of homes, by their keys; return how many messages that were.

    Raises ``NotConnected``. Once more does no harm.
    """
    count = 0
    try:
        async with passing_client(settings_for(settings())) as client:
            for key in keys:
                async with asyncio.timeout(_PATIENCE):
                    kept = await _kept(client, f"homes/{key}")
                    for topic in kept:
                        await client.publish(topic, b"", qos=1, retain=True)
                    count += len(kept)
    except (aiomqtt.MqttError, OSError, TimeoutError) as error:
        raise NotConnected from error
    return count


async def _kept(client: aiomqtt.Client, prefix: str) -> list[str]:
    """Return the topics below which something is kept: all of it is sent before what is said after subscribing."""
    mark, topics = str(clock.new_id()).encode(), []
    await client.subscribe(f"{prefix}/#", qos=0)
    await client.publish(f"{prefix}/{_MARK}", mark, qos=0)
    async for message in client.messages:
        if message.payload == mark:
            break
        if message.retain:
            topics.append(str(message.topic))
    await client.unsubscribe(f"{prefix}/#")
    return topics
