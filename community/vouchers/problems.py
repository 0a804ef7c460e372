"""What can go wrong with vouchers, as problems a caller can act on."""

from app.core.problems import Conflict


class VoucherExists(Conflict):
    """There is a voucher of this code already."""

    code, title = "voucher_exists", "There is a voucher of this code already"


class VoucherRefused(Conflict):
    """The code takes nothing off; ``reason`` says why."""

    code, title = "voucher_refused", "This code takes nothing off"
