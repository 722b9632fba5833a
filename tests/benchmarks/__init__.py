"""Benchmarks take one thread a process, as `manage.py` does: set here, before any of them loads a numeric library."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
