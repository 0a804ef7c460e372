"""What settlement needs of an insurer, whichever it is."""

from typing import Protocol

from telemedicine.settlement.rules.asking import Answered, Asked


class NotAnswered(Exception):  # noqa: N818 - says what happened
    """There is no answer that can be understood; whether the insurer has what it was asked is not known."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Insurer(Protocol):
    """Somebody who says whether a resident is insured and what of a bill is paid.

    The same question may be asked again with the same identifier, and then means the same one.
    """

    async def ask(self, asked: Asked) -> Answered:
        """Return what the insurer says; raises ``NotAnswered``."""
        ...

    async def follow_up(self, asked: Asked) -> Answered:
        """Return what the insurer says of what it has taken and was still working on; raises ``NotAnswered``."""
        ...
