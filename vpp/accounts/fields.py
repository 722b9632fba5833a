"""Fields of what requests say, where the framework's would guess."""

from __future__ import annotations

from datetime import datetime

from rest_framework import serializers


class Moment(serializers.DateTimeField):
    """A moment with its offset from UTC: one without would be read in a zone that its sender did not mean."""

    default_error_messages = {"naive": "a moment needs its offset from UTC, as 2016-03-11T11:00:00+01:00 or ...Z"}

    def enforce_timezone(self, value: datetime) -> datetime:
        if value.tzinfo is None:
            self.fail("naive")
        return super().enforce_timezone(value)
