#!/usr/bin/env python
"""Start of every staff command: `python manage.py help` lists them."""

import os
import sys

NEEDS_NO_DATABASE = {
    "help",
    "version",
    "--version",
    "collectstatic",
    "makemessages",
    "makemigrations",
    "compilemessages",
    "spectacular",
    "demo",
}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "vpp.settings")
    # Numeric libraries would start a thread per core in every worker; many small problems run faster one thread each.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from django.core.management import execute_from_command_line

    from vpp.lib.embedded_postgres import ensure_database

    wants_help = not sys.argv[1:] or "--help" in sys.argv or "-h" in sys.argv
    if not wants_help and sys.argv[1] not in NEEDS_NO_DATABASE:
        ensure_database()
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
