"""What every simulated device would do undispatched, for the year 2016 in quarter hours.

Devices of one profile differ only by scale, so the file holds each profile once (``profiles.npz``: about 20 MB even for
15,000 devices, where one column per device would be 2 GB). A meter is the sum of its site's devices.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

STEP_MINUTES: Final = 15
START: Final = np.datetime64("2015-12-31T23:00:00", "s")  # 2016-01-01 00:00 at UTC+1, all year without summer time
N_ROWS: Final = 366 * 96
NO_PROFILE: Final = -1


@dataclass(frozen=True)
class DeviceProfiles:
    """Power of N devices as profile times scale, load convention (production and discharge negative).

    profiles       : (P, 35136) float32, per unit; row t is the quarter hour that starts at START + t * 15 min.
    codes          : (N,) device codes.
    profile, scale_kw           : (N,) row in ``profiles`` (-1: always 0, as an idle battery) and its factor.
    site           : (N,) number of the device's site; is_meter: (N,) the sum of the site's other devices.
    """

    profiles: NDArray[np.float32]
    codes: tuple[str, ...]
    profile: NDArray[np.int32]
    scale_kw: NDArray[np.float64]
    site: NDArray[np.int32]
    is_meter: NDArray[np.bool_]

    def power_kw(
        self, start: np.datetime64, end: np.datetime64, codes: Sequence[str] | None = None
    ) -> NDArray[np.float64]:
        """(N, T) mean power of each quarter hour in [start, end), naive UTC; all devices, or those of ``codes``.

        Raises ValueError for moments off the grid or outside the year, KeyError for an unknown code.
        """
        first, last = _row(start), _row(end)
        part = self.profiles[:, first:last].astype(np.float64)
        if codes is not None:
            position = {code: number for number, code in enumerate(self.codes)}
            chosen = np.array([position[code] for code in codes], dtype=np.int64)
        else:
            chosen = np.arange(len(self.codes))
        power = np.zeros((chosen.size, last - first))
        plain = (self.profile[chosen] >= 0) & ~self.is_meter[chosen]
        power[plain] = part[self.profile[chosen[plain]]] * self.scale_kw[chosen[plain], None]
        for row in np.flatnonzero(self.is_meter[chosen]):
            members = self._members(int(self.site[chosen[row]]))
            power[row] = self.scale_kw[members] @ part[self.profile[members]]
        return power

    def _members(self, site: int) -> NDArray[np.int64]:
        """Positions of the devices behind a site's meter that have a profile."""
        start, end = np.searchsorted(self.site, [site, site + 1])  # devices are written site by site
        members = np.arange(start, end)
        return members[~self.is_meter[members] & (self.profile[members] >= 0)]

    def save(self, path: Path) -> None:
        np.savez(
            path,
            profiles=self.profiles,
            codes=np.array(self.codes),
            profile=self.profile,
            scale_kw=self.scale_kw,
            site=self.site,
            is_meter=self.is_meter,
        )

    @classmethod
    def load(cls, path: Path) -> DeviceProfiles:
        with np.load(path, allow_pickle=False) as stored:
            return cls(
                profiles=stored["profiles"],
                codes=tuple(stored["codes"].tolist()),
                profile=stored["profile"],
                scale_kw=stored["scale_kw"],
                site=stored["site"],
                is_meter=stored["is_meter"],
            )


def _row(moment: np.datetime64) -> int:
    seconds = int((moment.astype("datetime64[s]") - START) / np.timedelta64(1, "s"))
    row, rest = divmod(seconds, STEP_MINUTES * 60)
    if rest or not 0 <= row <= N_ROWS:
        raise ValueError(f"{moment} is not on the quarter-hour grid of the year from {START} on")
    return row
