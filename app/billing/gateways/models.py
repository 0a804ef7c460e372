"""What the local twin of a gateway keeps."""

from typing import Any, ClassVar, Final

import sqlalchemy as sa

from app.core.tables import Privacy, Table, jsonb, table_of


class LocalPayment(Table, table=True):
    """A thing the local twin has made, or the answer it gave under a key; ``ref`` is its id, or the key."""

    __tablename__ = "billing_local_payment"
    privacy: ClassVar[Privacy] = Privacy.none(
        "made-up cards and payments outside of production; knows ids of rows only"
    )
    __table_args__ = (
        sa.UniqueConstraint("kind", "ref"),
        sa.CheckConstraint(
            "kind IN ('answer', 'customer', 'setup', 'card', 'intent', 'refund', 'account', 'transfer')", name="kind"
        ),
    )

    kind: str
    ref: str
    body: dict[str, Any] = jsonb()


LOCAL_PAYMENTS: Final = table_of(LocalPayment)
