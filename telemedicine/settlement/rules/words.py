"""What a bill says in plain words, in each language."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final

from babel.numbers import format_currency, get_currency_precision

LANGUAGES: Final = ("en", "zh-CN")
_STATES: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "issued": "The bill comes to {total}. Your insurer has not been asked yet.",
        "claimed": "The bill comes to {total}. Your insurer has been asked what it pays; there is nothing to do.",
        "denied": "The bill comes to {total}. Your insurer pays none of it; the clinic decides how to go on.",
        "due": "The bill comes to {total}. Your insurer pays {insured}; {own} is for you to pay.",
        "settled": "The bill comes to {total}. Your insurer pays {insured}, your share was {own}. It is settled.",
        "void": "This bill was taken back. There is nothing to pay.",
    },
    "zh-CN": {
        "issued": "账单总额为 {total}。尚未向您的保险机构申请报销。",
        "claimed": "账单总额为 {total}。已向您的保险机构申请报销，您暂时无需操作。",
        "denied": "账单总额为 {total}。您的保险机构不予报销，诊所将决定后续处理方式。",
        "due": "账单总额为 {total}。保险支付 {insured}，您需自付 {own}。",
        "settled": "账单总额为 {total}。保险支付 {insured}，您自付 {own}。账单已结清。",
        "void": "此账单已撤销，无需支付。",
    },
}
_REASONS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "within_deductible": "{name}: below this year's deductible, so it is yours to pay.",
        "excluded": "{name}: not in the insurance's catalogue, so it is yours to pay.",
        "exempt": "{name}: paid in full by the insurance.",
        "over_cap": "{name}: the insurance has reached the most it pays in a year.",
        "covered": "{name}: the insurance pays {insured} of {amount}.",
    },
    "zh-CN": {
        "within_deductible": "{name}：未达到本年度起付线，由您自付。",
        "excluded": "{name}：不在医保目录内，由您自付。",
        "exempt": "{name}：由医保全额支付。",
        "over_cap": "{name}：已达到医保年度最高支付限额。",
        "covered": "{name}：费用 {amount}，医保支付 {insured}。",
    },
}
_AWAY: Final[Mapping[str, Mapping[bool, str]]] = {
    "en": {
        True: "You were treated outside the city of your insurance, with a registration: the rates of home apply.",
        False: "You were treated outside the city of your insurance without a registration: it pays less.",
    },
    "zh-CN": {
        True: "您在参保地以外就医，并已备案：按参保地报销比例支付。",
        False: "您在参保地以外就医，未办理备案：报销比例降低。",
    },
}


def money(amount: int, currency: str, language: str) -> str:
    """Return an amount in minor units as it is written in a language."""
    value = Decimal(amount).scaleb(-get_currency_precision(currency))
    return format_currency(value, currency, locale=language.replace("-", "_"))


def explained(
    language: str,
    state: str,
    currency: str,
    amounts: tuple[int, int, int],
    lines: Iterable[tuple[Mapping[str, str], int, int | None, str | None]],
    *,
    away: bool | None,
) -> list[str]:
    """Return what a bill says to whom it is for: ``amounts`` are total, insured and own share.

    ``lines`` are names, amount, insured amount and the reason; ``away`` is whether treatment elsewhere was registered,
    ``None`` at home. Drafts are not shown, and what was just decided is about to be due.
    """
    total, insured, own = (money(amount, currency, language) for amount in amounts)
    said = [_STATES[language][state].format(total=total, insured=insured, own=own)] if state in _STATES["en"] else []
    if state not in ("due", "settled", "denied"):
        return said
    if away is not None:
        said.append(_AWAY[language][away])
    for names, amount, paid, reason in lines:
        if reason is not None and paid is not None:
            said.append(
                _REASONS[language][reason].format(
                    name=names.get(language) or names.get("en") or next(iter(names.values()), ""),
                    amount=money(amount, currency, language),
                    insured=money(paid, currency, language),
                )
            )
    return said
