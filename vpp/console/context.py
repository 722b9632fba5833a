"""What every page may use."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest


def house_zone(request: HttpRequest) -> dict[str, str]:
    """The zone in which pages tell moments that belong to no market."""
    return {"house_zone": settings.HOUSE_ZONE}
