from __future__ import annotations

from datetime import date, datetime

import pytest
import requests

from tests.apps.uftp.desk import Desk, make_desk


@pytest.fixture
def desk(db: None, at: datetime, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """The evening of 14 July 2016, seen the day before at 08:00 UTC."""
    made = make_desk(date(2016, 7, 14), at.replace(hour=8))
    monkeypatch.setattr(requests, "post", made.post)
    return made
