"""PgBouncer in transaction mode, in front of the PostgreSQL server of the tests."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import make_url

from serving import free_port

# Fewer connections than clients, so that the sessions of the clients share them.
_CONNECTIONS = 2

_CONFIGURATION = """\
[databases]
* = {server}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {connections}
max_client_conn = 200
{user}
"""


def pgbouncer_program() -> str:
    """Return the path of PgBouncer. Without it the test is skipped; with ``CI=true`` it fails."""
    found = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin:/usr/local/sbin")
    if found is None:
        message = "PgBouncer is not installed; install Debian's package pgbouncer"
        assert os.environ.get("CI") != "true", message
        pytest.skip(message)
    return found


@contextmanager
def pooler(server: str, folder: Path) -> Iterator[str]:
    """Run PgBouncer for the databases of a server; yield its address as ``host:port``."""
    program, port = pgbouncer_program(), free_port()
    url = make_url(server)
    host = url.query.get("host", url.host)
    given = {"host": host, "port": url.port, "user": url.username, "password": url.password}
    target = " ".join(f"{name}={value}" for name, value in given.items() if value)
    user = ""
    if os.geteuid() == 0:
        # It refuses to run as root. The socket of the server may be in a folder that only its owner may open.
        owner = Path(str(host)).stat().st_uid if str(host).startswith("/") else pwd.getpwnam("nobody").pw_uid
        user = f"user = {pwd.getpwuid(owner).pw_name}"
    configuration = folder / "pgbouncer.ini"
    text = _CONFIGURATION.format(server=target, port=port, connections=_CONNECTIONS, user=user)
    configuration.write_text(text, encoding="utf-8")
    with subprocess.Popen([program, str(configuration)], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            lines = []
            for line in process.stderr:
                lines.append(line)
                if "process up" in line:
                    break
            assert process.poll() is None, lines
            yield f"127.0.0.1:{port}"
        finally:
            # At once: clients may have left transactions open.
            process.terminate()
            process.stderr.read()
