"""What a sender can get wrong about a whole message."""

from __future__ import annotations

from vpp.lib.errors import DomainError


class MalformedBody(DomainError):
    """The message cannot be read at all; nothing of it was kept."""

    code = "malformed_body"


class TooManyRows(DomainError):
    code = "too_many_rows"
    http_status = 413


class BodyTooLarge(DomainError):
    code = "body_too_large"
    http_status = 413


class UnsupportedMedia(DomainError):
    code = "unsupported_media_type"
    http_status = 415
