"""What the worker does for the books: it compares them with the gateway's every day."""

from datetime import timedelta
from typing import Final

from app.billing.reconciliation.service import reconcile
from app.core.jobs import Job


async def compare_books() -> int:
    """Compare the last days; return 0, as there is nothing to come again for."""
    await reconcile()
    return 0


JOBS: Final = (Job("billing.compare_books", timedelta(hours=24), compare_books),)
