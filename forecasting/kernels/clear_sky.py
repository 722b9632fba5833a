"""What the sun could give on a clear day: for panels of which no reading is known yet.

Irradiance by Haurwitz (1945), J. Meteorology 2, the best of the models that need the sun's height alone (Reno, Hansen &
Stein 2012, SAND2012-2389), sun angles by Spencer (1971); both from pvlib.
"""

import numpy as np
from numpy.typing import NDArray

from forecasting.kernels.arrays import Floats

STANDARD_W_PER_M2 = 1000.0  # at which a panel is rated
CLEARNESS = np.array([0.1, 0.55, 0.9])  # of clear-sky power on level ground, low, usual and high: many skies and tilts


def clear_power_pu(
    starts: NDArray[np.datetime64], latitude_deg: float, longitude_deg: float, step_minutes: int
) -> Floats:
    """(T,) clear-sky irradiance on level ground in the middle of UTC intervals, as a share of 1000 W/m2."""
    import pandas as pd
    from pvlib.clearsky import haurwitz
    from pvlib.solarposition import declination_spencer71, equation_of_time_spencer71, solar_zenith_analytical

    seconds = starts.astype("datetime64[s]").astype(np.int64) + step_minutes * 30
    day = seconds.astype("datetime64[s]").astype("datetime64[D]")
    of_year = (day - day.astype("datetime64[Y]")).astype(np.int64) + 1
    solar_hours = seconds % 86_400 / 3600 + longitude_deg / 15 + equation_of_time_spencer71(of_year) / 60
    angle = np.radians(15 * (solar_hours - 12))
    zenith = solar_zenith_analytical(np.radians(latitude_deg), angle, declination_spencer71(of_year))
    clear: Floats = haurwitz(pd.Series(np.degrees(zenith)))["ghi"].to_numpy() / STANDARD_W_PER_M2
    return clear
