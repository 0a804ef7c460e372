"""The settings of what the register of transfers says."""

from pydantic import BaseModel, Field


class PrivacySettings(BaseModel):
    """What the register of transfers cannot know by itself: where providers are, and what makes a transfer lawful."""

    country: str | None = Field(
        default=None, pattern=r"^[A-Z]{2}$", description="ISO 3166-1: where the data is at home"
    )
    countries: dict[str, str] = Field(
        default_factory=dict,
        description="fcm, webpush, twilio, smtp, stripe, webhooks or an insurer's key → its country, as JSON",
    )
    safeguards: dict[str, str] = Field(
        default_factory=dict,
        description="the same → what a transfer there rests on (GDPR Art. 46, PIPL Art. 38), as JSON",
    )
