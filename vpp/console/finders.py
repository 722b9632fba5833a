"""Serves plotly.js out of the installed plotly package, so that charts come from our own origin.

The library is 4.8 MB; a compressed copy is made once per version in the data folder, for WhiteNoise to send instead.
"""

from __future__ import annotations

import gzip
import os
import shutil
from collections.abc import Iterable, Iterator
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import BaseFinder
from django.core.files.storage import FileSystemStorage

PREFIX = "plotly"
FILE = "plotly.min.js"
FILES = (FILE, f"{FILE}.gz")


def _package_data() -> Path:
    """Where the wheel keeps the library; looked up without importing the package, which is slow to load."""
    spec = find_spec("plotly")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("the package plotly is not installed")
    return Path(spec.submodule_search_locations[0]) / "package_data"


def compressed_folder() -> Path:
    """The folder with the library and its compressed copy, made where it is missing; two may do so at once."""
    folder = Path(settings.DATA_DIR) / "compressed" / f"plotly-{version('plotly')}"
    if all((folder / name).exists() for name in FILES):
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    source = _package_data() / FILE
    _write(folder / FILE, source.read_bytes())
    _write(folder / f"{FILE}.gz", gzip.compress(source.read_bytes(), compresslevel=9, mtime=0))
    shutil.copystat(source, folder / FILE)  # the age that browsers compare
    return folder


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all."""
    unfinished = path.with_name(f"{path.name}.{os.getpid()}")
    unfinished.write_bytes(content)
    unfinished.replace(path)


class PlotlyFinder(BaseFinder):
    """Finds `plotly/plotly.min.js` and its compressed copy, and nothing else of the package."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.storage = FileSystemStorage(location=compressed_folder())
        self.storage.prefix = PREFIX  # type: ignore[attr-defined]
        super().__init__(*args, **kwargs)

    def check(self, **kwargs: Any) -> list[Any]:
        return []

    def find(self, path: str, find_all: bool = False, **kwargs: Any) -> Any:
        if path not in {f"{PREFIX}/{name}" for name in FILES}:
            return []
        found = self.storage.path(path.removeprefix(f"{PREFIX}/"))
        return [found] if find_all else found

    def list(self, ignore_patterns: Iterable[str] | None) -> Iterator[tuple[str, FileSystemStorage]]:
        for name in FILES:
            yield name, self.storage
