"""What the operator's page shows works as it stands there."""

import re
from pathlib import Path
from typing import Final

from app.broker.rules import PACKET_BYTES
from app.core.mqtt_settings import MqttSettings
from tests.broker.scenes import HOME, SECRET, gateway, hub, say
from tests.emulators.mosquitto import Mosquitto, free_port
from tests.sinks.certificate import write_certificate

PAGE: Final = (Path(__file__).parents[2] / "docs" / "operations" / "broker.md").read_text(encoding="utf-8")


async def test_mosquitto_set_up_as_shown_keeps_what_a_home_says_while_no_gateway_is_there(tmp_path: Path) -> None:
    sample = re.findall(r"```conf\n(.*?)```", PAGE, re.DOTALL)[0]
    certificate = write_certificate(tmp_path)
    broker = Mosquitto(tmp_path, tls=True, port=free_port(), certificate=certificate)
    broker.let_in(HOME, SECRET)
    for shown, instead in (
        ("listener 8883", f"user root\nlistener {broker.port} 127.0.0.1"),
        ("/etc/mosquitto/certs/city.pem", str(certificate.file)),
        ("/etc/mosquitto/certs/city.key", str(certificate.key)),
        ("/etc/mosquitto/hearthline/", f"{tmp_path}/credentials/"),
        ("/var/lib/mosquitto/", f"{tmp_path}/"),
    ):
        assert shown in sample
        sample = sample.replace(shown, instead)
    assert f"max_packet_size {PACKET_BYTES}\n" in sample
    (tmp_path / "mosquitto.conf").write_text(sample, encoding="utf-8")
    broker.start()
    try:
        async with gateway(broker) as ours:
            await ours.leave()
        async with hub(broker) as home:
            # The second is confirmed, so the broker has read the first, too, before it is stopped.
            await say(home, "zigbee2mqtt/door", "closed", 0)
            await say(home, "zigbee2mqtt/door", "open", 1)
        broker.restart()
        async with gateway(broker) as back:
            await back.keeper.until(lambda: len(back.keeper.kept) == 2)
        assert back.keeper.payloads() == [b"closed", b"open"]
    finally:
        broker.stop()


def test_every_setting_is_explained() -> None:
    for name in MqttSettings.model_fields:
        assert f"_{name.upper()}`" in PAGE
