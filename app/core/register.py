"""The registers the law asks for, read off the tables' declarations and the configured providers.

Records of processing activities: GDPR Art. 30, PIPL Art. 55 and 56. Transfers abroad: GDPR Art. 44 to 49, PIPL Art. 38
to 40.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import urlsplit

from app.core.lawfulness import Recipient
from app.core.privacy import declarations
from app.core.settings import Settings

Abroad = Literal["yes", "no", "not known"]

UNRECORDED: Final = "none recorded"
NO_HEALTH_DATA: Final = "none"
NOBODY: Final = "nobody but who runs the service"
_UNITED_STATES: Final = "US"
_TWILIO: Final = "api.twilio.com"


@dataclass(frozen=True, slots=True)
class Processing:
    """What one table holds, why, on which basis, how long and who receives it."""

    purpose: str
    table: str
    people: str
    basis: str
    gdpr: str
    pipl: str
    health_data: str
    kept: str
    enforced_by: str
    at_erasure: str
    recipients: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Transfer:
    """A recipient outside of the house: who it is, where, what it gets, and what makes that lawful if it is abroad."""

    recipient: str
    provider: str
    country: str
    abroad: Abroad
    safeguard: str
    purposes: tuple[str, ...]
    tables: tuple[str, ...]


def processing() -> list[Processing]:
    """Return the tables with personal data, by purpose."""
    return sorted(_processing(), key=lambda row: (row.purpose, row.table))


def transfers(settings: Settings) -> list[Transfer]:
    """Return who outside of the house receives personal data with these ``settings``."""
    home = settings.privacy.country
    found = []
    for recipient, provider, country in _providers(settings):
        where = settings.privacy.countries.get(provider, country)
        abroad: Abroad = "not known" if where is None or home is None else "no" if where == home else "yes"
        rows = [row for row in processing() if recipient.value in row.recipients]
        found.append(
            Transfer(
                recipient=recipient.value,
                provider=provider,
                country=where or "not known",
                abroad=abroad,
                safeguard=settings.privacy.safeguards.get(provider, "none needed" if abroad == "no" else UNRECORDED),
                purposes=tuple(sorted({row.purpose for row in rows})),
                tables=tuple(row.table for row in sorted(rows, key=lambda row: row.table)),
            )
        )
    return found


def _processing() -> Iterator[Processing]:
    for table, privacy in declarations().items():
        if privacy.subject is None or privacy.basis is None:
            continue
        basis, sensitive = privacy.basis, privacy.sensitive
        yield Processing(
            purpose=privacy.purpose,
            table=str(table.name),
            people=privacy.subject_kind,
            basis=basis.label,
            gdpr=f"{basis.gdpr}; {sensitive.gdpr}" if sensitive else basis.gdpr,
            pipl=f"{basis.pipl}; {sensitive.pipl}" if sensitive else basis.pipl,
            health_data=sensitive.label if sensitive else NO_HEALTH_DATA,
            kept=privacy.retention.in_words(),
            enforced_by=privacy.retention.job or privacy.retention.enforcer,
            at_erasure=privacy.erasure,
            recipients=tuple(recipient.value for recipient in privacy.recipients) or (NOBODY,),
        )


def _providers(settings: Settings) -> Iterator[tuple[Recipient, str, str | None]]:
    """Yield who receives what: the recipient, the provider's name in the settings, and where it is if that is known."""
    if "fcm" in settings.push.providers:
        yield Recipient.PUSH, "fcm", _UNITED_STATES
    if "webpush" in settings.push.providers:
        yield Recipient.PUSH, "webpush", None  # whichever push service the person's browser belongs to
    if "twilio" in (settings.messages.sms, settings.messages.voice):
        # Others speak its wire format, and are elsewhere.
        at_twilio = urlsplit(settings.twilio.endpoint).hostname == _TWILIO
        yield Recipient.MESSAGES, "twilio", _UNITED_STATES if at_twilio else None
    if settings.messages.mail == "smtp":
        yield Recipient.MAIL, "smtp", None
    for key in sorted(settings.insurers.fhir):
        yield Recipient.INSURER, key, None  # in whichever country it insures
    if settings.stripe.secret_key is not None:
        yield Recipient.PAYMENTS, "stripe", _UNITED_STATES
    yield Recipient.ENDPOINTS, "webhooks", None  # where each organization is, its agreement says
