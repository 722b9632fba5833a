"""Import files of sites and devices: looked at first, stored by a second click."""

from __future__ import annotations

import base64
from pathlib import Path
from tempfile import TemporaryDirectory

from django.contrib import messages
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from vpp.console.access import Role, require_role, staff_page
from vpp.console.refusals import told
from vpp.enrollment.operations import ImportRefused, import_folder
from vpp.enrollment.preview import is_table, preview_files, write_files
from vpp.enrollment.tables import COLUMNS
from vpp.lib import clock

MOST_BYTES = 8 * 1024 * 1024
SALT = "console.import"
VALID_S = 3600


@require_http_methods(["GET", "POST"])
@staff_page
def bulk_import(request: HttpRequest) -> HttpResponse:
    """The files travel with the page, signed, until the second click; nothing is kept in between."""
    require_role(request, Role.OPERATOR, Role.ADMIN)
    context = {"here": "enrollment", "columns": COLUMNS.items(), "most_mb": MOST_BYTES // 1024**2}
    if request.method == "GET":
        return render(request, "console/import.html", context)
    if "sealed" in request.POST:
        return _store(request)
    files = {file.name or "": file.read() for file in request.FILES.getlist("files")}
    if not files or sum(len(content) for content in files.values()) > MOST_BYTES:
        context["refusal"] = _("Choose files of at most %(mb)d MB together.") % {"mb": context["most_mb"]}
        return render(request, "console/import.html", context, status=422)
    if strange := [name for name in files if not is_table(name)]:
        named = {"name": strange[0], "tables": ", ".join(f"{table}.csv" for table in COLUMNS)}
        context["refusal"] = _("%(name)s is none of the tables: %(tables)s (or .json). Nothing was taken.") % named
        return render(request, "console/import.html", context, status=422)
    try:
        preview = preview_files(files)
    except ImportRefused as refused:
        context["faults"] = refused.faults
        return render(request, "console/import.html", context, status=422)
    context |= {"preview": preview, "faults": preview.faults, "sealed": "" if preview.faults else seal(files)}
    return render(request, "console/import.html", context, status=422 if preview.faults else 200)


def seal(files: dict[str, bytes]) -> str:
    texts = {name: base64.b64encode(content).decode() for name, content in files.items()}
    return signing.dumps(texts, salt=SALT, compress=True)


def _store(request: HttpRequest) -> HttpResponse:
    try:
        texts = signing.loads(request.POST["sealed"], salt=SALT, max_age=VALID_S)
        with TemporaryDirectory(prefix="vpp-import-") as folder:
            write_files({name: base64.b64decode(text) for name, text in texts.items()}, Path(folder))
            report = import_folder(Path(folder), at=clock.now(), actor=request.user)
        counts = ", ".join(f"{name}: {rows} ({report.made[name]} {_('new')})" for name, rows in report.rows.items())
        messages.success(request, _("Imported. %(told)s") % {"told": counts})
        return redirect("console:enrollment")
    except signing.BadSignature:
        messages.error(request, _("The preview is older than an hour or was changed; choose the files again."))
    except ImportRefused as refused:
        messages.error(request, f"{told(refused)}: {'; '.join(told(str(one)) for one in refused.faults[:5])}")
    return redirect("console:import")
