"""A database column for one numeric array: packed little-endian bytes, a numpy array in Python."""

from __future__ import annotations

from typing import Any

import numpy as np
from django.db import models
from numpy.typing import NDArray


class PackedArrayField(models.BinaryField):
    """Array of floats of a fixed type; NaN is refused, because a forecast is always a number.

    In Python the value is a read-only (n,) numpy array, in the database bytea of n * itemsize bytes.
    """

    _pyi_private_get_type: Any  # an array; read by the type checker's Django plugin
    _pyi_private_set_type: Any

    def __init__(self, *args: Any, dtype: str = "<f8", **kwargs: Any) -> None:
        self.dtype = np.dtype(dtype)
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        return name, path, args, kwargs | {"dtype": self.dtype.str}

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> NDArray[np.floating] | None:
        return None if value is None else np.frombuffer(bytes(value), dtype=self.dtype)

    def get_prep_value(self, value: Any) -> bytes | None:
        if value is None or isinstance(value, (bytes, memoryview)):
            return value if value is None else bytes(value)
        array = np.ascontiguousarray(value, dtype=self.dtype).ravel()
        if not np.isfinite(array).all():
            raise ValueError(f"{self.name}: NaN or infinite value")
        return array.tobytes()

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        return super().get_db_prep_value(value if prepared else self.get_prep_value(value), connection, True)

    def value_to_string(self, obj: models.Model) -> str:
        return str(np.asarray(self.value_from_object(obj)).tolist())

    def to_python(self, value: Any) -> Any:
        return value
