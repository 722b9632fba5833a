"""Secrets that an installation makes for itself."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from vpp.lib.kept_secret import kept_secret, write_private


def test_processes_that_start_at_one_moment_get_the_same_secret(tmp_path):
    path, together = tmp_path / "new" / "secret", Barrier(8)

    def start(_number: int) -> str:
        together.wait()
        return kept_secret(path, 24)

    with ThreadPoolExecutor(8) as threads:
        (secret,) = set(threads.map(start, range(8)))
    assert len(secret) == 32 and kept_secret(path, 24) == secret
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_private_file_is_its_owners_alone_also_where_an_open_one_was_left_behind(tmp_path):
    path = tmp_path / "password.init"
    path.write_text("old")
    path.chmod(0o644)
    write_private(path, "new")
    assert path.read_text() == "new" and path.stat().st_mode & 0o777 == 0o600
