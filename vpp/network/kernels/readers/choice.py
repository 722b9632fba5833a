"""Whatever form a grid comes in, to the one network file (docs/files.md) as plain lists and objects."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from vpp.network.kernels.parsing import Finding
from vpp.network.kernels.readers.csv_folder import read_csv_folder
from vpp.network.kernels.readers.pandapower_json import read_pandapower
from vpp.network.kernels.readers.simbench_folder import read_simbench_folder

FORMATS = ("network", "pandapower", "simbench", "csv")


def read(path: Path, file_format: str = "", feeder: str = "") -> tuple[dict[str, Any], list[Finding]]:
    """The network file's content, and what could not be read; with findings the content must not be used."""
    if file_format not in ("", *FORMATS):
        return {}, [Finding("unreadable", str(path), "", (), f"{file_format!r} is none of {', '.join(FORMATS)}")]
    if path.is_dir():
        simbench = file_format == "simbench" or (not file_format and (path / "Node.csv").exists())
        return read_simbench_folder(path) if simbench else read_csv_folder(path)
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        return {}, [Finding("unreadable", str(path), "", (), str(error))]
    is_pandapower = isinstance(data, dict) and data.get("_class") == "pandapowerNet"
    if file_format == "pandapower" or (not file_format and is_pandapower):
        return read_pandapower(data, feeder=feeder)
    return data, []
