"""What stands on each kind of document: pure, from what was stored when it was issued."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from app.billing.invoices.rules.words import day_name, money, month_name, number_of, percent, words_of

Fact = tuple[str, str]
_HOW = {"subsidy": "by_programme"}


@dataclass(frozen=True, slots=True)
class Paper:
    """A document as it is set: who, what, a table, and what it comes to."""

    title: str
    number: str
    set_at: datetime
    language: str
    parties: Sequence[Mapping[str, Any]]
    facts: Sequence[Fact]
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    totals: Sequence[Fact]
    notes: Sequence[str] = field(default=())

    def head(self) -> dict[str, Any]:
        """Return what the template takes beside the rows."""
        return {
            "title": self.title,
            "number": self.number,
            "language": self.language,
            "page": words_of(self.language)["page"],
            "parties": list(self.parties),
            "facts": [list(fact) for fact in self.facts],
            "columns": list(self.columns),
            "totals": [list(total) for total in self.totals],
            "notes": list(self.notes),
            "set_at": int(self.set_at.timestamp()),
        }


@dataclass(frozen=True, slots=True)
class Issued:
    """A document as it was issued; ``recipient`` is empty after an erasure."""

    kind: str
    year: int
    number: int
    issued_on: date
    issued_at: datetime
    currency: str
    amount: int
    content: Mapping[str, Any]
    recipient: Mapping[str, str | None] | None


def invoice_paper(of: Issued, language: str) -> Paper:
    """Return an invoice as it is set."""
    words, content = words_of(language), of.content
    rows = [
        [
            line["name"][language],
            str(line["quantity"]),
            percent(line["tax_rate"], language),
            money(line["amount"], of.currency, language),
        ]
        for line in content["lines"]
    ]
    subsidies = [
        (words["subsidy"].format(name=one["name"][language]), money(-one["amount"], of.currency, language))
        for one in content["subsidies"]
    ]
    own = of.amount - sum(one["amount"] for one in content["subsidies"])
    return Paper(
        title=words["invoice"],
        number=number_of(of.kind, of.year, of.number),
        set_at=of.issued_at,
        language=language,
        parties=_parties(of, language),
        facts=[
            (words["number"], number_of(of.kind, of.year, of.number)),
            (words["issued_on"], day_name(of.issued_on, language)),
            (words["supplied_on"], _day(content["supplied_on"], language)),
            (words["due_on"], _day(content["due_on"], language)),
        ],
        columns=[words["what"], words["quantity"], words["rate"], words["amount"]],
        rows=rows,
        totals=[
            *_taxes(of, language),
            (words["total"], money(of.amount, of.currency, language)),
            *subsidies,
            *([(words["own"], money(own, of.currency, language))] if subsidies else []),
        ],
    )


def credit_note_paper(of: Issued, language: str) -> Paper:
    """Return a credit note as it is set."""
    words, content = words_of(language), of.content
    corrects = content["corrects"]
    for_invoice = f"{corrects['number']}, {words['of'].format(day=_day(corrects['issued_on'], language))}"
    reason = (of.recipient or {}).get("reason")
    return Paper(
        title=words["credit_note"],
        number=number_of(of.kind, of.year, of.number),
        set_at=of.issued_at,
        language=language,
        parties=_parties(of, language),
        facts=[
            (words["number"], number_of(of.kind, of.year, of.number)),
            (words["issued_on"], day_name(of.issued_on, language)),
            (words["for_invoice"], for_invoice),
            *([(words["reason"], reason)] if reason else []),
        ],
        columns=[words["what"], words["amount"]],
        rows=[
            [
                words["waived"].format(rate=percent(one["rate"], language)),
                money(-one["gross"], of.currency, language),
            ]
            for one in content["taxes"]
        ],
        totals=[*_taxes(of, language), (words["credited"], money(of.amount, of.currency, language))],
    )


def receipt_paper(invoice: Issued, payment: Any, language: str, received_on: date) -> Paper:
    """Return the receipt of a payment for an invoice, or of what was given back of one."""
    words = words_of(language)
    is_refund = payment.refunds_id is not None
    number = f"{number_of(invoice.kind, invoice.year, invoice.number)}/{payment.id.hex[-12:]}"
    return Paper(
        title=words["refund_receipt" if is_refund else "receipt"],
        number=number,
        set_at=payment.received_at,
        language=language,
        parties=_parties(invoice, language),
        facts=[
            (words["number"], number),
            (words["given_back_on" if is_refund else "paid_on"], day_name(received_on, language)),
            (words["for_invoice"], number_of(invoice.kind, invoice.year, invoice.number)),
            (words["how"], how(payment.kind, language)),
        ],
        columns=[],
        rows=[],
        totals=[(words["amount"], money(payment.amount, payment.currency, language))],
    )


def statement_paper(
    kind: str,
    month: date,
    language: str,
    *,
    set_at: datetime,
    parties: Sequence[Mapping[str, Any]],
    rows: Sequence[Sequence[str]],
    totals: Sequence[Fact],
) -> Paper:
    """Return a month's statement of a resident or a provider."""
    words = words_of(language)
    return Paper(
        title=words[kind],
        number=month_name(month, language),
        set_at=set_at,
        language=language,
        parties=parties,
        facts=[(words["month"], month_name(month, language))],
        columns=[words["day"], words["what"], words["amount"]] if rows else [],
        rows=rows,
        totals=totals,
        notes=[] if rows or kind == "provider_statement" else [words["nothing"]],
    )


def how(kind: str, language: str) -> str:
    """Return how something was paid, in words."""
    return words_of(language)[_HOW.get(kind, kind)]


def party(label: str, name: str, *lines: str | None) -> dict[str, Any]:
    """Return somebody as they stand on a document."""
    return {"label": label, "name": name, "lines": [line for line in lines if line]}


def _parties(of: Issued, language: str) -> list[dict[str, Any]]:
    words, issuer = words_of(language), of.content["issuer"]
    tax_number = issuer["tax_number"]
    sender = party(
        words["from"],
        issuer["name"],
        issuer["address"],
        words["tax_number"].format(number=tax_number) if tax_number else None,
    )
    if of.recipient is None:
        return [sender, party(words["to"], words["erased"])]
    return [sender, party(words["to"], of.recipient["name"] or "", of.recipient["address"])]


def _taxes(of: Issued, language: str) -> list[Fact]:
    words, found = words_of(language), []
    for one in of.content["taxes"]:
        rate = percent(one["rate"], language)
        found.append((words["net"].format(rate=rate), money(one["gross"] - one["tax"], of.currency, language)))
        found.append((words["tax"].format(rate=rate), money(one["tax"], of.currency, language)))
    return found


def _day(written: str, language: str) -> str:
    return day_name(date.fromisoformat(written), language)
