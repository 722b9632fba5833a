"""Real message brokers for the tests: found on this machine, started on a free port, ended with the test."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

RABBITMQ = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
MOSQUITTO = Path("/usr/sbin/mosquitto")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_port(port: int, process: subprocess.Popen[bytes], *, timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args!r} ended with {process.returncode}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise RuntimeError(f"{process.args!r} does not listen on {port}")


def missing(what: str) -> None:
    """In CI a missing server is a failure; elsewhere the test says so and is skipped."""
    message = f"{what} is not installed (Debian package {what})"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(f"LOUD: {message}; the broker is not tried on this machine")


@contextmanager
def redis(folder: Path) -> Iterator[str]:
    binary = shutil.which("redis-server")
    if binary is None:
        missing("redis-server")
    port = free_port()
    command = [str(binary), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    with _running(command, port, env=dict(os.environ), timeout_s=90):
        yield f"redis://127.0.0.1:{port}/0"


@contextmanager
def rabbitmq(folder: Path) -> Iterator[str]:
    if not RABBITMQ.exists():
        missing("rabbitmq-server")
    port, distribution_port = free_port(), free_port()
    configuration = folder / "rabbitmq.conf"
    configuration.write_text(f"listeners.tcp.default = 127.0.0.1:{port}\nloopback_users = none\n")
    env = os.environ | {
        "HOME": str(folder),
        "RABBITMQ_NODENAME": f"vpp{port}@localhost",
        "RABBITMQ_DIST_PORT": str(distribution_port),
        "RABBITMQ_CONFIG_FILE": str(configuration),
        "RABBITMQ_MNESIA_BASE": str(folder / "data"),
        "RABBITMQ_LOG_BASE": str(folder / "log"),
        "RABBITMQ_PID_FILE": str(folder / "pid"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
        "ERL_EPMD_ADDRESS": "127.0.0.1",
    }
    with _running([str(RABBITMQ)], port, env=env, timeout_s=90):
        yield f"amqp://guest:guest@127.0.0.1:{port}"


@contextmanager
def mosquitto(folder: Path, *, port: int = 0) -> Iterator[int]:
    """An MQTT broker that forgets nothing that is not acknowledged; gives its port."""
    if not MOSQUITTO.exists():
        missing("mosquitto")
    port = port or free_port()
    configuration = folder / "mosquitto.conf"
    configuration.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\nmax_inflight_messages 0\nmax_queued_messages 0\n"
        f"persistence true\npersistence_location {folder}/\nlog_dest none\nuser root\nsys_interval 1\n"
    )
    with _running([str(MOSQUITTO), "-c", str(configuration)], port, env=dict(os.environ), timeout_s=90):
        yield port


@contextmanager
def _running(command: list[str], port: int, *, env: dict[str, str], timeout_s: float) -> Iterator[None]:
    process = subprocess.Popen(
        command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        wait_for_port(port, process, timeout_s=timeout_s)
        yield
    finally:
        os.killpg(process.pid, 15)
        try:
            process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            process.wait()
