"""The start of the service: its address, its database, systemd, and workers that end."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlalchemy import text

from api import PLUGINS_TOML
from command import scmhost
from scmhost.cli.serve import notify_systemd
from scmhost.infra.db.engine import Store
from scmhost.infra.errors import ScmhostError
from serving import serve


def test_port_in_use_has_its_own_message_and_code(tmp_path: Path) -> None:
    """Nothing is logged as if the service listened."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        done = scmhost("serve", "--port", port, "--database-url", f"sqlite:///{tmp_path}/x.db")
    assert (done.code, "listening" in done.err) == (4, False)
    assert f"port {port} of 127.0.0.1 is in use by another program" in done.err
    wrong = scmhost("serve", "--host", "192.0.2.1", "--port", "0", "--database-url", f"sqlite:///{tmp_path}/x.db")
    assert (wrong.code, "cannot listen on port 0 of 192.0.2.1" in wrong.err) == (4, True)


UPGRADING = (["serve", "--port", "0"], ["migrate"], ["bootstrap", "--org", "a", "--project", "b"])


@pytest.mark.parametrize(
    ("revision", "problem"), [("9999", "of a newer version of scmhost; install that"), ("0012", "run scmhost migrate")]
)
def test_database_of_another_version_is_one_sentence(tmp_path: Path, revision: str, problem: str) -> None:
    """Every command says what to do, without a traceback, and changes nothing."""
    url = f"sqlite:///{tmp_path}/x.db"
    scmhost("bootstrap", "--org", "acme", "--project", "web", "--database-url", url)
    store = Store.open(url)
    with store.write() as tx:
        tx.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})
        tx.execute(text("UPDATE schema_compatibility SET oldest_code = :revision"), {"revision": revision})
    commands: Sequence[Sequence[str]] = [
        ["repositories", "list"],
        ["projects", "add", "api"],
        ["token", "list"],
        ["token", "create", "--note", "x"],
        ["commits", "send", "--org", "acme", "--repository", "a"],
        ["link", "--org", "acme", "--project", "web", os.devnull],
        ["audit", "--org", "acme"],
        ["channel", "print", "jaeger", "--org", "acme", "--url", "https://x.example"],
        # These upgrade older tables.
        *(
            [["serve", "--port", "0"], ["migrate"], ["bootstrap", "--org", "a", "--project", "b"]]
            if revision == "9999"
            else []
        ),
    ]
    for words in commands:
        done = scmhost(*words, "--database-url", url)
        assert (done.code, problem in done.err.splitlines()[-1], "Traceback" in done.err) == (1, True, False), words
    with store.read() as tx:
        assert tx.scalar(text("SELECT version_num FROM alembic_version")) == revision
    store.close()


def test_systemd_is_notified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The state is one datagram, to a path or to an abstract name; without systemd nothing happens."""
    notify_systemd("READY=1")
    path, name = str(tmp_path / "notify"), f"scmhost-{os.getpid()}"
    for address, variable in ((path, path), (f"\0{name}", f"@{name}")):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
            systemd.bind(address)
            monkeypatch.setenv("NOTIFY_SOCKET", variable)
            notify_systemd("READY=1")
            assert systemd.recv(100) == b"READY=1"
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nobody"))
    with pytest.raises(ScmhostError, match="NOTIFY_SOCKET"):
        notify_systemd("READY=1")


def test_connections_fit_the_open_files() -> None:
    """The limit of the process is raised; if the system does not allow it, there are fewer connections."""
    program = (
        "import resource; from scmhost.cli.serve import _that_fit; from scmhost.infra.settings import Limits\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (300, 600))\n"
        "for wanted in (200, 1000):\n"
        "    fitting = _that_fit(Limits(connections=wanted)).connections\n"
        "    print(fitting, *resource.getrlimit(resource.RLIMIT_NOFILE))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert [line for line in done.stdout.splitlines() if line[0].isdigit() and "[" not in line] == [
        "200 456 600",
        "344 600 600",
    ]


def test_settings_of_the_server_and_workers_that_end(tmp_path: Path) -> None:
    """The file has the level, the environment overrides the workers. A killed worker is logged, counted and replaced;
    without their supervisor the workers end, and the port is free again.
    """
    config = PLUGINS_TOML + '[server]\nworkers = 1\nlog_level = "debug"\nforwarded_allow_ips = "127.0.0.1"\n'
    config += "[host.metrics]\nenabled = true\n"
    (tmp_path / "plugins.toml").write_text(config, encoding="utf-8")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        with serve(tmp_path, workers=2, more={"NOTIFY_SOCKET": str(tmp_path / "notify")}) as served:
            assert systemd.recv(100) == b"READY=1"
            started = [line for line in served.log if line.get("event") == "started"]
            assert started[0]["database"] == f"sqlite:///{tmp_path}/served.db"
            with served.client() as client:
                client.get("/healthz", headers={"X-Forwarded-For": "192.0.2.9", "Host": "anything"})
                refused = client.get("/api/0/", headers={"Host": "evil.example"})
                assert (refused.status_code, "allowed_hosts" in refused.json()["detail"]) == (400, True)
                assert client.get("/api/0/").status_code == 200
            served.read_until("request", 3)
            probe = next(line for line in served.log if line.get("path") == "/healthz")
            assert (probe["level"], probe["client"]) == ("debug", "192.0.2.9")
            os.kill(started[0]["pid"], signal.SIGKILL)
            served.read_until("worker ended")
            ended = next(line for line in served.log if line.get("event") == "worker ended")
            assert (ended["pid"], ended["exit_code"], ended["ended_so_far"]) == (started[0]["pid"], -signal.SIGKILL, 1)
            served.read_until("started", 3)
            # The supervisor has counted it; any worker shows it.
            with served.client() as client:
                assert 'scmhost_workers_ended_total{reason="SIGKILL"} 1.0' in client.get("/metrics").text
            served.process.kill()
            # The end of the log: no worker has it open any more.
            served.keep_reading()
            served.process.wait()
            assert served.stop() == -signal.SIGKILL
    with socket.socket() as free:
        free.bind(("127.0.0.1", int(served.url.rpartition(":")[2])))
