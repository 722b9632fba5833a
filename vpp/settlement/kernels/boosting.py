"""Gradient boosting as a challenger, shown beside a programme's method; settled on only if the programme says so."""

from dataclasses import dataclass

import numpy as np

from vpp.settlement.kernels.answers import BaselineAnswer, FloatArray
from vpp.settlement.kernels.training import Frame, learnt_answer, local_clock, refused, training_span


@dataclass(frozen=True, slots=True)
class BoostingRule:
    """Seed and size of the model: with the library's version and the training rows they reproduce a result."""

    lookback_days: int = 90
    seed: int = 1
    max_iter: int = 200
    learning_rate: float = 0.1
    min_days: int = 14


def answer_boosting(frame: Frame, rule: BoostingRule, method: str = "GRADIENT_BOOSTING") -> BaselineAnswer:
    """A model of this series alone: time of day, weekday, holiday and, where given, temperature."""
    import sklearn
    from sklearn.ensemble import HistGradientBoostingRegressor

    rows = training_span(frame, rule.lookback_days) & ~np.isnan(frame.values_kwh)
    needed = rule.min_days * 86400 // frame.series.step_s
    if int(rows.sum()) < needed:
        return refused(frame, method, f"{int(rows.sum())} intervals to learn from, {needed} needed")
    features = _features(frame)
    model = HistGradientBoostingRegressor(
        random_state=rule.seed, max_iter=rule.max_iter, learning_rate=rule.learning_rate, early_stopping=False
    )
    model.fit(features[rows], frame.values_kwh[rows])
    index = frame.slot_index
    predicted = np.full(index.size, np.nan)
    predicted[index >= 0] = model.predict(features[index[index >= 0]])
    made_by = {"seed": rule.seed, "library": f"scikit-learn {sklearn.__version__}", "training_rows": int(rows.sum())}
    return learnt_answer(frame, method, predicted, {"challenger": True, **made_by})


def _features(frame: Frame) -> FloatArray:
    """(T, F) what the model sees of each interval."""
    minutes, weekdays, ordinals = local_clock(frame.starts, frame.zone)
    holidays = np.array([day.toordinal() for day in frame.circumstances.holidays], dtype=np.int64)
    columns: list[FloatArray] = [
        column.astype(np.float64) for column in (minutes, weekdays, np.isin(ordinals, holidays))
    ]
    if frame.temperature_f is not None:
        columns.append(frame.temperature_f)
    return np.column_stack(columns)
