"""What the worker does for saved cards."""

from datetime import timedelta
from typing import Final

from app.billing.wallet.service import asking
from app.core.jobs import Job

JOBS: Final = (
    Job("billing.look_at_cards", timedelta(seconds=30), asking.look_at_cards),
    Job("billing.forget_customers", timedelta(minutes=1), asking.forget_customers),
)
