"""Commands that serve say at once when their port cannot be had."""

from __future__ import annotations

import socket

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError


@pytest.mark.parametrize("command", ["web", "serve"])
def test_a_port_in_use_is_named_before_any_work_is_done(command):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        bind = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(CommandError, match=rf"cannot serve on '{bind}' \(.*in use.*\); choose another"):
            call_command(command, bind=bind)


@pytest.mark.parametrize("bind", ["8000", "127.0.0.1:http", "127.0.0.1:70000", "no.such.host.invalid:8000"])
def test_an_address_that_is_none_is_refused(bind):
    with pytest.raises(CommandError, match="cannot serve on"):
        call_command("web", bind=bind)
