"""The `--bind` of commands that serve."""

from __future__ import annotations

from argparse import ArgumentParser
from socket import socket

from django.core.management.base import CommandError

from vpp.jobs.web import CannotListen, listening_socket


def add_bind(parser: ArgumentParser) -> None:
    parser.add_argument("--bind", default="127.0.0.1:8000", help="host:port; loopback unless told otherwise")


def listening_on(bind: str) -> socket:
    """The port, taken before any work is done. Raises CommandError where it cannot be had."""
    try:
        return listening_socket(bind)
    except CannotListen as error:
        raise CommandError(str(error), returncode=1) from None
