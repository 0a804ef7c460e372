"""How the broker that homes speak through is reached."""

from pathlib import Path
from typing import Final, Literal
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, Field, PositiveInt, SecretStr, field_validator

_PORTS: Final = {"mqtt": 1883, "mqtts": 8883}


class MqttSettings(BaseModel):
    """The city's MQTT broker. Without a URL there are no smart homes, but for the demo's on an embedded broker."""

    url: SecretStr | None = Field(default=None, description="mqtt:// or mqtts://, with or without user:password@")
    public_url: str | None = Field(
        default=None, description="mqtts://host:port as homes reach it, where that is not how the gateway does"
    )
    username: str | None = None
    password: SecretStr | None = None
    ca_file: Path | None = Field(default=None, description="certificates to trust instead of the system's")
    client_id: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9_-]{1,64}$",
        description="that gateways' names at the broker begin with; one of the installation's own unless set",
    )
    protocol: Literal["5", "3.1.1"] = "5"
    shared_group: str = Field(
        default="",
        pattern=r"^[A-Za-z0-9_-]{0,64}$",
        description="gateways of one group share the messages; without one a single gateway hears, the others stand by",
    )
    session_minutes: int = Field(
        default=24 * 60, ge=1, le=7 * 24 * 60, description="that the broker keeps messages for a gateway that is away"
    )
    provisioning: Literal["none", "files", "dynsec"] = Field(
        default="none", description="how homes get their way in: files for Mosquitto, or its dynamic security"
    )
    files_directory: Path | None = Field(default=None, description="where the files for Mosquitto are written")
    batch: PositiveInt = Field(default=5_000, le=20_000, description="messages stored in one transaction at most")
    batch_milliseconds: int = Field(default=200, ge=1, le=5_000, description="that a message waits for others at most")
    queue: PositiveInt = Field(default=50_000, description="messages held in memory at most")
    metrics_port: PositiveInt | None = Field(default=None, description="where a gateway shows its metrics")
    embedded_port: int = Field(default=1884, ge=1, le=65535, description="of the demo's own broker, on loopback")

    @field_validator("url")
    @classmethod
    def _is_a_broker(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None:
            _require_broker(url.get_secret_value())
        return url

    @field_validator("public_url")
    @classmethod
    def _is_nobodys_own(cls, url: str | None) -> str | None:
        if url is not None:
            _require_broker(url)
            if "@" in url:
                raise ValueError("is shown to everybody with a home: it has neither user nor password")
        return url

    def missing(self) -> list[str]:
        """Return the variables without which the others are of no use."""
        required: dict[str, object] = {}
        if self.provisioning != "none":
            required["HEARTHLINE_MQTT_URL"] = self.url
            required["HEARTHLINE_MQTT_USERNAME"] = self.login()[0]
        if self.provisioning == "files":
            required["HEARTHLINE_MQTT_FILES_DIRECTORY"] = self.files_directory
        return [name for name, value in required.items() if not value]

    def sends_password_openly(self) -> bool:
        """Say whether a password, ours or a home's, would leave this machine unencrypted."""
        ours = self.url.get_secret_value() if self.url is not None and self.login()[1] is not None else None
        return any(url is not None and _is_open(url) for url in (ours, self.public_url))

    def address(self) -> tuple[str, int, bool]:
        """Return the broker's host and port, and whether it speaks TLS; the embedded one's without a URL."""
        return _address(self.url.get_secret_value()) if self.url else ("127.0.0.1", self.embedded_port, False)

    def public_address(self) -> tuple[str, int, bool]:
        """Return the same as homes reach it."""
        return _address(self.public_url) if self.public_url else self.address()

    def login(self) -> tuple[str | None, str | None]:
        """Return the user's name and password, those of the URL unless they are set by themselves."""
        parts = urlsplit(self.url.get_secret_value() if self.url else "")
        password = self.password.get_secret_value() if self.password else _plain(parts.password)
        return self.username or _plain(parts.username), password


def _plain(part: str | None) -> str | None:
    return unquote(part) if part else None


def _require_broker(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname or parts.path not in ("", "/") or parts.query:
        raise ValueError("is not like mqtts://broker.example.org:8883")


def _is_open(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "mqtt" and parts.hostname not in ("127.0.0.1", "localhost", "::1")


def _address(url: str) -> tuple[str, int, bool]:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or _PORTS[parts.scheme], parts.scheme == "mqtts"
