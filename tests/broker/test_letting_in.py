"""Who may enter the broker: a home hears and says what is its own, and nothing of anybody else's."""

import asyncio
import contextlib
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import aiomqtt
import pytest

from app.broker import api
from app.core.settings import Settings, install_settings
from tests.broker.scenes import HOME, OTHER, OTHERS_SECRET, SECRET, gateway, hub, say, settings_for
from tests.emulators.mosquitto import Mosquitto, mosquitto

FOREIGN = (
    "#",
    "homes/#",
    "homes/+/zigbee2mqtt/door",
    f"homes/{HOME}/#",
    f"homes/{HOME}/zigbee2mqtt/door",
    "$share/hearthline/homes/#",
    f"$share/any/homes/{HOME}/#",
)


@pytest.fixture(params=["files", "dynsec"])
async def either(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Mosquitto]:
    """Run a Mosquitto that lets two homes in, by files or by dynamic security."""
    with mosquitto(tmp_path, provisioning=request.param) as running, speaking_to(running):
        for home, secret in ((HOME, SECRET), (OTHER, OTHERS_SECRET)):
            if request.param == "files":
                running.let_in(home, secret)
            else:
                await api.ensure_home(home, secret)
        yield running


class speaking_to:  # noqa: N801 - reads as a sentence
    """Make ``broker`` the one of the process's settings."""

    def __init__(self, broker: Mosquitto) -> None:
        self._settings = Settings(environment="test", mqtt=settings_for(broker))

    def __enter__(self) -> None:
        install_settings(self._settings)

    def __exit__(self, *_: object) -> None:
        install_settings(None)


async def heard(client: aiomqtt.Client) -> list[bytes]:
    """Return what came, up to what the client says to itself."""
    await client.publish(f"homes/{OTHER}/end", "end", 1)
    payloads: list[bytes] = []
    async with asyncio.timeout(20):
        async for message in client.messages:
            if message.payload == b"end":
                return payloads
            payloads.append(message.payload)
    raise AssertionError


@pytest.mark.parametrize("topic", FOREIGN)
async def test_a_home_hears_nothing_of_another(either: Mosquitto, topic: str) -> None:
    async with (
        gateway(either, shared_group="hearthline") as ours,
        hub(either) as home,
        hub(either, OTHER, OTHERS_SECRET) as thief,
    ):
        await thief.subscribe(f"homes/{OTHER}/end")
        with contextlib.suppress(aiomqtt.MqttError):
            await thief.subscribe(topic, 1)
        for number in range(6):
            await say(home, "zigbee2mqtt/door", str(number))
        assert await heard(thief) == []
        # Nor is anything withheld from us by a home that would share with us.
        await ours.keeper.until(lambda: len([m for m in ours.keeper.kept if HOME in m.topic]) == 6)


async def test_a_home_says_nothing_in_another_s_name(either: Mosquitto) -> None:
    async with gateway(either) as ours, hub(either, OTHER, OTHERS_SECRET) as liar:
        for topic in (f"homes/{HOME}/zigbee2mqtt/smoke", "homes/x", "$CONTROL/dynamic-security/v1", "elsewhere"):
            await liar.publish(topic, "lie", 1)
        await liar.publish(f"homes/{OTHER}/door", "true", 1)
        await ours.keeper.until(lambda: bool(ours.keeper.kept))
    assert ours.keeper.payloads() == [b"true"]


async def test_a_home_hears_what_is_said_to_it_alone(either: Mosquitto) -> None:
    async with gateway(either) as ours, hub(either) as home:
        await home.subscribe(f"homes/{HOME}/#", 1)
        await ours.connection.publish(f"homes/{OTHER}/lamp/set", b"no", qos=1)
        await ours.connection.publish(f"homes/{HOME}/lamp/set", b"on", qos=1)
        async with asyncio.timeout(20):
            message = await anext(aiter(home.messages))
    assert message.payload == b"on"


@pytest.mark.parametrize(("name", "secret"), [(HOME, "wrong"), ("nobody", SECRET), (None, None)])
async def test_nobody_enters_without_a_home_s_secret(either: Mosquitto, name: str | None, secret: str | None) -> None:
    with pytest.raises(aiomqtt.MqttError):
        async with hub(either, name, secret):  # type: ignore[arg-type]
            pass


async def test_a_home_can_be_given_another_secret_and_be_let_out(tmp_path: Path) -> None:
    with mosquitto(tmp_path, provisioning="dynsec") as broker, speaking_to(broker):
        await api.ensure_home(HOME, "old")
        await api.ensure_home(HOME, "old")
        async with hub(broker, HOME, "old"):
            pass
        await api.ensure_home(HOME, "new")
        with pytest.raises(aiomqtt.MqttError):
            async with hub(broker, HOME, "old"):
                pass
        await asyncio.to_thread(broker.restart)
        async with hub(broker, HOME, "new") as home:
            await api.remove_home(HOME)
            with pytest.raises(aiomqtt.MqttError):
                async with asyncio.timeout(20):
                    await anext(aiter(home.messages))
        await api.remove_home(HOME)
        with pytest.raises(aiomqtt.MqttError):
            async with hub(broker, HOME, "new"):
                pass


async def test_a_broker_that_is_away_or_has_no_such_plugin_is_told(tmp_path: Path) -> None:
    with mosquitto(tmp_path) as broker:
        pass
    with speaking_to(broker), pytest.raises(api.NotConnected):
        await api.ensure_home(HOME, SECRET)


def test_the_files_are_written_all_at_once_for_their_owner_alone(tmp_path: Path) -> None:
    directory = tmp_path / "broker"
    for lines in ([api.password_line(HOME, SECRET)], []):
        api.write_files(directory, "city", lines)
        assert {file.name for file in directory.iterdir()} == {"acl", "passwords"}
        assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in directory.iterdir())
    assert (directory / "passwords").read_text() == ""


@pytest.mark.parametrize("name", ["", "a:b", "a\nuser b", "+", "#", "a/b", "x" * 65])
def test_a_name_that_would_mean_something_else_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        api.password_line(name, SECRET)
    with pytest.raises(ValueError, match="name"):
        api.acl_text(name)
