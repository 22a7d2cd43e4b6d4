"""The plugin host inside of another application: nothing global changes, and little is imported."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.thorough

ROOT = Path(__file__).parents[3]

GLOBALS = """
import json, logging, os, signal, socket, sys, threading, warnings

def state():
    return {
        "stdout": id(sys.stdout), "stderr": id(sys.stderr), "stdin": id(sys.stdin),
        "Thread.start": id(threading.Thread.start), "Thread.run": id(threading.Thread.run),
        "sys.excepthook": id(sys.excepthook), "threading.excepthook": id(threading.excepthook),
        "unraisablehook": id(sys.unraisablehook), "displayhook": id(sys.displayhook),
        "signals": {int(number): repr(signal.getsignal(number)) for number in signal.valid_signals()},
        "signal mask": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, ())),
        "environ": dict(os.environ), "path": list(sys.path), "warnings": repr(warnings.filters),
        "log handlers": repr(logging.root.handlers), "log level": logging.root.level,
        "socket timeout": socket.getdefaulttimeout(), "folder": os.getcwd(),
        "trace": repr(sys.gettrace()), "switch interval": sys.getswitchinterval(),
        "recursion limit": sys.getrecursionlimit(), "meta path": repr(sys.meta_path),
    }

"""

OPEN = """
before = state()
from pathlib import Path
import scmhost
from scmhost.app import Host, read_configuration
from scmhost.sdk import Organization
with Host.open(read_configuration(sys.argv[1])) as host:
    host.watch(Path(sys.argv[1]))
    inside = state()
    plugins = {report.name: report.state for report in host.services.plugins.plugins}
    host.services.plugins.decide("custom_scm", Organization(id=1, slug="acme", name="Acme"))
after = state()
print(json.dumps({
    "plugins": plugins,
    "openfeature": "openfeature" in sys.modules,
    "inside": [name for name in before if before[name] != inside[name]],
    "after": [name for name in before if before[name] != after[name]],
}))
"""

LIGHT = """
import json, sys
import scmhost.plugins
from scmhost.plugins.config.reading import read_configuration
host = scmhost.plugins.PluginHost.open(read_configuration(sys.argv[1]))
states = {report.name: report.state for report in host.plugins}
host.close()
heavy = ("sqlalchemy", "alembic", "psycopg", "fastapi", "starlette", "uvicorn", "structlog", "openfeature",
         "prometheus_client", "opentelemetry", "rich", "httpx2")
print(json.dumps({"plugins": states, "heavy": [name for name in heavy if name in sys.modules]}))
"""


def run(program: str, folder: Path) -> dict[str, Any]:
    """The answer of a program in a process of its own, with a configuration that enables Custom SCM."""
    config = folder / "plugins.toml"
    database = f'[host]\ndatabase_url = "sqlite:///{folder}/scm.db"\n'
    config.write_text(f"schema = 1\n{database}[plugins.custom_scm]\nenabled = true\n", encoding="utf-8")
    command = [sys.executable, "-c", program, str(config)]
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("COV", "SCMHOST"))}
    done = subprocess.run(command, env=environ, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def test_opening_a_host_changes_nothing_global(tmp_path: Path) -> None:
    """Streams, threads, hooks, signals, environment, warnings and logging are as before, inside and after."""
    answer = run(GLOBALS + OPEN, tmp_path)
    assert answer["plugins"]["custom_scm"] == "ready"
    assert (answer["inside"], answer["after"]) == ([], [])


def test_openfeature_is_imported_only_where_a_provider_is_named(tmp_path: Path) -> None:
    """Without ``[flags_provider]`` the rules of the file are evaluated directly."""
    assert run(GLOBALS + OPEN, tmp_path)["openfeature"] is False


def test_loading_a_plugin_needs_no_package_of_the_service(tmp_path: Path) -> None:
    """Reading the configuration, finding and checking plugins works in the light installation."""
    answer = run(LIGHT, tmp_path)
    assert answer["plugins"]["custom_scm"] == "ready"
    assert answer["heavy"] == []


WITHOUT_OPENFEATURE = """
import json, sys
sys.modules["openfeature"] = None
from pathlib import Path
from scmhost.plugins import ConfigError, PluginHost, read_settings
path = Path(sys.argv[1])
host = PluginHost.open(read_settings(path, {}))
states = {report.name: report.state for report in host.plugins}
path.write_text(path.read_text() + '[flags_provider]\\nprovider = "acme"\\n')
try:
    host.reload(read_settings(path, {}))
except ConfigError as error:
    print(json.dumps({"plugins": states, "problem": error.problem, "hint": error.hint}))
late = PluginHost.open(read_settings(path, {}))
host.close(), late.close()
"""


def test_named_flags_provider_without_its_extra_names_the_extra(tmp_path: Path) -> None:
    """Without the extra ``flags`` a flags provider is refused with the command that installs it."""
    answer = run(WITHOUT_OPENFEATURE, tmp_path)
    assert answer["plugins"]["custom_scm"] == "ready"
    assert "openfeature" in answer["problem"]
    assert answer["hint"] == 'pip install "scmhost[flags]"'
