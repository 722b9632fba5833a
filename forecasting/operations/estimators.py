"""Estimators of a zone: taken from the table as long as they are good, fitted weekly, kept by version, rolled back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction

from forecasting import queries
from forecasting.models import Estimator
from forecasting.operations.errors import NothingToRollBack

if TYPE_CHECKING:
    from forecasting.kernels.climb import TrainedClass

BOOSTED = "BOOSTED"


@dataclass
class ZoneModels:
    """Gradient models of a zone by class, the versions that its runs use, and why one could not be used."""

    zone_code: str
    issue: datetime
    usable: dict[str, TrainedClass] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)

    def key(self, class_name: str) -> str:
        return gradient_key(self.zone_code, class_name)


def gradient_key(zone_code: str, class_name: str) -> str:
    return f"gradient:{zone_code}:{class_name}"


def stored_models(zone_code: str, class_names: Iterable[str], issue: datetime) -> ZoneModels:
    """The models whose weekly fit is not due at the issue; a damaged or outgrown one is noted, and fitted anew."""
    from forecasting.kernels.stored_model import UnusableModel, from_numbers

    found = ZoneModels(zone_code, issue)
    names = {gradient_key(zone_code, name): name for name in class_names}
    for key, row in queries.stored_estimators(list(names), at=issue).items():
        try:
            found.usable[names[key]] = from_numbers(row.parameters, row.numbers)
        except UnusableModel as error:
            found.notes[names[key]] = f"stored version {row.version}: {error}"
        else:
            found.versions[key] = row.version
    return found


def keep_models(models: ZoneModels, trained: dict[str, TrainedClass], *, data_until: datetime) -> None:
    """Store new fits as the next version of their class; one made by a call that was killed since is found again."""
    from forecasting.kernels.stored_model import to_numbers

    for name, one in trained.items():
        key = models.key(name)
        parameters, numbers = to_numbers(one)
        try:
            with transaction.atomic():
                row = Estimator.objects.create(
                    series_key=key,
                    version=next_version(key),
                    kind=BOOSTED,
                    parameters=parameters,
                    numbers=numbers,
                    data_until=data_until,
                    fitted_at=models.issue,
                )
        except IntegrityError:  # another process fitted the same at the same time
            row = Estimator.objects.filter(series_key=key).latest("version")
        models.versions[key] = row.version


def next_version(key: str) -> int:
    newest = Estimator.objects.filter(series_key=key).order_by("-version").values_list("version", flat=True).first()
    return (newest or 0) + 1


def roll_back(*, series_key: str, at: datetime) -> Estimator:
    """Withdraw the newest version that stands; returns the one before it, which serves from now on.

    It serves for a week before a new fit is due, so that what was withdrawn is not made again the next morning.
    Raises NothingToRollBack.
    """
    with transaction.atomic():
        standing = list(
            Estimator.objects.select_for_update()
            .filter(series_key=series_key, withdrawn_at=None)
            .order_by("-version")[:2]
        )
        if len(standing) < 2:
            raise NothingToRollBack(f"{series_key}: there is no version to go back to", series_key=series_key)
        newest, before = standing
        newest.withdrawn_at = at
        newest.save(update_fields=["withdrawn_at"])
    return before


def reinstate(*, series_key: str, version: int) -> Estimator:
    """Let a withdrawn version stand again. Raises NothingToRollBack."""
    changed = Estimator.objects.filter(series_key=series_key, version=version).exclude(withdrawn_at=None)
    if not changed.update(withdrawn_at=None):
        raise NothingToRollBack(f"{series_key}: version {version} is not withdrawn", series_key=series_key)
    return Estimator.objects.get(series_key=series_key, version=version)
