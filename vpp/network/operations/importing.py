"""A utility's grid from a file: all of it or, with any finding, nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.db import transaction

from vpp.accounts import operations as accounts
from vpp.lib.errors import DomainError
from vpp.network import storing, topology
from vpp.network.models import Feeder

if TYPE_CHECKING:
    from datetime import datetime

    from vpp.accounts.models import Participant
    from vpp.network.kernels.parsing import Finding


class NetworkRefused(DomainError):
    """Nothing of the file was stored; ``findings`` lists all that has to be mended."""

    code = "network_refused"

    def __init__(self, findings: list[Finding]) -> None:
        super().__init__(f"{len(findings)} findings; nothing was imported", findings=[str(item) for item in findings])
        self.findings = findings


@dataclass(frozen=True)
class ImportReport:
    """Rows per section of the file, how many of them were new, and the feeders' topology versions after it."""

    rows: dict[str, int]
    made: dict[str, int]
    versions: dict[str, int]


def import_network(
    source: Path | str | dict[str, Any],
    *,
    utility: Participant,
    at: datetime,
    file_format: str = "",
    feeder: str = "",
) -> ImportReport:
    """Store a grid for a utility: all of it or, with any finding, nothing.

    source      : a file or folder, or the network file (docs/files.md) as a dict.
    file_format : network, pandapower, simbench or csv; empty: told by what the source looks like.
    feeder      : code of the one feeder that a pandapower file becomes; empty: the net's name.

    The same file again changes nothing; a changed element is updated by its code. Raises NetworkRefused with all
    findings.
    """
    from vpp.network.kernels.parsing import parse
    from vpp.network.kernels.readers.choice import read
    from vpp.network.kernels.validation import validate

    data, findings = (source, []) if isinstance(source, dict) else read(Path(source), file_format, feeder)
    if findings:
        raise NetworkRefused(findings)
    document, findings = parse(data)
    findings = findings or [
        *validate(document, known=storing.known_codes(utility)),
        *storing.foreign(document, utility),
    ]
    if findings:
        raise NetworkRefused(findings)
    with transaction.atomic():
        rows, made = storing.store(document, utility)
        feeders = Feeder.objects.filter(code__in=storing.touched_feeders(document)).order_by("code")
        versions = {one.code: topology.record_import(one, at=at).version for one in feeders}
        accounts.audit(at=at, actor="import", action="network.imported", subject=utility, after=rows)
    return ImportReport(rows, made, versions)
