"""What an installation makes for itself: its secrets, and its private database server."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from subprocess import CompletedProcess
from threading import Barrier

import pytest

from vpp.lib.embedded_postgres import EmbeddedPostgres
from vpp.lib.kept_secret import kept_secret, write_private
from vpp.lib.postgres_programs import PostgresPrograms


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


def test_a_cluster_that_was_half_made_when_its_process_was_killed_is_made_anew(tmp_path, monkeypatch):
    made: list[Path] = []

    def run(programs: PostgresPrograms, program: str, *arguments: str) -> CompletedProcess[str]:
        if program == "initdb":
            made.append(Path(arguments[1]))
            (made[-1] / "PG_VERSION").write_text("18")  # of the first files that initdb writes
            if len(made) == 1:
                raise KeyboardInterrupt
        return CompletedProcess([], 0, "", "")

    monkeypatch.setattr(PostgresPrograms, "run", run)
    monkeypatch.setattr(EmbeddedPostgres, "_start", lambda server: None)
    with pytest.raises(KeyboardInterrupt):
        EmbeddedPostgres(tmp_path).ensure_running()
    server = EmbeddedPostgres(tmp_path)
    server.ensure_running()
    server.release()
    assert len(made) == 2 and (server.cluster_dir / "PG_VERSION").exists()
