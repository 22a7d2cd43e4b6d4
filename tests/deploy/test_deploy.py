"""The files in deploy: checked by the programs that read them, where these are installed, and against scmhost."""

import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from pages import ROOT
from scmhost.cli.serve import serve
from scmhost.infra.settings import Limits
from scmhost.plugins import read_settings
from scmhost.plugins.config import reading

DEPLOY = ROOT / "deploy"
MANIFESTS = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
FILES = [path for path in sorted(DEPLOY.rglob("*")) if path.is_file()]


def objects() -> Iterator[Mapping[str, Any]]:
    for path in MANIFESTS:
        yield from yaml.safe_load_all(path.read_text(encoding="utf-8"))


def containers() -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    for each in objects():
        if each["kind"] in ("Deployment", "StatefulSet"):
            pod = each["spec"]["template"]["spec"]
            for container in pod["containers"]:
                yield pod, container


def program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def test_every_file_is_in_the_readme() -> None:
    """The table names each file, or its folder."""
    readme = (DEPLOY / "README.md").read_text(encoding="utf-8")
    for path in FILES:
        names = {str(path.relative_to(DEPLOY)), str(path.relative_to(DEPLOY).parent)}
        assert any(f"]({name})" in readme or f"/{name})" in readme for name in names) or path.name == "README.md", path


@pytest.mark.parametrize("path", sorted(DEPLOY.rglob("plugins.toml")), ids=lambda path: path.parent.name)
def test_configurations_are_valid(path: Path) -> None:
    """Scmhost reads them without a complaint."""
    assert read_settings(path, {}).plugins["custom_scm"].enabled


def test_variables_exist() -> None:
    """Every variable of scmhost in these files is one that it reads."""
    options = {option.envvar for option in serve.params if isinstance(getattr(option, "envvar", None), str)}
    known = options | {*reading._HOST_VARIABLES.values(), reading.CONFIG_VARIABLE}
    used = {name for path in FILES for name in re.findall(r"SCMHOST_[A-Z_]+", path.read_text(encoding="utf-8"))}
    assert used - known == set()
    assert len(used) > 6


def test_limits_of_proxies_are_those_of_scmhost() -> None:
    """A body that the service takes passes the proxy, and not a larger one."""
    megabytes = Limits().body_bytes // 2**20
    assert f"client_max_body_size {megabytes}m;" in (DEPLOY / "proxies/nginx.conf").read_text(encoding="utf-8")
    assert f"max_size {megabytes}MiB" in (DEPLOY / "proxies/Caddyfile").read_text(encoding="utf-8")
    assert f"proxy-body-size: {megabytes}m" in (DEPLOY / "kubernetes/ingress.yaml").read_text(encoding="utf-8")
    # A head that a proxy takes passes the service, and idle connections end at the proxy first.
    nginx, caddy = ((DEPLOY / "proxies" / name).read_text(encoding="utf-8") for name in ("nginx.conf", "Caddyfile"))
    assert "large_client_header_buffers 4 8k;" in nginx
    assert "max_header_size 16KB" in caddy
    assert Limits().header_bytes >= (4 + 4 * 8) * 1024
    assert f"client_header_timeout {Limits().header_seconds}s;" in nginx
    assert f"read_header {Limits().header_seconds}s" in caddy
    assert f"keepalive_timeout {Limits().idle_seconds - 1}s;" in nginx
    assert f"keepalive {Limits().idle_seconds - 1}s" in caddy
    timeout = f"client_body_timeout {Limits().body_seconds}s;"
    assert timeout in (DEPLOY / "proxies/nginx.conf").read_text(encoding="utf-8")


def test_containers_have_no_rights() -> None:
    """No root, no new privileges, no capabilities, and the service writes only to its volumes."""
    for pod, container in containers():
        assert pod["securityContext"]["runAsNonRoot"], container["name"]
        assert pod["automountServiceAccountToken"] is False
        own = container["securityContext"]
        assert (own["allowPrivilegeEscalation"], own["capabilities"]) == (False, {"drop": ["ALL"]})
        assert own.get("readOnlyRootFilesystem", False) or container["name"] == "postgresql"
    service = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))["services"]["scmhost"]
    assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
    image = (DEPLOY / "Containerfile").read_text(encoding="utf-8")
    assert re.search(r"^USER 10001$", image, re.MULTILINE)
    assert image.count("\nFROM ") + image.startswith("FROM") == 2


def test_names_in_the_manifests_fit_together() -> None:
    """Selectors, volumes, ports, probes, secrets and the addresses of services."""
    by_kind: dict[str, dict[str, Mapping[str, Any]]] = {}
    for each in objects():
        by_kind.setdefault(each["kind"], {})[each.get("metadata", {}).get("name", "")] = each
    labels = {
        name: each["spec"]["template"]["metadata"]["labels"]
        for kind in ("Deployment", "StatefulSet")
        for name, each in by_kind[kind].items()
    }
    for name, each in by_kind["Service"].items():
        assert each["spec"]["selector"] == labels[name]
    for pod, container in containers():
        volumes = {volume["name"] for volume in pod.get("volumes", ())} | {"data"}
        assert {mount["name"] for mount in container["volumeMounts"]} <= volumes
        ports = {port["name"] for port in container["ports"]}
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            assert container.get(probe, {}).get("httpGet", {}).get("port", "http") in ports | {"http"}
    secret = {
        variable["valueFrom"]["secretKeyRef"]["key"]
        for _, container in containers()
        for variable in container["env"]
        if "valueFrom" in variable
    }
    readme = (DEPLOY / "README.md").read_text(encoding="utf-8")
    assert secret == set(re.findall(r"--from-literal=([a-z-]+)=", readme))
    kustomization = yaml.safe_load((DEPLOY / "kubernetes/kustomization.yaml").read_text(encoding="utf-8"))
    assert {path.name for path in MANIFESTS} == {*kustomization["resources"], "kustomization.yaml"}
    host = [path.name for path in MANIFESTS if "scmhost.example" in path.read_text(encoding="utf-8")]
    assert host == ["ingress.yaml"]


def test_kustomize_builds_the_manifests() -> None:
    """The configuration is mounted under its generated name."""
    command = [program("kubectl"), "kustomize", str(DEPLOY / "kubernetes")]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    found = {each["kind"]: each for each in yaml.safe_load_all(built.stdout)}
    volumes = found["Deployment"]["spec"]["template"]["spec"]["volumes"]
    assert volumes[0]["configMap"]["name"] == found["ConfigMap"]["metadata"]["name"] != "scmhost"


def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    """No unknown key, and the service is of the type that it implements."""
    unit = (DEPLOY / "scmhost.service").read_text(encoding="utf-8")
    assert "Type=notify\n" in unit
    # The program and its user are not installed here.
    local = unit.replace("/opt/scmhost/bin/scmhost", "/bin/true")
    (tmp_path / "scmhost.service").write_text(local, encoding="utf-8")
    command = [program("systemd-analyze"), "verify", "--man=no", str(tmp_path / "scmhost.service")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    complaints = [line for line in done.stderr.splitlines() if "scmhost" in line]
    assert (complaints, done.returncode) == ([], 0), done.stderr


def test_nginx_accepts_its_configuration(tmp_path: Path) -> None:
    """With a certificate of its own, and folders that it may write."""
    nginx, openssl = program("nginx"), program("openssl")
    key, certificate = tmp_path / "privkey.pem", tmp_path / "fullchain.pem"
    subject = ["-subj", "/CN=scmhost.example", "-days", "1", "-nodes", "-newkey", "rsa:2048"]
    made = [openssl, "req", "-x509", *subject, "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(made, capture_output=True, check=True)
    text = (DEPLOY / "proxies/nginx.conf").read_text(encoding="utf-8")
    local = text.replace("/etc/ssl/scmhost", str(tmp_path)).replace("/var/log/nginx", str(tmp_path))
    (tmp_path / "scmhost.conf").write_text(local, encoding="utf-8")
    main = f"pid {tmp_path}/nginx.pid;\nerror_log stderr;\nevents {{}}\nhttp {{ include {tmp_path}/scmhost.conf; }}\n"
    (tmp_path / "nginx.conf").write_text(main, encoding="utf-8")
    command = [nginx, "-t", "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, "warn" in done.stderr) == (0, False), done.stderr
