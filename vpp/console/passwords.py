"""What a password may not be made of: the words that an attacker tries first here (OWASP ASVS 4.0.3, 2.1.7)."""

from __future__ import annotations

import re

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

WORDS = (
    "virtualpowerplant", "powerplant", "kraftwerk", "aggregator", "flexibility", "password", "passwort", "welcome",
    "willkommen", "qwertz", "qwerty", "123456", "energie", "energy",
)  # fmt: skip
LEAST_REST = 8


class HouseWordsValidator:
    """Refuses passwords that are one of the house's words with little around it; there are no rules of composition."""

    def validate(self, password: str, user: object | None = None) -> None:
        bare = re.sub(r"[^a-z0-9]", "", password.lower().translate(str.maketrans("013457@$", "oieastas")))
        plain = re.sub(r"[^a-z0-9]", "", password.lower())
        for word in WORDS:
            for text in (bare, plain):
                if word in text and len(text.replace(word, "")) < LEAST_REST:
                    raise ValidationError(_("This password is a common word of this trade with little around it."))
        if len(set(password)) < 5:
            raise ValidationError(_("This password repeats the same few characters."))

    def get_help_text(self) -> str:
        return _("At least 12 characters, no word of this trade with little around it. A sentence is good.")
