"""How Stripe is reached, which moves money on cards."""

from pydantic import BaseModel, Field, SecretStr


class StripeSettings(BaseModel):
    """The platform's account at Stripe. Without a key a local twin takes card payments; in production, nobody."""

    secret_key: SecretStr | None = Field(default=None, description="a restricted key will do: docs/providers.md")
    webhook_secrets: tuple[SecretStr, ...] = Field(
        default=(), description="that the platform's events are signed with, as JSON; several while they are rotated"
    )
    connect_webhook_secrets: tuple[SecretStr, ...] = Field(
        default=(), description="that the events of organizations' accounts are signed with, as JSON"
    )
    api_base: str = Field(default="https://api.stripe.com", pattern=r"^https?://[^\s/]+$")
    timeout: float = Field(default=20.0, gt=0, le=60, description="seconds without an answer: it may have been done")

    def missing(self) -> list[str]:
        """Return the variables without which the others are of no use."""
        required = {
            "HEARTHLINE_STRIPE_SECRET_KEY": self.secret_key,
            "HEARTHLINE_STRIPE_WEBHOOK_SECRETS": self.webhook_secrets,
            "HEARTHLINE_STRIPE_CONNECT_WEBHOOK_SECRETS": self.connect_webhook_secrets,
        }
        missing = [name for name, value in required.items() if not value]
        return [] if len(missing) == len(required) else missing
