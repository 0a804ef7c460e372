"""What the worker does for payouts: it looks at accounts, draws transfers at each cut-off, and has them sent."""

from datetime import timedelta
from typing import Final

from app.billing.payouts.models import PayoutTerms
from app.billing.payouts.service import accounts, drawing, sending
from app.core.due import Due, drain
from app.core.jobs import Job

CUT_OFFS: Final = Due("billing.draw_transfers", PayoutTerms, "cut_off_at")


async def draw_transfers() -> int:
    """Draw the transfers of organizations whose cut-off has come; return how many organizations that was."""
    return await drain(CUT_OFFS, drawing.cut_off, batch=50)


JOBS: Final = (
    Job("billing.look_at_payout_accounts", timedelta(seconds=30), accounts.run),
    Job("billing.draw_transfers", timedelta(minutes=1), draw_transfers),
    Job("billing.send_transfers", timedelta(seconds=30), sending.run),
)
