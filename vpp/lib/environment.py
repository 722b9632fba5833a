"""Settings from the environment: a bad value stops the start with a sentence that names the variable."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import parse_qs, unquote, urlparse
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


class BadEnvironment(SystemExit):
    """A variable holds something that cannot be used."""

    def __init__(self, variable: str, reason: str) -> None:
        super().__init__(f"{variable}: {reason}")


def flag(variable: str, default: bool) -> bool:
    text = os.environ.get(variable, "").strip().lower()
    if not text:
        return default
    if text in {"1", "true", "yes", "on"}:
        return True
    if text in {"0", "false", "no", "off"}:
        return False
    raise BadEnvironment(variable, f"{text!r} is neither true nor false")


def integer(variable: str, default: int, *, minimum: int = 0) -> int:
    text = os.environ.get(variable, "").strip()
    if not text:
        return default
    try:
        value = int(text)
    except ValueError:
        raise BadEnvironment(variable, f"{text!r} is not a whole number") from None
    if value < minimum:
        raise BadEnvironment(variable, f"{value} is below {minimum}")
    return value


def words(variable: str, default: str) -> list[str]:
    """A comma-separated list."""
    return [word.strip() for word in os.environ.get(variable, default).split(",") if word.strip()]


def zone(variable: str, default: str) -> str:
    """An IANA name."""
    name = os.environ.get(variable, "").strip() or default
    try:
        ZoneInfo(name)
    except (ValueError, OSError, ZoneInfoNotFoundError):
        raise BadEnvironment(variable, f"{name!r} is no time zone; want a name such as Europe/Berlin") from None
    return name


def database(url: str) -> dict[str, Any]:
    """Django's database settings from `postgresql://user:password@host:port/name?host=/socket/folder&sslmode=...`."""
    parts = urlparse(url)
    if parts.scheme not in {"postgres", "postgresql"}:
        raise BadEnvironment("DATABASE_URL", f"want postgresql://..., got a {parts.scheme or 'missing'!r} scheme")
    name = unquote(parts.path.lstrip("/"))
    if not name:
        raise BadEnvironment("DATABASE_URL", "names no database after the host")
    query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": query.pop("host", None) or unquote(parts.hostname or ""),
        "PORT": str(parts.port or ""),
        "CONN_MAX_AGE": 60,
        "OPTIONS": query,
    }
