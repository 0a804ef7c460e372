"""The words on invoices, credit notes, receipts and statements, and how amounts, days and numbers are written."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Final, Literal

from babel import Locale
from babel.dates import format_date, format_skeleton
from babel.numbers import format_currency, format_percent, get_currency_precision

Kind = Literal["invoice", "credit_note"]

_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "invoice": "Invoice",
        "credit_note": "Credit note",
        "receipt": "Receipt",
        "refund_receipt": "Refund receipt",
        "resident_statement": "Statement of account",
        "provider_statement": "Provider statement",
        "from": "From",
        "to": "To",
        "erased": "(erased on request)",
        "tax_number": "Tax number {number}",
        "number": "Number",
        "issued_on": "Date of issue",
        "supplied_on": "Date of service",
        "due_on": "To be paid by",
        "for_invoice": "For invoice",
        "of": "of {day}",
        "reason": "Reason",
        "what": "What",
        "quantity": "Quantity",
        "rate": "Tax rate",
        "amount": "Amount",
        "waived": "Waived at a tax rate of {rate}",
        "total": "Total, tax included",
        "net": "Net at {rate}",
        "tax": "Tax at {rate}",
        "subsidy": "Paid by {name}",
        "own": "Your share",
        "credited": "Credited, tax included",
        "paid_on": "Received on",
        "given_back_on": "Given back on",
        "how": "How",
        "cash": "cash",
        "bank_transfer": "bank transfer",
        "terminal": "card at the terminal",
        "card": "card",
        "sponsor": "sponsor",
        "by_programme": "subsidy",
        "month": "Month",
        "day": "Day",
        "opening": "Owed at the beginning",
        "closing": "Owed at the end",
        "charge": "Service charged",
        "cancellation": "Charge cancelled",
        "credit": "Waived",
        "payment": "Payment ({how})",
        "refund": "Given back ({how})",
        "correction": "Correction",
        "dispute": "Card payment disputed",
        "dispute_won": "Dispute decided for the provider",
        "dispute_lost": "Dispute decided for the payer",
        "payable_opening": "Still payable at the beginning",
        "gross": "Services charged",
        "cancelled": "Charges cancelled",
        "refunds": "Waived by credit notes",
        "fees": "Fees of the platform",
        "fees_back": "Fees given back",
        "taken": "Taken at your own desk",
        "taken_back": "Given back at your own desk",
        "paid_out": "Paid out",
        "paid_back": "Paid out and returned",
        "other": "Disputes and corrections",
        "payable_closing": "Still payable at the end",
        "subsidies": "Of the payments: subsidies",
        "nothing": "Nothing happened in this month.",
        "page": "Page {page} of {pages}",
    },
    "zh-CN": {
        "invoice": "发票",
        "credit_note": "红字通知单",
        "receipt": "收据",
        "refund_receipt": "退款收据",
        "resident_statement": "账户对账单",
        "provider_statement": "服务商对账单",
        "from": "开具方",
        "to": "收件人",
        "erased": "(已应要求删除)",
        "tax_number": "税号 {number}",
        "number": "编号",
        "issued_on": "开具日期",
        "supplied_on": "服务日期",
        "due_on": "付款期限",
        "for_invoice": "对应发票",
        "of": "{day}",
        "reason": "原因",
        "what": "项目",
        "quantity": "数量",
        "rate": "税率",
        "amount": "金额",
        "waived": "按税率{rate}减免",
        "total": "含税合计",
        "net": "不含税金额（税率{rate}）",
        "tax": "税额（税率{rate}）",
        "subsidy": "由{name}支付",
        "own": "您的自付部分",
        "credited": "含税减免金额",
        "paid_on": "收款日期",
        "given_back_on": "退款日期",
        "how": "方式",
        "cash": "现金",
        "bank_transfer": "银行转账",
        "terminal": "终端刷卡",
        "card": "银行卡",
        "sponsor": "赞助",
        "by_programme": "补贴",
        "month": "月份",
        "day": "日期",
        "opening": "期初应付",
        "closing": "期末应付",
        "charge": "服务收费",
        "cancellation": "收费取消",
        "credit": "减免",
        "payment": "付款（{how}）",
        "refund": "退款（{how}）",
        "correction": "更正",
        "dispute": "银行卡付款争议",
        "dispute_won": "争议裁定服务商胜",
        "dispute_lost": "争议裁定付款人胜",
        "payable_opening": "期初应付服务商",
        "gross": "服务收费",
        "cancelled": "取消的收费",
        "refunds": "红字减免",
        "fees": "平台服务费",
        "fees_back": "退还的服务费",
        "taken": "服务商自行收取",
        "taken_back": "服务商自行退还",
        "paid_out": "已支付给服务商",
        "paid_back": "支付后退回",
        "other": "争议与更正",
        "payable_closing": "期末应付服务商",
        "subsidies": "其中：补贴",
        "nothing": "本月没有任何往来。",
        "page": "第{page}页，共{pages}页",
    },
}


def words_of(language: str) -> Mapping[str, str]:
    """Return the words of a language."""
    return _WORDS[language]


def money(amount: int, currency: str, language: str) -> str:
    """Return an amount in minor units as it is written in a language."""
    value = Decimal(amount).scaleb(-get_currency_precision(currency))
    return format_currency(value, currency, locale=_locale(language))


def day_name(day: date, language: str) -> str:
    """Return a day as it is written: ``March 2, 2026``."""
    return format_date(day, "long", locale=_locale(language))


def month_name(month: date, language: str) -> str:
    """Return a month as it is written: ``March 2026``."""
    return format_skeleton("yMMMM", month, locale=_locale(language))


def percent(rate: int, language: str) -> str:
    """Return ten-thousandths as they are written: ``6%``."""
    return format_percent(Decimal(rate) / 10_000, "#,##0.##%", locale=_locale(language))


def number_of(kind: Kind | str, year: int, number: int) -> str:
    """Return the number of a document: unique at its issuer, the credit notes' in a series of their own."""
    return f"{'C' if kind == 'credit_note' else ''}{year}-{number:06d}"


def _locale(language: str) -> Locale:
    return Locale.parse(language, sep="-")
