"""A site's first readings as a file: an example with its codes, and taking one in while no gateway speaks for it."""

from __future__ import annotations

import csv
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from telemetry import operations
from telemetry.ingest.files import ImportReport
from telemetry.protocols.file_types import FileFormat, UnreadableFile
from telemetry.protocols.files import read_file
from vpp.accounts.operations import audit
from vpp.accounts.principals import principal_of
from vpp.console.access import Role, require_role, staff_page
from vpp.console.refusals import told as in_their_words
from vpp.enrollment.models import Site
from vpp.lib import clock

MOST_BYTES = 4 * 1024 * 1024
STEP = timedelta(minutes=15)
QUARTERS = 8  # two hours: first as it likes, then moved up by all it can give


def _site(request: HttpRequest, code: str) -> Site:
    return get_object_or_404(Site.objects.visible_to(principal_of(request)), code=code)


@require_GET
@staff_page
def example(request: HttpRequest, code: str) -> HttpResponse:
    """A CSV file as `take_in` wants it: the last two hours of each device of the site, with made-up powers."""
    require_role(request, Role.OPERATOR, Role.ADMIN)
    at, devices = clock.now(), _site(request, code).devices.order_by("pk")
    end = at - timedelta(seconds=at.timestamp() % STEP.total_seconds())
    response = HttpResponse(content_type="text/csv")
    response["Content-Disposition"] = f'attachment; filename="readings-{code}.csv"'
    rows = csv.writer(response)
    rows.writerow(["time", "device", "power_kw"])
    for number in range(QUARTERS):
        for device in devices:
            moved = device.controllable and number >= QUARTERS // 2
            power_kw = 0.5 * device.max_consumption_kw - device.max_production_kw * moved
            rows.writerow([(end - (QUARTERS - number) * STEP).isoformat(), device.code, round(power_kw, 3)])
    return response


@require_POST
@staff_page
def take_in(request: HttpRequest, code: str) -> HttpResponse:
    """Readings of this site's devices, and of no other's, out of a CSV file."""
    require_role(request, Role.OPERATOR, Role.ADMIN)
    site, sent = _site(request, code), request.FILES.get("readings")
    if not isinstance(sent, UploadedFile) or (sent.size or 0) > MOST_BYTES:
        messages.error(request, _("Choose a CSV file of at most %(mb)d MB.") % {"mb": MOST_BYTES // 1024**2})
    else:
        try:
            report = _import(site, sent)
        except UnreadableFile as error:
            messages.error(request, in_their_words(error, site.time_zone))
        else:
            after = {"accepted": report.accepted, "refused": report.refused}
            audit(at=clock.now(), actor=request.user, action="site.readings_imported", subject=site, after=after)
            told = {"rows": report.rows, "accepted": report.accepted, "refused": report.refused}
            why = "".join(f" {count} {reason}." for reason, count in report.reasons.most_common())
            messages.success(request, _("%(rows)d readings: %(accepted)d taken in, %(refused)d refused.") % told + why)
    return redirect(reverse("console:enroll_site", args=[site.code]) + "?step=telemetry")


def _import(site: Site, sent: UploadedFile) -> ImportReport:
    """Raises UnreadableFile, also where a device is another site's; then nothing is stored."""
    with TemporaryDirectory(prefix="vpp-readings-") as folder:
        path, content = Path(folder) / f"{Path(sent.name or 'readings').stem}.csv", sent.read()
        path.write_bytes(content)
        file = read_file(path, _form_of(content), lambda _count: None)
        own = set(site.devices.values_list("code", flat=True))
        if foreign := sorted(set(file.codes) - own):
            raise UnreadableFile(path, _("%(code)s is no device of this site") % {"code": foreign[0]})
        return operations.import_file(file, at=clock.now(), progress=lambda _count: None)


def _form_of(content: bytes) -> FileFormat:
    """As spreadsheets write it: where the first line is parted by semicolons, commas are decimals."""
    first = content.partition(b"\n")[0]
    if b";" not in first or b"," in first:
        return FileFormat()
    return FileFormat(delimiter=";", decimal="," if b"," in content else ".")
