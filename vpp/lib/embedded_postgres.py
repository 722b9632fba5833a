"""A private PostgreSQL from a wheel, for machines that have none.

The lifecycle is ours: a cluster in a data folder outside the source tree, a Unix socket in a folder that only its owner
may enter, password authentication, no TCP port. Every process that uses the server holds a shared file lock; the last
one to leave stops it, and a process that was killed leaves no lock behind.
"""

from __future__ import annotations

import atexit
import fcntl
import hashlib
import os
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING
from urllib.parse import quote

from vpp.lib.kept_secret import kept_secret, write_private
from vpp.lib.postgres_programs import MAJOR_VERSION, EmbeddedPostgresError, PostgresPrograms

if TYPE_CHECKING:
    from collections.abc import Iterator

DATABASE = "vpp"
SUPERUSER = "vpp"
SOCKET_PATH_LIMIT = 90  # sun_path holds 108 bytes and PostgreSQL appends its own file name
SETTINGS = {
    "listen_addresses": "",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "work_mem": "32MB",
    "maintenance_work_mem": "256MB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "jit": "off",
    "timezone": "UTC",
}
UNSAFE_FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def default_data_dir() -> Path:
    """`VPP_DATA_DIR`, else the user's data folder; for root a system folder that the server's own user can enter."""
    if configured := os.environ.get("VPP_DATA_DIR"):
        return Path(configured)
    if os.geteuid() == 0:
        return Path("/var/lib/vpp")
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "vpp"


@dataclass
class EmbeddedPostgres:
    """One cluster in `data_dir`; `durable=False` trades crash safety for speed and is for tests only."""

    data_dir: Path
    durable: bool = True
    _user_lock: IO[str] | None = field(default=None, repr=False)

    @property
    def cluster_dir(self) -> Path:
        return self.data_dir / f"postgres-{MAJOR_VERSION}"

    @property
    def _programs(self) -> PostgresPrograms:
        return PostgresPrograms(self.data_dir, self.cluster_dir)

    @property
    def log_file(self) -> Path:
        return self.data_dir / "postgres.log"

    @property
    def socket_dir(self) -> Path:
        inside = self.data_dir / "socket"
        if len(str(inside)) <= SOCKET_PATH_LIMIT:
            return inside
        digest = hashlib.sha256(str(self.data_dir).encode()).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"vpp-{os.geteuid()}-{digest}"

    def url(self) -> str:
        """The connection URL; makes the password on first use, starts nothing."""
        return self._url_of(DATABASE)

    def ensure_running(self) -> str:
        """Set up the cluster if there is none, start the server if it is down, hold it open until `release`."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        with self._exclusive("start.lock"):
            if not (self.cluster_dir / "PG_VERSION").exists():
                self._initialise()
            if not self._is_running():
                self._start()
            if self._user_lock is None:
                self._user_lock = self._open_lock("users.lock")
                fcntl.flock(self._user_lock, fcntl.LOCK_SH)
                atexit.register(self.release)
        return self.url()

    def release(self) -> None:
        """Let go of the server; the last user stops it."""
        if self._user_lock is None:
            return
        with self._exclusive("start.lock"):
            lock, self._user_lock = self._user_lock, None
            fcntl.flock(lock, fcntl.LOCK_UN)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return  # somebody else still works with it
            finally:
                lock.close()
            if self._is_running():
                self._programs.run("pg_ctl", "stop", "-D", str(self.cluster_dir), "-m", "fast", "-w", "-t", "60")

    def _url_of(self, database: str) -> str:
        host = quote(str(self.socket_dir), safe="")
        return f"postgresql://{SUPERUSER}:{quote(self._password())}@/{database}?host={host}"

    def _password(self) -> str:
        return kept_secret(self.data_dir / "password", 24)

    def _open_lock(self, name: str) -> IO[str]:
        return open(self.data_dir / name, "a")  # noqa: SIM115 - held open for as long as the lock is wanted

    @contextmanager
    def _exclusive(self, name: str) -> Iterator[None]:
        with self._open_lock(name) as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _initialise(self) -> None:
        """Made beside its place and then moved there: who is killed meanwhile leaves no half of a cluster."""
        made_in = self.cluster_dir.with_name(f"{self.cluster_dir.name}.part")
        shutil.rmtree(made_in, ignore_errors=True)
        programs = PostgresPrograms(self.data_dir, made_in)
        programs.make_cluster_dir()
        password_file = self.data_dir / "password.init"
        write_private(password_file, self._password())
        programs.own(password_file, 0o600)
        try:
            programs.run(
                "initdb", "-D", str(made_in), "-U", SUPERUSER, "-E", "UTF8", "--locale=C",
                "--auth=scram-sha-256", f"--pwfile={password_file}", "--no-data-checksums", "--no-sync",
            )  # fmt: skip
        finally:
            password_file.unlink()
        made_in.rename(self.cluster_dir)

    def _start(self) -> None:
        self.socket_dir.mkdir(parents=True, exist_ok=True)
        self._programs.own(self.socket_dir, 0o700)
        self.log_file.touch()
        self._programs.own(self.log_file, 0o600)
        settings = SETTINGS | ({} if self.durable else UNSAFE_FAST) | {"unix_socket_directories": str(self.socket_dir)}
        options = " ".join(f"-c {name}='{value}'" for name, value in settings.items())
        done = self._programs.run(
            "pg_ctl", "start", "-D", str(self.cluster_dir), "-l", str(self.log_file), "-o", options, "-w", "-t", "60"
        )
        if done.returncode:
            raise EmbeddedPostgresError(f"PostgreSQL does not start: {done.stderr.strip()} (log: {self.log_file})")
        self._create_database()

    def _is_running(self) -> bool:
        return self._programs.run("pg_ctl", "status", "-D", str(self.cluster_dir)).returncode == 0

    def _create_database(self) -> None:
        import psycopg

        with psycopg.connect(self._url_of("postgres"), autocommit=True) as connection:
            found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
            if found is None:
                connection.execute("CREATE DATABASE vpp")


def ensure_database() -> None:
    """Start the private server unless the environment names another one; called where a process begins."""
    if not os.environ.get("DATABASE_URL"):
        EmbeddedPostgres(default_data_dir()).ensure_running()
