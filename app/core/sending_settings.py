"""The settings of how messages leave: pushes, mail, text messages and calls."""

import re
import ssl
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field, PositiveInt, SecretStr, field_validator


class PushSettings(BaseModel):
    """How pushes leave: each phone through the provider it registered with; ``local`` shows all on the outbox page."""

    providers: tuple[Literal["local", "fcm", "webpush"], ...] = Field(default=("local",), description="as JSON")
    fcm_project: str | None = None
    fcm_credentials: Path | None = Field(default=None, description="service account file")
    fcm_endpoint: str = "https://fcm.googleapis.com"
    fcm_token_endpoint: str | None = None
    fcm_timeout: float = Field(
        default=10.0, gt=0, description="seconds without a byte from FCM after which a try has failed"
    )
    fcm_per_minute: int = Field(default=600_000, ge=600, description="the project's quota, shared by all workers")


class WebPushSettings(BaseModel):
    """Web Push: the key that subscriptions are made for (``hearthline vapid-keys``), and whom push services may ask."""

    private_key: SecretStr | None = None
    subject: str | None = Field(default=None, pattern=r"^(mailto:\S+@\S+|https://\S+)$")
    timeout: float = Field(default=10.0, gt=0, description="seconds after which a try has failed")
    allow_private: bool = Field(default=False, description="accept subscriptions on private addresses (tests)")

    @field_validator("private_key")
    @classmethod
    def _is_a_key(cls, key: SecretStr | None) -> SecretStr | None:
        if key is not None and not re.fullmatch(r"[A-Za-z0-9_-]{43}=?", key.get_secret_value()):
            raise ValueError("is not 32 bytes in base64url: hearthline vapid-keys makes one")
        return key


class SmtpSettings(BaseModel):
    """The mail server mail is handed to."""

    host: str | None = None
    port: int | None = Field(default=None, ge=1, le=65535, description="587, 465 or 25 unless set, by security")
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: str | None = None
    password: SecretStr | None = None
    sender: str | None = Field(
        default=None, pattern=r"^([^<>\r\n]+ <[^<>\s@]+@[^<>\s@]+>|[^<>\s@]+@[^<>\s@]+)$", description="Name <address>"
    )
    ca_file: Path | None = Field(default=None, description="certificates to trust instead of the system's")
    timeout: float = Field(default=30.0, gt=0, description="seconds the server gets for an answer")
    connections: PositiveInt = Field(default=4, description="that one batch opens at most")
    app_link: str | None = Field(
        default=None, pattern=r"^https://\S+$", description="where a mail's one button leads; no button without it"
    )

    def tls_context(self) -> ssl.SSLContext | None:
        """Return what encrypts, if anything is to; raises ``ValueError`` if the certificates cannot be read."""
        if self.security == "none":
            return None
        try:
            return ssl.create_default_context(cafile=str(self.ca_file) if self.ca_file else None)
        except OSError as error:  # ssl.SSLError is one
            raise ValueError(f"HEARTHLINE_SMTP_CA_FILE cannot be read ({type(error).__name__})") from error


class MessageSettings(BaseModel):
    """How text messages, calls and mail leave: ``local`` shows them on the outbox page."""

    sms: Literal["local", "twilio"] = "local"
    mail: Literal["local", "smtp"] = "local"
    voice: Literal["local", "twilio"] = "local"


class TwilioSettings(BaseModel):
    """The account at Twilio, or at a provider that speaks its wire format, for text messages and calls."""

    account_sid: str | None = Field(default=None, pattern=r"^[A-Za-z0-9-]{1,64}$")
    auth_token: SecretStr | None = Field(default=None, description="also what the provider signs its callbacks with")
    from_number: str | None = Field(default=None, pattern=r"^\+[1-9]\d{5,14}$", description="E.164; calls need one")
    messaging_service: str | None = Field(default=None, description="sends text messages in place of the number")
    templates: dict[str, dict[str, str]] = Field(
        default_factory=dict,
        description="notice key → language → content sid, as JSON; without an entry the text itself is sent",
    )
    endpoint: str = "https://api.twilio.com"
    timeout: float = Field(default=10.0, gt=0, le=20, description="seconds without an answer: it may have been sent")
    ring_seconds: int = Field(default=45, ge=5, le=600)
    machine_detection: bool = Field(default=False, description="hang up on voicemail at once; delays the first word")
