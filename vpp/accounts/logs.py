"""Logs as one JSON object a line."""

from __future__ import annotations

import json
import logging


class JsonFormatter(logging.Formatter):
    """time, level, logger, message, and the trace id of the ask or run where the caller gave one (extra "trace")."""

    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if trace := getattr(record, "trace", None):
            entry["trace"] = str(trace)
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False)
