"""A service of its own for a benchmark: a durable database, migrated, in a folder that goes with it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def scratch_service() -> Iterator[Path]:
    """Its data folder. Django is set up on it, so what needs models is imported inside the block."""
    folder = Path(tempfile.mkdtemp(prefix="vpp-bench-"))
    folder.chmod(0o711)  # the server may run as another system user, see EmbeddedPostgres
    os.environ |= {"VPP_DATA_DIR": str(folder), "DJANGO_SETTINGS_MODULE": "vpp.settings"}
    from vpp.lib.embedded_postgres import EmbeddedPostgres

    server = EmbeddedPostgres(folder)
    try:
        os.environ["DATABASE_URL"] = server.ensure_running()
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        yield folder
    finally:
        server.release()
        shutil.rmtree(folder, ignore_errors=True)
