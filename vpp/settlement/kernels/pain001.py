"""Credit transfers for the bank: ISO 20022 pain.001.001.09, the customer credit transfer initiation."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from xml.etree import ElementTree

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"
NOT_ALLOWED = re.compile(r"[^A-Za-z0-9/\-?:().,'+ ]")  # outside the SEPA character set


@dataclass(frozen=True, slots=True)
class Party:
    """An account holder."""

    name: str
    iban: str
    bic: str = ""


@dataclass(frozen=True, slots=True)
class Transfer:
    """One credit transfer; `reference` comes back on the creditor's statement, `text` is what they read."""

    creditor: Party
    amount: Decimal
    reference: str
    text: str


def is_iban(text: str) -> bool:
    """Whether the check digits fit (ISO 13616: the rearranged number is 1 modulo 97)."""
    packed = text.replace(" ", "").upper()
    if not re.fullmatch(r"[A-Z]{2}\d{2}[A-Z0-9]{10,30}", packed):
        return False
    return int("".join(str(int(mark, 36)) for mark in packed[4:] + packed[:4])) % 97 == 1


def plain(text: str, longest: int) -> str:
    """Text in the characters that every bank takes."""
    return NOT_ALLOWED.sub(".", text).strip()[:longest]


def payment_file(
    *,
    message_id: str,
    created_at: datetime,
    execution_date: date,
    debtor: Party,
    transfers: Sequence[Transfer],
    currency: str,
) -> str:
    """The XML text; raises ValueError for an IBAN that cannot be, an amount that is not positive cents, no transfer."""
    if not transfers:
        raise ValueError("a payment file needs a transfer")
    for party in (debtor, *(transfer.creditor for transfer in transfers)):
        if not is_iban(party.iban):
            raise ValueError(f"{party.name}: the IBAN's check digits do not fit")
    if bad := [transfer.reference for transfer in transfers if not _is_payable(transfer.amount)]:
        raise ValueError(f"not a positive amount of cents: {', '.join(bad)}")
    root = ElementTree.Element("Document", xmlns=NAMESPACE)
    message = ElementTree.SubElement(root, "CstmrCdtTrfInitn")
    header = ElementTree.SubElement(message, "GrpHdr")
    _text(header, "MsgId", plain(message_id, 35))
    _text(header, "CreDtTm", created_at.strftime("%Y-%m-%dT%H:%M:%SZ"))
    _sums(header, transfers)
    _text(header, "InitgPty/Nm", plain(debtor.name, 70))
    batch = _batch(message, message_id, execution_date, debtor, transfers)
    for transfer in transfers:
        _transfer(batch, transfer, currency)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _batch(
    message: ElementTree.Element, message_id: str, execution_date: date, debtor: Party, transfers: Sequence[Transfer]
) -> ElementTree.Element:
    """What all transfers have in common: when, from whose account, who bears the charges."""
    batch = ElementTree.SubElement(message, "PmtInf")
    _text(batch, "PmtInfId", plain(f"{message_id}-1", 35))
    _text(batch, "PmtMtd", "TRF")
    _sums(batch, transfers)
    _text(batch, "PmtTpInf/SvcLvl/Cd", "SEPA")
    _text(batch, "ReqdExctnDt/Dt", execution_date.isoformat())
    _text(batch, "Dbtr/Nm", plain(debtor.name, 70))
    _text(batch, "DbtrAcct/Id/IBAN", debtor.iban.replace(" ", ""))
    _agent(batch, "DbtrAgt", debtor.bic)
    _text(batch, "ChrgBr", "SLEV")
    return batch


def _sums(parent: ElementTree.Element, transfers: Sequence[Transfer]) -> None:
    _text(parent, "NbOfTxs", str(len(transfers)))
    _text(parent, "CtrlSum", str(sum((transfer.amount for transfer in transfers), Decimal("0.00"))))


def _is_payable(amount: Decimal) -> bool:
    return amount > 0 and amount == amount.quantize(Decimal("0.01"))


def _transfer(batch: ElementTree.Element, transfer: Transfer, currency: str) -> None:
    one = ElementTree.SubElement(batch, "CdtTrfTxInf")
    _text(one, "PmtId/EndToEndId", plain(transfer.reference, 35))
    amount = _text(one, "Amt/InstdAmt", f"{transfer.amount:.2f}")
    amount.set("Ccy", currency)
    if transfer.creditor.bic:
        _agent(one, "CdtrAgt", transfer.creditor.bic)
    _text(one, "Cdtr/Nm", plain(transfer.creditor.name, 70))
    _text(one, "CdtrAcct/Id/IBAN", transfer.creditor.iban.replace(" ", ""))
    _text(one, "RmtInf/Ustrd", plain(transfer.text, 140))


def _agent(parent: ElementTree.Element, tag: str, bic: str) -> None:
    if bic:
        _text(parent, f"{tag}/FinInstnId/BICFI", bic)
    else:
        _text(parent, f"{tag}/FinInstnId/Othr/Id", "NOTPROVIDED")


def _text(parent: ElementTree.Element, path: str, text: str) -> ElementTree.Element:
    node = parent
    for tag in path.split("/"):
        node = ElementTree.SubElement(node, tag)
    node.text = text
    return node
