"""What can be wrong with a pairing code."""

from app.core.problems import Unauthenticated


class PairingCodeInvalid(Unauthenticated):
    """The code is unknown, was redeemed, or has expired."""

    code, title = "pairing_code_invalid", "The pairing code is not valid"
