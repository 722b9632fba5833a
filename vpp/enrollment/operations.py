"""Enrollment's one way in: a folder of tables, checked as a whole, stored as a whole or not at all."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from django.db import DataError, IntegrityError, transaction

from vpp.accounts import operations as accounts
from vpp.accounts.models import Participant
from vpp.enrollment import checks
from vpp.enrollment.files import Fault, Table, read_table
from vpp.enrollment.stores import STORES, Store
from vpp.enrollment.tables import COLUMNS
from vpp.lib.errors import DomainError


class ImportRefused(DomainError):
    """Nothing of the files was stored; `faults` lists every cell that has to be mended."""

    code = "import_refused"

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__(f"{len(faults)} faults; nothing was imported", faults=[str(fault) for fault in faults])
        self.faults = faults


@dataclass
class ImportReport:
    """Rows per table, and how many of them were new."""

    rows: dict[str, int] = field(default_factory=dict)
    made: dict[str, int] = field(default_factory=dict)


def import_folder(folder: Path, *, at: datetime, actor: object = "import") -> ImportReport:
    """Import the tables of a folder (docs/files.md), each .csv or .json.

    A table that is not there is left as it is. Running it again with the same files changes nothing; a changed row
    updates what it names. Raises ImportRefused with all faults.
    """
    tables = read_folder(folder)
    faults = [fault for table in tables.values() for fault in table.faults]
    if not faults:
        faults = checks.cross_check(tables)
    if faults:
        raise ImportRefused(faults)
    report = ImportReport()
    with transaction.atomic():
        for name, store in STORES.items():
            if name in tables:
                report.rows[name] = len(tables[name].rows)
                report.made[name] = _stored(tables[name], store)
        aggregator = Participant.objects.filter(kind=Participant.Kind.AGGREGATOR).first()
        if aggregator is not None:
            accounts.audit(at=at, actor=actor, action="enrollment.imported", subject=aggregator, after=report.rows)
    return report


def _stored(table: Table, store: Store) -> int:
    """How many rows were new. Raises ImportRefused for what only the database notices."""
    try:
        with transaction.atomic():
            return store(table.rows)
    except (IntegrityError, DataError) as error:
        told = str(error).splitlines()[0]
        raise ImportRefused([Fault(table.file, 0, "", f"breaks a rule of the database: {told}")]) from error


def read_folder(folder: Path) -> dict[str, Table]:
    """Every known table of the folder; raises ImportRefused where there is none."""
    tables = {}
    for name, columns in COLUMNS.items():
        for path in (folder / f"{name}.csv", folder / f"{name}.json"):
            if path.exists():
                tables[name] = read_table(path, columns)
                break
    if not tables:
        wanted = ", ".join(f"{name}.csv" for name in COLUMNS)
        raise ImportRefused([Fault(str(folder), 0, "", f"holds none of {wanted}")])
    return tables
