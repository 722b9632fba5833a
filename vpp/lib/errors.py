"""The base of every error that a caller can mend: it carries a stable code and a sentence that names the place."""

from __future__ import annotations

from typing import Any


class DomainError(Exception):
    """Raised below the edges; the API answers it with `http_status`, `code`, the message and the details."""

    code = "invalid"
    http_status = 400

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details = details


class NotFound(DomainError):
    code = "not_found"
    http_status = 404


class Conflict(DomainError):
    code = "conflict"
    http_status = 409


class Unprocessable(DomainError):
    """Well formed, but against a rule."""

    code = "unprocessable"
    http_status = 422
