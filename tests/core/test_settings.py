"""Settings: what a chosen provider lacks, or what is unsafe, is named before anything starts."""

from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from app.core import vapid
from app.core.mqtt_settings import MqttSettings
from app.core.settings import Settings, UnknownSettingError, require_known

PRIVATE, _ = vapid.make_pair()
WEB_PUSH: dict[str, Any] = {"private_key": PRIVATE, "subject": "mailto:ops@example.org"}
SMTP: dict[str, Any] = {"host": "mail.example.org", "sender": "Hearthline <no-reply@example.org>"}
PRODUCTION: dict[str, Any] = {
    "environment": "production",
    "database": {"url": "postgresql+asyncpg://db/hearthline"},
    "keys": {"sealing": {"a": "k"}, "active": "a", "blind_index": "k", "cursor": "k", "signing": "k"},
}


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"push": {"providers": ["fcm"]}}, "HEARTHLINE_PUSH_FCM_PROJECT"),
        ({"push": {"providers": ["webpush"]}}, "HEARTHLINE_WEBPUSH_PRIVATE_KEY, HEARTHLINE_WEBPUSH_SUBJECT"),
        ({"webpush": WEB_PUSH | {"private_key": "short"}}, r"webpush\.private_key"),
        ({"webpush": WEB_PUSH | {"subject": "ops"}}, r"webpush\.subject"),
        ({"messages": {"mail": "smtp"}}, "HEARTHLINE_SMTP_HOST, HEARTHLINE_SMTP_SENDER"),
        ({"smtp": SMTP | {"sender": "Hearthline"}}, r"smtp\.sender"),
        ({"smtp": SMTP | {"security": "none", "password": "x"}}, "HEARTHLINE_SMTP_PASSWORD"),
        (PRODUCTION | {"webpush": {"allow_private": True}}, "HEARTHLINE_WEBPUSH_ALLOW_PRIVATE"),
        (
            PRODUCTION | {"stripe": {"secret_key": "sk"}},
            "HEARTHLINE_STRIPE_WEBHOOK_SECRETS, HEARTHLINE_STRIPE_CONNECT_WEBHOOK_SECRETS",
        ),
        (PRODUCTION | {"stripe": {"webhook_secrets": ["s"]}}, "HEARTHLINE_STRIPE_SECRET_KEY"),
        (PRODUCTION | {"stripe": {"api_base": "http://127.0.0.1:1"}}, "HEARTHLINE_STRIPE_API_BASE"),
        ({"mqtt": {"url": "http://broker"}}, r"mqtt\.url"),
        ({"mqtt": {"provisioning": "dynsec"}}, "HEARTHLINE_MQTT_URL, HEARTHLINE_MQTT_USERNAME"),
        ({"mqtt": {"url": "mqtt://a@broker", "provisioning": "files"}}, "HEARTHLINE_MQTT_FILES_DIRECTORY"),
        (PRODUCTION | {"mqtt": {"url": "mqtt://a:b@broker"}}, "HEARTHLINE_MQTT_URL"),
    ],
)
def test_what_is_missing_or_unsafe_is_named(given: dict[str, Any], named: str) -> None:
    with pytest.raises(ValidationError, match=named):
        Settings(**given)


def test_complete_providers_are_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEARTHLINE_PUSH_PROVIDERS", '["fcm","webpush"]')
    monkeypatch.setenv("HEARTHLINE_PUSH_FCM_PROJECT", "lakeside")
    monkeypatch.setenv("HEARTHLINE_WEBPUSH_PRIVATE_KEY", PRIVATE)
    settings = Settings(**PRODUCTION | {"webpush": WEB_PUSH, "smtp": SMTP, "messages": {"mail": "smtp"}})
    assert settings.push.providers == ("fcm", "webpush")
    assert settings.smtp.security == "starttls"


def test_the_broker_s_address_and_login_are_taken_from_its_url_unless_they_are_set() -> None:
    of_url = MqttSettings(url=SecretStr("mqtts://city:a%40b@broker.example.org"))
    assert of_url.address() == ("broker.example.org", 8883, True)
    assert of_url.login() == ("city", "a@b")
    assert of_url.model_copy(update={"password": SecretStr("c")}).login() == ("city", "c")
    assert MqttSettings(url=SecretStr("mqtt://[::1]:99")).address() == ("::1", 99, False)


def test_homes_are_told_of_the_broker_s_public_address_if_it_has_one() -> None:
    inside = MqttSettings(url=SecretStr("mqtt://city:pw@127.0.0.1"))
    assert inside.public_address() == ("127.0.0.1", 1883, False)
    outside = MqttSettings(url=inside.url, public_url="mqtts://homes.example.org")
    assert (outside.address(), outside.public_address()) == (inside.address(), ("homes.example.org", 8883, True))
    assert not outside.sends_password_openly()


@pytest.mark.parametrize(
    "url", ["https://homes.example.org", "mqtts://a:b@homes.example.org", "mqtts://", "mqtts://h/x"]
)
def test_what_is_no_public_address_of_a_broker_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="public_url"):
        MqttSettings(public_url=url)


def test_homes_are_not_told_to_send_their_passwords_openly() -> None:
    assert MqttSettings(public_url="mqtt://homes.example.org").sends_password_openly()
    with pytest.raises(ValueError, match="HEARTHLINE_MQTT_URL and _PUBLIC_URL"):
        Settings(
            **PRODUCTION
            | {"webpush": WEB_PUSH, "smtp": SMTP, "messages": {"mail": "smtp"}}
            | {"mqtt": {"public_url": "mqtt://homes.example.org"}}
        )


def test_a_misspelt_setting_is_not_passed_over() -> None:
    with pytest.raises(UnknownSettingError, match=r"HEARTHLINE_PUSH_PROVIDER .did you mean HEARTHLINE_PUSH_PROVIDERS"):
        require_known(["PATH", "HEARTHLINE_ENVIRONMENT", "HEARTHLINE_PUSH_PROVIDER"])


def test_every_setting_is_known() -> None:
    require_known(["HEARTHLINE_DATABASE_URL", "HEARTHLINE_WORKER_LEASE_SECONDS", "HEARTHLINE_KEYS", "HOME"])
