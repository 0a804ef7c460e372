"""The broker lets in the hubs of homes that may enter, and no others, whatever goes wrong on the way."""

from datetime import timedelta
from pathlib import Path

import aiomqtt
import pytest

from app.core.clock import ManualClock
from app.core.settings import settings
from community.homes.service.provisioning import provision
from tests.broker.scenes import hub, settings_for
from tests.community.homes.test_homes import Flat, flat, row_of
from tests.emulators.mosquitto import GATEWAY, GATEWAY_SECRET, Mosquitto, mosquitto

__all__ = ["flat"]


def speak_to(broker: Mosquitto, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a broker the one that is told of homes."""
    for name, value in settings_for(broker, provisioning="dynsec"):
        monkeypatch.setattr(settings().mqtt, name, value)


async def enters(broker: Mosquitto, key: str, secret: str) -> bool:
    """Say whether a hub is let in."""
    try:
        async with hub(broker, key, secret):
            return True
    except aiomqtt.MqttError:
        return False


async def test_a_hub_enters_with_its_newest_secret_until_its_home_is_closed(
    flat: Flat, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = await flat.agreed()
    path = f"/homes/{home['id']}/credentials"
    with mosquitto(tmp_path, provisioning="dynsec") as broker:
        speak_to(broker, monkeypatch)
        made = await flat.ask("POST", path, by=flat.by_grace, expect=201)
        assert not await enters(broker, made["username"], made["secret"])
        assert await provision() == 1
        assert await enters(broker, made["username"], made["secret"])
        anew = await flat.ask("POST", f"{path}/rotation", by=flat.by_grace, expect=201)
        assert await provision() == 1
        assert not await enters(broker, made["username"], made["secret"])
        assert await enters(broker, made["username"], anew["secret"])
        await flat.ask("POST", f"/homes/{home['id']}/closing", by=flat.by_grace)
        assert await provision() == 1
        assert not await enters(broker, made["username"], anew["secret"])
    assert (await row_of(home)).provisioned_at is None


async def test_a_broker_that_is_away_is_told_later(
    flat: Flat, clock: ManualClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = await flat.agreed()
    with mosquitto(tmp_path, provisioning="dynsec") as broker:
        speak_to(broker, monkeypatch)
        made = await flat.ask("POST", f"/homes/{home['id']}/credentials", by=flat.by_grace, expect=201)
        broker.stop()
        assert await provision() == 0
        row = await row_of(home)
        assert (row.provision_tries, row.secret is not None, row.provisioned_at) == (1, True, None)
        assert await provision() == 0  # not before its time
        broker.start()
        clock.advance(timedelta(minutes=1))
        assert await provision() == 1
        assert await enters(broker, made["username"], made["secret"])
    row = await row_of(home)
    assert (row.provision_at, row.provision_tries, row.secret) == (None, 0, None)


async def test_who_is_erased_leaves_nothing_at_the_broker_and_their_hub_is_locked_out(
    flat: Flat, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = await flat.agreed()
    with mosquitto(tmp_path, provisioning="dynsec") as broker:
        speak_to(broker, monkeypatch)
        made = await flat.ask("POST", f"/homes/{home['id']}/credentials", by=flat.by_grace, expect=201)
        assert await provision() == 1
        async with hub(broker, made["username"], made["secret"]) as speaking:
            for topic in ("homeassistant/light/lamp/config", "zigbee2mqtt/lamp"):
                await speaking.publish(f"homes/{made['username']}/{topic}", b"on", qos=1, retain=True)
        await flat.ask("DELETE", "/me", by=flat.by_grace, expect=204)
        assert await provision() == 1
        assert not await enters(broker, made["username"], made["secret"])
        async with hub(broker, GATEWAY, GATEWAY_SECRET) as hearing:
            await hearing.subscribe("homes/#")
            await hearing.publish("homes/marker", b"after all that was kept")
            first = await anext(aiter(hearing.messages))
        assert str(first.topic) == "homes/marker"
    row = await row_of(home)
    assert (row.state, row.name, row.provision_at, row.provisioned_at) == ("closed", "", None, None)
