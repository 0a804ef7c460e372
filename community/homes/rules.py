"""What is decided of connected homes: their keys, who must agree, and what is typed into a hub."""

import base64
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

MOST_HOMES: Final = 3
"""Connected homes of one resident: a flat, a garden, and a hub that is being replaced."""

Agreement = Literal["active", "waiting"]
_ALPHABET: Final = "abcdefghijklmnopqrstuvwxyz234567"
FIRST_TRY: Final = timedelta(seconds=30)
"""How long it takes at most to tell the broker of a home."""
_LONGEST: Final = timedelta(minutes=30)


def new_key() -> str:
    """Return a home's key: 16 characters, 80 bits, that nobody guesses and anybody can type."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(16))


def new_secret() -> str:
    """Return a hub's secret: 32 random bytes, base64url."""
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).rstrip(b"=").decode()


def state_of(agreed: Sequence[bool]) -> Agreement:
    """Return whether a home collects anything: only when all agreed who live there.

    What a sensor notices in a shared flat is about everybody in it, so no one's agreement stands for another's.
    """
    return "active" if agreed and all(agreed) else "waiting"


def retry_after(tries: int) -> timedelta:
    """Return how long it takes until the broker is told again, after so many tries."""
    return min(FIRST_TRY * (1 << min(tries, 10)), _LONGEST)


def tell_at(now: datetime, pending: datetime | None) -> datetime:
    """Return when the broker is told of a change at ``now``, where something else may be ``pending``.

    Somebody may be telling it of what was so before: they must not be the last to do so.
    """
    return max(now, min(pending or now, now + FIRST_TRY))


@dataclass(frozen=True, slots=True)
class Broker:
    """Where the city's broker is."""

    host: str
    port: int
    is_encrypted: bool


def bridge_snippet(broker: Broker, key: str) -> str:
    """Return what goes into the configuration of a home's own Mosquitto (mosquitto.conf(5), "Configuring Bridges").

    Both directions at QoS 1 in a session that survives a broken line. ``notifications false``: the bridge would write
    its own state to a topic outside the home. ``try_private``, the default, keeps what came from returning.
    """
    lines = [
        "connection hearthline",
        f"address {broker.host}:{broker.port}",
        "bridge_protocol_version mqttv311",
        f"remote_clientid {key}",
        f"remote_username {key}",
        "remote_password PUT-THE-SECRET-HERE",
        "cleansession false",
        "notifications false",
        "try_private true",
        "keepalive_interval 60",
        "restart_timeout 5 300",
        f'topic # both 1 "" homes/{key}/',
    ]
    if broker.is_encrypted:
        lines.insert(2, "bridge_capath /etc/ssl/certs")
    return "\n".join(lines) + "\n"


def zigbee2mqtt_snippet(broker: Broker, key: str, discovery_prefix: str) -> str:
    """Return the part of zigbee2mqtt's ``configuration.yaml`` with which it speaks to the city's broker itself."""
    scheme = "mqtts" if broker.is_encrypted else "mqtt"
    return (
        "mqtt:\n"
        f"  base_topic: homes/{key}/zigbee2mqtt\n"
        f"  server: {scheme}://{broker.host}:{broker.port}\n"
        f"  user: {key}\n"
        "  password: PUT-THE-SECRET-HERE\n"
        "homeassistant:\n"
        "  enabled: true\n"
        f"  discovery_topic: homes/{key}/{discovery_prefix}\n"
        f"  status_topic: homes/{key}/{discovery_prefix}/status\n"
    )


def esphome_snippet(broker: Broker, key: str, discovery_prefix: str) -> str:
    """Return the part of an ESPHome device's configuration with which it speaks to the city's broker itself."""
    encrypted = "  certificate_authority: !secret mqtt_ca\n" if broker.is_encrypted else ""
    return (
        "mqtt:\n"
        f"  broker: {broker.host}\n"
        f"  port: {broker.port}\n"
        f"  username: {key}\n"
        "  password: PUT-THE-SECRET-HERE\n"
        f"{encrypted}"
        f"  topic_prefix: homes/{key}/${{name}}\n"
        f"  discovery_prefix: homes/{key}/{discovery_prefix}\n"
    )


def home_assistant_snippet(key: str, discovery_prefix: str) -> str:
    """Return what is set in Home Assistant's MQTT integration where it speaks to the city's broker itself."""
    return (
        f"Discovery prefix: homes/{key}/{discovery_prefix}\n"
        f"Birth message topic: homes/{key}/{discovery_prefix}/status\n"
        f"Will message topic: homes/{key}/{discovery_prefix}/status\n"
    )
