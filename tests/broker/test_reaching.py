"""Reaching the broker: over TLS, with the right password, with what it speaks, and again after it was away."""

import asyncio
from datetime import timedelta
from pathlib import Path

import aiomqtt
import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from app.broker import api, embedded
from app.broker.connection import knock
from app.broker.messages import NotConnected
from app.core.database import Database
from app.core.mqtt_settings import MqttSettings
from app.core.settings import DemoSettings, Settings, install_settings
from tests.broker.scenes import HOME, SECRET, Gateway, Keeper, gateway, hub, say, settings_for
from tests.emulators.mosquitto import Mosquitto, free_port, mosquitto


# A certificate that paho refuses it leaves to the garbage collector, and the socket with it.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_homes_are_heard_over_tls(tmp_path: Path) -> None:
    with mosquitto(tmp_path, tls=True) as broker:
        broker.let_in(HOME, SECRET)
        async with gateway(broker) as ours, hub(broker) as home:
            await say(home, "x", b"y" * 100_000)
            await ours.keeper.until(lambda: bool(ours.keeper.kept))
        assert ours.keeper.payloads() == [b"y" * 100_000]
        assert await knock(settings_for(broker)) is None
        unknown = settings_for(broker, ca_file=None)
        assert await knock(unknown) == "cannot be reached (MqttError)"


async def test_a_wrong_password_is_told_and_tried_again(broker: Mosquitto) -> None:
    ours = Gateway(settings_for(broker, username="city", password=SecretStr("wrong")), Keeper(), "gateway-0")
    assert str(await knock(settings_for(broker, password=SecretStr("wrong")))).startswith("it refuses us")
    with capture_logs() as logs:
        ours.begin()
        async with asyncio.timeout(60):
            while not any(entry["event"] == "broker_refuses" for entry in logs):  # noqa: ASYNC110 - the log wakes nobody
                await asyncio.sleep(0.05)
        with pytest.raises(NotConnected):
            await ours.connection.publish(f"homes/{HOME}/x", b"", qos=0)
        broker.let_in("city", "wrong")
        await ours.connected()
        await ours.leave()
    assert "wrong" not in str(logs)


async def test_what_is_said_too_late_is_not_delivered(broker: Mosquitto) -> None:
    async with gateway(broker) as ours:
        session = {"identifier": "hub", "clean_session": False}
        known = {"username": HOME, "password": SECRET}
        async with aiomqtt.Client("127.0.0.1", broker.port, **session, **known) as home:  # type: ignore[arg-type]
            await home.subscribe(f"homes/{HOME}/#", 1)
        await ours.connection.publish(f"homes/{HOME}/old", b"", qos=1, expires_in=timedelta(seconds=1))
        await ours.connection.publish(f"homes/{HOME}/new", b"", qos=1, expires_in=timedelta(hours=1))
        await asyncio.sleep(2.1)  # the broker's own clock
        async with aiomqtt.Client("127.0.0.1", broker.port, **session, **known) as home:  # type: ignore[arg-type]
            async with asyncio.timeout(20):
                message = await anext(aiter(home.messages))
    assert str(message.topic).endswith("/new")


async def test_a_message_that_is_too_long_is_not_sent(broker: Mosquitto) -> None:
    async with gateway(broker) as ours:
        with pytest.raises(ValueError, match="1 MiB"):
            await ours.connection.publish(f"homes/{HOME}/x", b"x" * 1_048_577)


@pytest.fixture
def demo(tmp_path: Path) -> Settings:
    """Return the settings of a demo without a broker of its own."""
    return Settings(
        environment="development",
        directory=tmp_path,
        demo=DemoSettings(enabled=True),
        mqtt=MqttSettings(embedded_port=free_port()),
    )


async def test_the_demo_has_a_broker_of_its_own_that_keeps_homes_apart(demo: Settings, database: Database) -> None:
    install_settings(demo)
    stop, is_up = asyncio.Event(), asyncio.Event()
    running = asyncio.create_task(embedded.run(demo, stop))
    keeper = Keeper()
    serving = asyncio.create_task(api.serve(keeper, stop, is_up.set))
    try:
        async with asyncio.timeout(60):
            await is_up.wait()
        assert await api.knock(demo) is None
        port = demo.mqtt.embedded_port
        async with aiomqtt.Client("127.0.0.1", port, username=HOME, password="any") as home:
            await home.subscribe(f"homes/{HOME}/lamp/set", 1)
            await home.publish("homes/another/door", "lie", 1)
            await home.publish(f"homes/{HOME}/door", "open", 1)
            await keeper.until(lambda: bool(keeper.kept))
            await api.publisher().publish(f"homes/{HOME}/lamp/set", b"on", expires_in=timedelta(seconds=5))
            async with asyncio.timeout(20):
                assert (await anext(aiter(home.messages))).payload == b"on"
        api.write_files(embedded.directory(demo), embedded.GATEWAY, [api.password_line(HOME, SECRET)])
        for secret in ("any", ""):
            with pytest.raises(aiomqtt.MqttError):
                async with aiomqtt.Client("127.0.0.1", port, username=HOME, password=secret):
                    pass
        async with aiomqtt.Client("127.0.0.1", port, username=HOME, password=SECRET):
            pass
    finally:
        stop.set()
        await asyncio.gather(serving, running)
        install_settings(None)
    assert keeper.payloads() == [b"open", b"on"]  # this one knows no way not to tell us what we said


@pytest.mark.parametrize("environment", ["test", "production"])
def test_without_a_demo_or_in_production_no_broker_stands_in(environment: str, demo: Settings) -> None:
    without = demo.model_copy(update={"demo": DemoSettings(enabled=environment == "production")})
    assert not api.is_wanted(without.model_copy(update={"environment": environment}))
    assert api.is_wanted(demo)
