"""Numbers as people type them: a point or a comma for decimals, spaces between thousands. Nothing is guessed.

A browser's own number field drops what is not of its language, so that "36,5" becomes 365; here it stays a text until
it is read, and what can be read in two ways is refused.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

SPACES = re.compile(r"[\s\u00a0\u202f']")
THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}([.,]\d{3})+")
NO_NUMBER = _("Write a number, as 1234.5.")


def decimal_mark() -> str:
    return "," if (get_language() or "").startswith("de") else "."


def plain_number(text: str) -> str:
    """The same with a point for decimals, as Python reads it. Raises ValidationError where it means two numbers.

    "1,234" is one to a German reader and may be 1234 to an English one, as "1.234" the other way round.
    """
    plain = SPACES.sub("", text).replace("\u2212", "-")
    marks = [mark for mark in plain if mark in ".,"]
    foreign = THOUSANDS.fullmatch(plain) and marks != [decimal_mark()]
    if len(marks) > 1 or foreign:
        raise ValidationError(_("“%(text)s” can be read in two ways; write 1234.5 for it.") % {"text": text})
    return plain.replace(",", ".")


def shown(value: float | Decimal) -> str:
    """As `plain_number` reads it again in the same language."""
    text = f"{value:.12g}" if isinstance(value, float) else str(value)
    return text.replace(".", decimal_mark())


class TypedNumber(forms.TextInput):
    """A line of text for a number; a phone shows its digits."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__({"inputmode": "decimal", "autocomplete": "off"} | (attrs or {}))

    def format_value(self, value: Any) -> str | None:
        """What was typed as it was typed, a number in the reader's language."""
        if value is None or isinstance(value, str):
            return value
        return shown(value)


class HiddenNumber(TypedNumber):
    input_type = "hidden"


class NumberField(forms.FloatField):
    widget, hidden_widget = TypedNumber, HiddenNumber
    default_error_messages = {"invalid": NO_NUMBER}

    def to_python(self, value: Any) -> Any:
        return super().to_python(plain_number(value) if isinstance(value, str) else value)


class AmountField(forms.DecimalField):
    widget, hidden_widget = TypedNumber, HiddenNumber
    default_error_messages = {"invalid": NO_NUMBER}

    def to_python(self, value: Any) -> Any:
        return super().to_python(plain_number(value) if isinstance(value, str) else value)
