"""What a table says of its lawfulness: the basis in the law, how long rows are kept, and who receives them.

Articles are those of the GDPR (Regulation (EU) 2016/679) and of the PIPL (Personal Information Protection Law of the
People's Republic of China, 2021). Which of the two applies is up to where the community is.
"""

import enum
import math
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

FORGET_JOB_NAME = "core.forget_what_is_past"
PARTITIONS_JOB_NAME = "core.maintain_partitions"


class Basis(enum.Enum):
    """Why personal data may be processed at all: GDPR Art. 6(1), PIPL Art. 13(1).

    Legitimate interests (GDPR Art. 6(1)(f)) are missing on purpose: the PIPL knows no such basis.
    """

    CONSENT = ("consent", "Art. 6(1)(a)", "Art. 13(1) no. 1")
    CONTRACT = ("contract", "Art. 6(1)(b)", "Art. 13(1) no. 2")
    LEGAL_OBLIGATION = ("legal obligation", "Art. 6(1)(c)", "Art. 13(1) no. 3")
    VITAL_INTERESTS = ("vital interests", "Art. 6(1)(d)", "Art. 13(1) no. 4")
    PUBLIC_TASK = ("public task", "Art. 6(1)(e)", "Art. 13(1) no. 3")

    def __init__(self, label: str, gdpr: str, pipl: str) -> None:
        self.label, self.gdpr, self.pipl = label, gdpr, pipl


class Sensitive(enum.Enum):
    """Why data on health may be processed: GDPR Art. 9(2); to the PIPL it is sensitive information (Art. 28 to 30).

    The PIPL asks for a separate consent (Art. 29) wherever consent is the basis, and for strict necessity everywhere.
    """

    EXPLICIT_CONSENT = ("explicit consent", "Art. 9(2)(a)", "Art. 29")
    VITAL_INTERESTS = ("vital interests of who cannot consent", "Art. 9(2)(c)", "Art. 28")
    LEGAL_CLAIMS = ("legal claims", "Art. 9(2)(f)", "Art. 28")
    CARE = ("health and social care", "Art. 9(2)(h)", "Art. 28")

    def __init__(self, label: str, gdpr: str, pipl: str) -> None:
        self.label, self.gdpr, self.pipl = label, gdpr, pipl


class Recipient(enum.Enum):
    """To whom a row, or what is written from it, goes."""

    GRANTED = "the people whom the resident lets see it"
    SERVING = "the organizations that serve the resident under an agreement"
    EMPLOYER = "the organization the person works for"
    PUSH = "push services"
    MESSAGES = "the provider of text messages and calls"
    MAIL = "the mail provider"
    INSURER = "the insurer who pays for the resident"
    PAYMENTS = "the payment gateway"
    ENDPOINTS = "the endpoints that organizations registered"


Enforcer = Literal["erasure", "parent", "prune", "months", "job", "nobody"]


@dataclass(frozen=True, slots=True)
class Retention:
    """How long rows are kept: ``period`` after ``since``, or as long as ``why`` says; and who sees to it.

    ``since`` are columns: the earliest of those that are set counts, and while none is the row is in use. ``parent`` is
    the table whose rows take these along, ``job`` the one that deletes what is past.
    """

    enforcer: Enforcer
    period: timedelta | None = None
    since: tuple[str, ...] = ()
    job: str | None = None
    parent: str | None = None
    why: str = ""

    @classmethod
    def until_erasure(cls, why: str = "") -> "Retention":
        """Kept while the person is with us; an erasure, or what the person does themselves, removes it."""
        return cls("erasure", why=why or "while the person is a member of the community")

    @classmethod
    def pruned(cls, period: timedelta, *since: str) -> "Retention":
        """Deleted by the kernel's own job ``period`` after the earliest of the ``since`` columns that are set."""
        return cls("prune", period, since, FORGET_JOB_NAME)

    @classmethod
    def by_month(cls, period: timedelta, since: str) -> "Retention":
        """Dropped with its month when the last row of it is older than ``period``."""
        return cls("months", period, (since,), PARTITIONS_JOB_NAME)

    @classmethod
    def by_job(cls, job: str, period: timedelta, *since: str, why: str = "") -> "Retention":
        """Deleted by the feature's own ``job``."""
        return cls("job", period, since, job, why=why)

    @classmethod
    def with_row(cls, parent: str) -> "Retention":
        """Goes with the row of ``parent`` it refers to."""
        return cls("parent", parent=parent)

    @classmethod
    def unlimited(cls, why: str) -> "Retention":
        """Kept without end; ``why`` says why that harms nobody."""
        return cls("nobody", why=why)

    def in_words(self) -> str:
        """Return the retention as the register prints it."""
        if self.parent:
            return f"as long as its {self.parent}"
        if self.period is None:
            return self.why
        since = " or ".join("it was written" if name == "id" else name for name in self.since)
        words = f"{period_in_words(self.period)} after {since}" if self.period else f"until {since}"
        return f"{words}; {self.why}" if self.why else words


def years(count: int) -> timedelta:
    """Return a period of at least ``count`` calendar years, whichever of them are leap years."""
    return timedelta(days=math.ceil(count * 365.25))


def period_in_words(period: timedelta) -> str:
    """Return a period in the largest unit it was given in: years, days or hours."""
    whole = round(period / timedelta(days=365.25))
    if whole and period == years(whole):
        return f"{whole} year{'s' if whole > 1 else ''}"
    if period % timedelta(days=1):
        return f"{period / timedelta(hours=1):g} hours"
    return f"{period.days} day{'s' if period.days > 1 else ''}"
