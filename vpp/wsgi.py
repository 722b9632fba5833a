"""The web process: `waitress-serve vpp.wsgi:application`, or any other WSGI server."""

import os

from vpp.lib.embedded_postgres import ensure_database

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "vpp.settings")
ensure_database()

from django.core.wsgi import get_wsgi_application  # noqa: E402

application = get_wsgi_application()
