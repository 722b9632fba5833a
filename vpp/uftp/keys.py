"""Signing keys, and secrets kept under the service's key."""

from __future__ import annotations

import hashlib
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from datetime import datetime

from django.conf import settings

from vpp.lib.errors import DomainError
from vpp.uftp.models import OwnKey

PUBLIC_BYTES = 32
DNS_PREFIX = "cs1."


class BadKey(DomainError):
    """Not 32 bytes in base64, with or without the prefix `cs1.`."""

    code = "bad_key"


def seal_secret(text: str) -> str:
    """Encrypted with a key derived from VPP_SECRET_KEY."""
    return b64encode(_box().encrypt(text.encode())).decode()


def open_secret(sealed: str) -> str:
    return str(_box().decrypt(b64decode(sealed)).decode())


def _box():  # type: ignore[no-untyped-def]
    from nacl.secret import SecretBox

    return SecretBox(hashlib.sha256(b"uftp:" + settings.SECRET_KEY.encode()).digest())


def clean_public_key(text: str) -> str:
    """As it is stored; DNS writes it with `cs1.` before it. Raises BadKey."""
    bare = text.strip().removeprefix(DNS_PREFIX)
    try:
        size = len(b64decode(bare, validate=True))
    except (Base64Error, ValueError):
        size = 0
    if size != PUBLIC_BYTES:
        raise BadKey("a public key is 32 bytes in base64 (44 characters)")
    return bare


def make_own_key(*, at: datetime) -> OwnKey:
    """A new signing key of ours; from now on it signs."""
    from nacl.bindings import crypto_sign_keypair

    public, private = crypto_sign_keypair()
    return OwnKey.objects.create(
        public_key=b64encode(public).decode(),
        private_key_sealed=seal_secret(b64encode(private).decode()),
        created_at=at,
    )


def own_key(*, at: datetime) -> OwnKey:
    """The key that signs; made on first use."""
    return OwnKey.objects.order_by("-pk").first() or make_own_key(at=at)
