"""Names and keys that must fit into a column."""

from __future__ import annotations

from hashlib import sha256

DIGEST = 24  # hexadecimal digits, 96 bits


def within(text: str, length: int) -> str:
    """The text where it fits; else its beginning and a digest of the whole, so that two long ones stay two."""
    if len(text) <= length:
        return text
    return f"{text[: length - DIGEST - 1]}~{sha256(text.encode()).hexdigest()[:DIGEST]}"
