"""Whether a payment file has the structure that banks check: by schema, then the sums that no schema sees."""

from decimal import Decimal
from functools import lru_cache
from importlib.resources import files

from lxml import etree

from vpp.settlement.kernels.pain001 import NAMESPACE, is_iban

PLACES = {"p": NAMESPACE}


@lru_cache(maxsize=1)
def _schema() -> etree.XMLSchema:
    text = files("vpp.settlement.kernels").joinpath("pain001_subset.xsd").read_bytes()
    return etree.XMLSchema(etree.fromstring(text))


def structure_faults(xml: str) -> list[str]:
    """Every fault of a pain.001.001.09 file, with its line; none if a bank can take it."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    try:
        root = etree.fromstring(xml.encode(), parser)
    except etree.XMLSyntaxError as error:
        return [f"not XML: {error}"]
    schema = _schema()
    if not schema.validate(root):
        return [f"line {fault.line}: {fault.message}" for fault in schema.error_log]
    return [*_sum_faults(root), *_account_faults(root)]


def _sum_faults(root: etree._Element) -> list[str]:
    """The header's and each batch's count and sum are those of the transfers under it; references stand once."""
    faults = []
    head = root.find(".//p:GrpHdr", PLACES)
    for holder, scope in ((head, root), *((batch, batch) for batch in root.iterfind(".//p:PmtInf", PLACES))):
        amounts = [Decimal(node.text) for node in scope.iterfind(".//p:InstdAmt", PLACES)]
        if int(holder.findtext("p:NbOfTxs", namespaces=PLACES)) != len(amounts):
            faults.append(f"line {holder.sourceline}: NbOfTxs is not {len(amounts)}")
        if Decimal(holder.findtext("p:CtrlSum", namespaces=PLACES)) != sum(amounts):
            faults.append(f"line {holder.sourceline}: CtrlSum is not {sum(amounts)}")
    references = [node.text for node in root.iterfind(".//p:EndToEndId", PLACES)]
    if len(set(references)) < len(references):
        faults.append("an EndToEndId stands twice")
    return faults


def _account_faults(root: etree._Element) -> list[str]:
    bad = [node for node in root.iterfind(".//p:IBAN", PLACES) if not is_iban(node.text or "")]
    return [f"line {node.sourceline}: the check digits of {node.text} do not fit" for node in bad]
