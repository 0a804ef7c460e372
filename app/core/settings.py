"""The settings of a process, read once from ``HEARTHLINE_*`` variables; what is unsafe in production never starts."""

import os
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Final, Literal, Self

from pydantic import BaseModel, Field, PositiveInt, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.core.bucket_settings import BucketSettings
from app.core.calendar_settings import CalendarSettings
from app.core.hub_settings import HubSettings
from app.core.insurer_settings import InsurerSettings
from app.core.mqtt_settings import MqttSettings
from app.core.privacy_settings import PrivacySettings
from app.core.sending_settings import (
    MessageSettings,
    PushSettings,
    SmtpSettings,
    TwilioSettings,
    WebPushSettings,
)
from app.core.smart_settings import SmartSettings
from app.core.stripe_settings import StripeSettings
from app.core.video_settings import VideoSettings

Environment = Literal["development", "test", "production"]


class DatabaseSettings(BaseModel):
    """PostgreSQL: without a URL the embedded server is started (never in production)."""

    url: SecretStr | None = None
    schema_name: str = Field(default="public", pattern=r"^[a-z_][a-z0-9_]{0,62}$")
    writing_pool: PositiveInt = 8
    reading_pool: PositiveInt = 8
    pool_timeout: float = Field(
        default=5.0, gt=0, description="seconds a request waits for a connection before it gets a 503"
    )
    statement_timeout: float = Field(default=30.0, gt=0, description="seconds after which PostgreSQL ends a statement")


class HttpSettings(BaseModel):
    """Where the API listens and under which address the world reaches it."""

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    processes: PositiveInt = 1
    public_url: str = "http://127.0.0.1:8000"
    max_body: PositiveInt = Field(default=1_048_576, description="bytes; uploads have a limit of their own")
    body_seconds: float = Field(default=20.0, gt=0, description="that a body may take to arrive")
    trusted_proxies: tuple[str, ...] = ()
    shutdown_grace: float = Field(default=20.0, gt=0, description="seconds in-flight requests get to finish")


class KeySettings(BaseModel):
    """Keys that seal, sign and look up; each 32 bytes in base64. Development makes its own in the data directory."""

    sealing: dict[str, SecretStr] = Field(
        default_factory=dict, description="key id → key, as JSON; old ids stay for reading"
    )
    active: str | None = Field(default=None, description="the id of the sealing key that new values are sealed with")
    blind_index: SecretStr | None = None
    cursor: SecretStr | None = None
    signing: SecretStr | None = Field(default=None, description="seed of the Ed25519 key that signs access tokens")
    signing_previous: tuple[str, ...] = Field(
        default=(), description="public keys (base64) of earlier signing keys, as JSON; keep each for 90 days"
    )


class SignInSettings(BaseModel):
    """Which ways of signing in exist, and how long what they give lasts."""

    methods: tuple[Literal["local", "firebase", "oidc"], ...] = ("local",)
    issuer: str = "hearthline"
    access_token_minutes: PositiveInt = 15
    refresh_token_days: PositiveInt = 60
    code_minutes: PositiveInt = 10
    pairing_minutes: PositiveInt = 15
    passkey_host: str | None = Field(default=None, description="WebAuthn id; the public URL's host unless set")
    passkey_origins: tuple[str, ...] = Field(default=(), description="further origins of passkeys: apps, as JSON")
    firebase_project: str | None = None
    firebase_credentials: Path | None = Field(default=None, description="service account file")
    oidc_issuers: dict[str, str] = Field(default_factory=dict, description="issuer URL → audience, as JSON")
    oidc_secrets: dict[str, SecretStr] = Field(default_factory=dict, description="issuer URL → our secret, as JSON")
    oidc_names: dict[str, str] = Field(default_factory=dict, description="issuer URL → what people call it, as JSON")
    oidc_allow_loopback: bool = Field(default=False, description="accept issuers on http://127.0.0.1 (tests)")


class WebhookSettings(BaseModel):
    """Calls of organizations' endpoints."""

    allow_private: bool = Field(
        default=False, description="let endpoints be on http and in private networks, where receivers are neighbours"
    )
    timeout: float = Field(default=15.0, gt=0, le=30, description="seconds a call may take in all")
    concurrency: PositiveInt = Field(
        default=5, description="calls of one endpoint in the air at once, over all workers"
    )


class WorkerSettings(BaseModel):
    """The worker's pace and its watchdog."""

    batch: PositiveInt = 2_000
    lease_seconds: PositiveInt = Field(
        default=60, description="after which another worker takes up what one was sending, unless it renews that"
    )
    watchdog_url: str | None = Field(default=None, description="pinged only while the lag is within its limit")
    watchdog_seconds: PositiveInt = 30
    lag_limit_seconds: PositiveInt = 60


class TelemetrySettings(BaseModel):
    """Logs and traces."""

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["json", "console"] = "json"
    otlp_endpoint: str | None = None
    worker_metrics_host: str = "127.0.0.1"
    worker_metrics_port: PositiveInt | None = Field(
        default=None,
        description="where a worker shows its metrics; those of its urgent process are on the port after it",
    )


class RateLimitSettings(BaseModel):
    """Where request counts are kept: ``postgres`` is shared by all processes, ``memory`` is each process's own."""

    store: Literal["postgres", "memory"] = "postgres"


class MediaSettings(BucketSettings):
    """Uploads: where the files live and how large one may be."""

    directory: Path = Path(".hearthline/media")
    max_upload: PositiveInt = Field(default=20 * 1_048_576, description="bytes")
    max_pixels: PositiveInt = Field(default=50_000_000, description="of a picture")
    max_unfinished: PositiveInt = Field(default=20, description="uploads one person may have begun and not finished")
    max_kept: PositiveInt = Field(default=5 * 2**30, description="bytes of all uploads of one person together")
    unfinished_hours: PositiveInt = Field(default=24, description="after which an unfinished upload is removed")
    unused_days: PositiveInt = Field(
        default=7, description="after which a stored upload that belongs to nothing is removed"
    )
    link_seconds: PositiveInt = Field(default=300, description="that a link to a file is good for")
    # A phone sends in the background when it sees fit, which may be hours later; of other bytes than were declared
    # nothing is kept.
    upload_link_seconds: PositiveInt = Field(default=6 * 3600, description="that a link for sending a file is good for")


class SosSettings(BaseModel):
    """The numbers to phone when an SOS cannot be stored and the community's own are not known to the process."""

    desk_phone: str | None = None
    emergency_numbers: dict[str, str] = Field(default={"any": "112"}, description="what for → number, as JSON")


class LocationSettings(BaseModel):
    """How long it is kept where residents were."""

    keep_days: int = Field(default=7, ge=1, le=30)


class SignalSettings(BaseModel):
    """When things that by themselves call nobody belong together."""

    within_hours: int = Field(default=12, ge=1, le=72, description="of each other")


class DemoSettings(BaseModel):
    """The demo community and the outbox page; never in production."""

    enabled: bool = False


class Settings(BaseSettings):
    """All settings. A nested field is set as ``HEARTHLINE_<GROUP>_<FIELD>``, e.g. ``HEARTHLINE_DATABASE_URL``."""

    model_config = SettingsConfigDict(
        env_prefix="HEARTHLINE_", env_nested_delimiter="_", env_nested_max_split=1, extra="ignore", frozen=True
    )

    environment: Environment = "development"
    directory: Path = Field(default=Path(".hearthline"), description="what this installation keeps on disk")
    database: DatabaseSettings = DatabaseSettings()
    http: HttpSettings = HttpSettings()
    keys: KeySettings = KeySettings()
    signin: SignInSettings = SignInSettings()
    push: PushSettings = PushSettings()
    messages: MessageSettings = MessageSettings()
    twilio: TwilioSettings = TwilioSettings()
    smtp: SmtpSettings = SmtpSettings()
    webpush: WebPushSettings = WebPushSettings()
    webhooks: WebhookSettings = WebhookSettings()
    calendars: CalendarSettings = CalendarSettings()
    worker: WorkerSettings = WorkerSettings()
    telemetry: TelemetrySettings = TelemetrySettings()
    ratelimits: RateLimitSettings = RateLimitSettings()
    media: MediaSettings = MediaSettings()
    insurers: InsurerSettings = InsurerSettings()
    privacy: PrivacySettings = PrivacySettings()
    sos: SosSettings = SosSettings()
    location: LocationSettings = LocationSettings()
    signals: SignalSettings = SignalSettings()
    video: VideoSettings = VideoSettings()
    smart: SmartSettings = SmartSettings()
    stripe: StripeSettings = StripeSettings()
    mqtt: MqttSettings = MqttSettings()
    hubs: HubSettings = HubSettings()
    demo: DemoSettings = DemoSettings()

    @model_validator(mode="after")
    def _providers_complete(self) -> Self:
        required: dict[str, object] = {}
        if "fcm" in self.push.providers:
            required["HEARTHLINE_PUSH_FCM_PROJECT"] = self.push.fcm_project
        if "webpush" in self.push.providers:
            required["HEARTHLINE_WEBPUSH_PRIVATE_KEY"] = self.webpush.private_key
            required["HEARTHLINE_WEBPUSH_SUBJECT"] = self.webpush.subject
        if "twilio" in (self.messages.sms, self.messages.voice):
            required["HEARTHLINE_TWILIO_ACCOUNT_SID"] = self.twilio.account_sid
            required["HEARTHLINE_TWILIO_AUTH_TOKEN"] = self.twilio.auth_token
            if self.environment == "production" and not self.http.public_url.startswith("https://"):
                raise ValueError("HEARTHLINE_HTTP_PUBLIC_URL must begin with https://: the provider calls it back")
        if self.messages.sms == "twilio":
            sender = "HEARTHLINE_TWILIO_FROM_NUMBER or HEARTHLINE_TWILIO_MESSAGING_SERVICE"
            required[sender] = self.twilio.from_number or self.twilio.messaging_service
        if self.messages.voice == "twilio":
            required["HEARTHLINE_TWILIO_FROM_NUMBER"] = self.twilio.from_number
        if self.messages.mail == "smtp":
            required["HEARTHLINE_SMTP_HOST"] = self.smtp.host
            required["HEARTHLINE_SMTP_SENDER"] = self.smtp.sender
        missing = [name for name, value in required.items() if not value] + self.mqtt.missing()
        if missing:
            raise ValueError(f"the chosen providers need {', '.join(missing)}")
        if self.smtp.security == "none" and self.smtp.password is not None:
            raise ValueError("HEARTHLINE_SMTP_PASSWORD must not be sent unencrypted: set HEARTHLINE_SMTP_SECURITY")
        return self

    @model_validator(mode="after")
    def _safe_in_production(self) -> Self:
        if self.environment != "production":
            return self
        required = {
            "HEARTHLINE_DATABASE_URL": self.database.url,
            "HEARTHLINE_KEYS_SEALING": self.keys.sealing or None,
            "HEARTHLINE_KEYS_ACTIVE": self.keys.active,
            "HEARTHLINE_KEYS_BLIND_INDEX": self.keys.blind_index,
            "HEARTHLINE_KEYS_CURSOR": self.keys.cursor,
            "HEARTHLINE_KEYS_SIGNING": self.keys.signing,
        }
        missing = [name for name, value in required.items() if value is None] + self.stripe.missing()
        if missing:
            raise ValueError(f"production needs {', '.join(missing)}")
        if not self.stripe.api_base.startswith("https://"):
            raise ValueError("HEARTHLINE_STRIPE_API_BASE must begin with https:// in production")
        if self.demo.enabled:
            raise ValueError("HEARTHLINE_DEMO_ENABLED must not be set in production")
        if self.insurers.allow_http:
            raise ValueError("HEARTHLINE_INSURERS_ALLOW_HTTP must not be set in production")
        if self.webpush.allow_private:
            raise ValueError("HEARTHLINE_WEBPUSH_ALLOW_PRIVATE must not be set in production")
        if self.mqtt.sends_password_openly():
            raise ValueError("HEARTHLINE_MQTT_URL and _PUBLIC_URL must begin with mqtts://, or be on this machine")
        if self.media.s3_bucket and not self.media.s3_endpoint.startswith("https://"):
            raise ValueError("HEARTHLINE_MEDIA_S3_ENDPOINT must begin with https:// in production")
        return self


_installed: Settings | None = None


class UnknownSettingError(ValueError):
    """A variable that is called like a setting and is none: what it was to change would stay as it is, unnoticed."""


# What a developer points elsewhere; no settings of an installation.
_NOT_OURS: Final = frozenset({"HEARTHLINE_EMBEDDED_PROGRAMS"})


def _names() -> Iterator[str]:
    prefix = Settings.model_config.get("env_prefix", "")
    for group, field in Settings.model_fields.items():
        name = f"{prefix}{group}".upper()
        yield name
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from (f"{name}_{inner}".upper() for inner in field.annotation.model_fields)


def require_known(variables: Iterable[str]) -> None:
    """Raise ``UnknownSettingError`` naming the ``variables`` that begin like settings of ours and are none."""
    known = set(_names()) | _NOT_OURS
    unknown = sorted(name for name in variables if name.startswith("HEARTHLINE_") and name not in known)
    if unknown:
        likely = (get_close_matches(name, known, 1) for name in unknown)
        named = (
            f"{name} (did you mean {match[0]}?)" if match else name for name, match in zip(unknown, likely, strict=True)
        )
        raise UnknownSettingError(f"no such setting: {', '.join(named)}")


@cache
def _from_environment() -> Settings:
    require_known(os.environ)
    return Settings()


def settings() -> Settings:
    """Return the process's settings, read from the environment at first use.

    Raises ``pydantic.ValidationError`` naming each variable that is missing or wrong, and ``UnknownSettingError``.
    """
    return _installed or _from_environment()


def install_settings(replacement: Settings | None) -> None:
    """Put ``replacement`` in place of the environment's settings; ``None`` takes it back."""
    global _installed  # noqa: PLW0603 - one set of settings per process
    _installed = replacement
