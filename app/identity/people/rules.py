"""How people and the ways to reach them are written: numbers, mail addresses, languages, zones, capabilities."""

import re
import zoneinfo
from collections.abc import Iterable
from datetime import date, time
from functools import cache
from typing import Final

import phonenumbers
from babel import Locale, UnknownLocaleError

CAPABILITIES: Final[dict[str, frozenset[str]]] = {
    "mobile": frozenset({"sms", "voice", "app"}),
    "landline": frozenset({"voice"}),
    "email": frozenset({"email"}),
    "shared_tablet": frozenset({"app", "sms", "voice", "email"}),
}
"""Kinds of contact points → what a thing of that kind can do at most."""

NO_CALLS: Final = frozenset({"hearing", "no_voice_calls"})
"""Accessibility needs of people who are never given a voice call."""

_LANGUAGE = re.compile(r"^[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?$")
# RFC 5321 limits the address to 254 octets; what lies left of the @ is the receiving host's business.
_EMAIL = re.compile(
    r"^[^\s@\x00-\x1f\"(),:;<>\[\]\\]{1,64}@(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}$"
)


def normalize_phone(text: str, country: str) -> str:
    """Return a number as E.164; numbers without a country code are read as the country's (ISO 3166-1).

    Raises ``ValueError`` with a sentence for people.
    """
    try:
        number = phonenumbers.parse(text.strip(), country.upper())
    except phonenumbers.NumberParseException:
        raise ValueError("not a phone number") from None
    if not phonenumbers.is_possible_number(number):
        raise ValueError("not a possible phone number")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def normalize_email(text: str) -> str:
    """Return a mail address as it is looked up: trimmed, lower case, the domain in ASCII; raises ``ValueError``."""
    local, at, domain = text.strip().rpartition("@")
    if not at:
        raise ValueError("not a mail address")
    try:
        ascii_domain = domain.lower().encode("idna").decode()
    except UnicodeError:
        raise ValueError("not a mail address") from None
    address = f"{local.lower()}@{ascii_domain}"
    if not _EMAIL.match(address):
        raise ValueError("not a mail address")
    return address


def normalize_contact(kind: str, value: str, country: str) -> str:
    """Return ``value`` as a contact point of ``kind`` stores it; a shared tablet has a number or a mail address.

    Raises ``ValueError`` with a sentence for people.
    """
    if kind == "email" or (kind == "shared_tablet" and "@" in value):
        return normalize_email(value)
    return normalize_phone(value, country)


def index_kind(value: str) -> str:
    """Return under which kind a normalized value is looked up: a number is one number, whatever rings there."""
    return "email" if "@" in value else "phone"


def check_capabilities(kind: str, capabilities: Iterable[str]) -> list[str]:
    """Return ``capabilities`` sorted; raises ``ValueError`` for what a contact point of ``kind`` cannot do."""
    impossible = sorted(set(capabilities) - CAPABILITIES[kind])
    if impossible:
        raise ValueError(f"a contact point of kind {kind} cannot do {', '.join(impossible)}")
    return sorted(set(capabilities))


def check_name(text: str) -> str:
    """Return a person's name, trimmed; raises ``ValueError`` if nothing printable or more than 200 letters are left."""
    name = " ".join(text.split())
    if not 0 < len(name) <= 200 or not name.isprintable():
        raise ValueError("a name has between 1 and 200 printable characters")
    return name


def check_wall_time(local: time) -> time:
    """Return a wall time; raises ``ValueError`` if it carries an offset: the person's zone says where it is meant."""
    if local.tzinfo is not None:
        raise ValueError("a wall time has no offset")
    return local


def check_birth_date(day: date, today: date) -> date:
    """Return a birth date; raises ``ValueError`` if it lies in the future or more than 130 years back."""
    if not today.replace(year=today.year - 130, day=1) <= day <= today:
        raise ValueError("not a possible birth date")
    return day


@cache
def _zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones()) - {"localtime", "Factory"}


def check_time_zone(name: str) -> str:
    """Return ``name`` if it is a zone of the IANA database, raise ``ValueError`` otherwise."""
    if name not in _zones():
        raise ValueError("not a time zone of the IANA database")
    return name


@cache
def check_language(tag: str) -> str:
    """Return ``tag`` if it is a BCP 47 tag (language, script, region) of a known language, or raise ``ValueError``."""
    if not _LANGUAGE.match(tag):
        raise ValueError("not a BCP 47 language tag such as en or zh-CN")
    try:
        Locale.parse(tag, sep="-")
    except (UnknownLocaleError, ValueError):
        raise ValueError("not a known language") from None
    return tag
