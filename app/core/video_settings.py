"""The settings of video visits: how people find their way to each other, and over which relay."""

from typing import Self

from pydantic import BaseModel, Field, SecretStr, model_validator


class VideoSettings(BaseModel):
    """How the people in a video visit find their way to each other: STUN, and a TURN relay that shares a secret."""

    stun_urls: tuple[str, ...] = Field(default=(), description='["stun:host:3478"], as JSON')
    turn_urls: tuple[str, ...] = Field(
        default=(), description='["turn:host:3478?transport=udp", "turns:host:5349"], as JSON'
    )
    turn_secret: SecretStr | None = Field(default=None, description="coturn's static-auth-secret")
    turn_minutes: int = Field(default=60, ge=5, le=1440, description="that credentials of the relay are good for")
    relay_only: bool = Field(default=False, description="nobody learns another's address: all goes over the relay")

    @model_validator(mode="after")
    def _relay_complete(self) -> Self:
        if self.turn_urls and self.turn_secret is None:
            raise ValueError("HEARTHLINE_VIDEO_TURN_URLS needs HEARTHLINE_VIDEO_TURN_SECRET")
        if self.relay_only and not self.turn_urls:
            raise ValueError("HEARTHLINE_VIDEO_RELAY_ONLY needs HEARTHLINE_VIDEO_TURN_URLS")
        return self
