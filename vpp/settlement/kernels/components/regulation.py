"""Regulation performance scores. Signals and responses are arrays of one step; any unit of power, both alike."""

from dataclasses import dataclass

import numpy as np

from vpp.settlement.kernels.answers import FloatArray


@dataclass(frozen=True, slots=True)
class RegulationScore:
    """The three scores and their mean, each in [0, 1]; delay_s is the shift that fits best."""

    correlation: float
    delay: float
    precision: float
    delay_s: float

    @property
    def total(self) -> float:
        return (self.correlation + self.delay + self.precision) / 3


def pjm_score(
    signal: FloatArray,
    response: FloatArray,
    *,
    step_s: int = 10,
    window_s: int = 300,
    longest_delay_s: int = 300,
) -> RegulationScore:
    """PJM Manual 12, 4.5.6 in its form before the precision-led scoring of late 2025.

    signal, response : (T,) of the same instants. The windows of `window_s` are scored one by one and averaged; a window
    is compared with the response shifted by 0..`longest_delay_s`, so that the last shifts need that much more response.

    correlation = max over shifts of corr(signal, shifted response), floor 0; delay = |shift - longest| / longest;
    precision = 1 - mean |response - signal| / mean |signal|, floor 0 (without a shift). A window whose signal or
    response stands still has no correlation: it counts 0 unless both stand still at the same value. NaN is no response:
    it counts as 0.
    """
    if signal.shape != response.shape:
        raise ValueError(f"signal {signal.shape}, response {response.shape}")
    width, shifts = window_s // step_s, longest_delay_s // step_s
    answered = np.nan_to_num(response, nan=0.0)
    scores = [
        _window_score(signal[first : first + width], answered[first : first + width + shifts], step_s, longest_delay_s)
        for first in range(0, signal.size - width + 1, width)
    ]
    if not scores:
        raise ValueError("the signal is shorter than one window")
    means = np.mean([[one.correlation, one.delay, one.precision, one.delay_s] for one in scores], axis=0)
    return RegulationScore(*(float(value) for value in means))


def _window_score(signal: FloatArray, response: FloatArray, step_s: int, longest_delay_s: int) -> RegulationScore:
    width = signal.size
    shifts = range(response.size - width + 1)
    found = [_correlation(signal, response[shift : shift + width]) for shift in shifts]
    best = int(np.argmax(found))  # the earliest of equals
    size = float(np.abs(signal).mean())
    error = float(np.abs(response[:width] - signal).mean())
    precision = max(0.0, 1 - error / size) if size > 0 else float(error == 0)
    delay = abs(best * step_s - longest_delay_s) / longest_delay_s
    return RegulationScore(found[best], delay if found[best] > 0 else 0.0, precision, float(best * step_s))


def _correlation(signal: FloatArray, response: FloatArray) -> float:
    a, b = signal - signal.mean(), response - response.mean()
    size = float(np.sqrt((a @ a) * (b @ b)))
    if size == 0:
        return float(np.array_equal(signal, response))
    return max(0.0, float(a @ b) / size)


def caiso_accuracy(setpoint: FloatArray, telemetry: FloatArray) -> float:
    """CAISO: max(0, 1 - sum |setpoint - telemetry| / sum |setpoint|) of a 15-minute interval; NaN telemetry counts 0.

    Where nothing was asked for: 1 if nothing was done, else 0.
    """
    asked = float(np.abs(setpoint).sum())
    error = float(np.abs(setpoint - np.nan_to_num(telemetry, nan=0.0)).sum())
    if asked == 0:
        return float(error == 0)
    return max(0.0, 1 - error / asked)


def mileage(setpoint: FloatArray) -> float:
    """Instructed mileage: the sum of the setpoint's moves, in its unit."""
    return float(np.abs(np.diff(setpoint)).sum())
