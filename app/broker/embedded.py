"""The demo's own broker: amqtt on loopback, for made-up homes and whoever wants to try a hub of their own with them.

It keeps nothing over a restart and speaks MQTT 3.1.1 only. Production has a real one.
"""

import asyncio
import hashlib
import hmac
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from app.broker.credentials import PASSWORDS_FILE
from app.core.keys import keys
from app.core.mqtt_settings import MqttSettings
from app.core.settings import Settings

GATEWAY: Final = "hearthline"
HOST: Final = "127.0.0.1"


def is_wanted(current: Settings) -> bool:
    """Say whether the demo's broker stands in for one: there is no other, and nobody's real home is at stake."""
    return current.mqtt.url is None and current.demo.enabled and current.environment != "production"


def settings_for(current: Settings) -> MqttSettings:
    """Return how a gateway reaches the broker: what is set, or the demo's own one."""
    if not is_wanted(current):
        return current.mqtt
    found = {
        "url": SecretStr(f"mqtt://{HOST}:{current.mqtt.embedded_port}"),
        "username": GATEWAY,
        "password": SecretStr(_gateway_secret()),
        "protocol": "3.1.1",
        "shared_group": "",
    }
    return current.mqtt.model_copy(update=found)


async def run(current: Settings, stop: asyncio.Event) -> None:
    """Be the demo's broker until ``stop``. Raises ``OSError`` if its port is not to be had."""
    from amqtt.broker import Broker  # noqa: PLC0415 - slow to load, and of the demo alone

    doors = "app.broker.embedded_doors"
    broker = Broker(
        {
            "listeners": {"default": {"type": "tcp", "bind": f"{HOST}:{current.mqtt.embedded_port}"}},
            "plugins": {
                f"{doors}.Doorkeeper": {
                    "gateway_secret": _gateway_secret(),
                    "passwords": str(directory(current) / PASSWORDS_FILE),
                },
                f"{doors}.OwnHomeOnly": {},
            },
        }
    )
    await broker.start()
    try:
        await stop.wait()
    finally:
        await broker.shutdown()


def directory(current: Settings) -> Path:
    """Return where the demo's broker looks for the homes' passwords; without the file every home is let in."""
    return current.mqtt.files_directory or current.directory / "broker"


def _gateway_secret() -> str:
    return hmac.new(keys().blind_index, b"the demo's broker", hashlib.sha256).hexdigest()
