"""What the local twin is given and shows."""

from datetime import datetime

from pydantic import BaseModel, Field

_SECRET = "_secret_local"  # noqa: S105 - what the twin's secrets end in; they open nothing


class _AtTheTwin(BaseModel):
    client_secret: str = Field(max_length=200, pattern=rf"^[a-z0-9_]+{_SECRET}$", description="as the app was given it")

    @property
    def ref(self) -> str:
        """Return the twin's reference of what it is the secret of."""
        return self.client_secret.removesuffix(_SECRET)


class CardEntered(_AtTheTwin):
    """A made-up card: 4242 is good, 0002 is declined, 3220 asks its holder for proof."""

    last4: str = Field(pattern="^[0-9]{4}$")


class ProofGiven(_AtTheTwin):
    """Whether the payer proves who they are."""

    succeeds: bool = True


class TwinPayment(BaseModel):
    """A payment the twin took, or holds: amounts in minor units, and nothing of whose it is."""

    at: datetime
    status: str = Field(description="as Stripe's")
    last4: str | None
    currency: str
    amount: int
    received: int
    refunded: int


class TwinPayments(BaseModel):
    """The newest payments."""

    items: list[TwinPayment]
