"""What the routes about phones take and answer."""

import uuid
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, Field, StringConstraints, model_validator

from app.identity.installations import rules

ClientId = Annotated[str, StringConstraints(min_length=8, max_length=128, pattern=r"^[A-Za-z0-9_.:-]+$")]


class WebPushKeys(BaseModel):
    """The keys a message to a browser is encrypted with (RFC 8291), as the browser writes them: base64url."""

    p256dh: Annotated[str, Field(max_length=128), AfterValidator(rules.check_p256dh)]
    auth: Annotated[str, Field(max_length=64), AfterValidator(rules.check_auth)]


class WebPushSubscription(BaseModel):
    """A subscription as ``PushSubscription.toJSON()`` gives it, made with the ``web_push_key`` of the app config."""

    endpoint: Annotated[str, Field(max_length=2048), AfterValidator(rules.check_endpoint)]
    keys: WebPushKeys


class InstallationRegister(BaseModel):
    """A phone or browser as it describes itself.

    Pushes go to its ``web_push`` subscription, or to its ``fid`` or ``token``. Without any of them it can use the app
    but gets no pushes.
    """

    platform: Literal["android", "ios", "web"]
    app_version: str = Field(min_length=1, max_length=32, examples=["2.4.1"])
    language: str = Field(min_length=2, max_length=35, description="BCP 47", examples=["zh-CN"])
    fid: ClientId | None = Field(default=None, description="Firebase installation id")
    token: str | None = Field(default=None, min_length=8, max_length=4096, description="older apps: registration token")
    web_push: WebPushSubscription | None = Field(default=None, description="browsers, and phones without Google")
    provider: str | None = Field(
        default=None, pattern=r"^[a-z0-9_]{2,32}$", description="the push service of the token, if it is not `fcm`"
    )

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.web_push is not None and (self.fid or self.token or self.provider not in (None, "webpush")):
            raise ValueError("give either a web_push subscription or a fid or token")
        return self

    @property
    def push_provider(self) -> str | None:
        """The push service that reaches it, ``None`` if there is none."""
        if self.web_push is not None:
            return "webpush"
        return (self.provider or "fcm") if self.fid or self.token else None


class InstallationPublic(BaseModel):
    """A registered phone."""

    id: uuid.UUID
    client_id: str
    platform: str
    provider: str | None
    app_version: str
    language: str
    last_seen_at: datetime


class DeviceCredentialPublic(BaseModel):
    """A paired phone that can raise an alarm. Its secret is never shown again."""

    id: uuid.UUID
    label: str | None
    created_at: datetime
    last_used_at: datetime | None
