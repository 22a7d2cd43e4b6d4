"""The examples in docs/bulk.md, and a Spark worker that is killed."""

import os
import runpy
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fastapi.testclient import TestClient

import factories
from command import scmhost_process
from pages import Terminal, page, steps, write_files
from scmhost.app import open_host
from scmhost.arrow import link_batches
from scmhost.infra.db.engine import Store
from scmhost.installations import queries as installation_queries
from scmhost.links import queries as link_queries
from scmhost.links.values import MappingDraft
from scmhost.organizations import queries as organization_queries
from scmhost.sdk import InstallationDraft

PAGE = page("docs/bulk.md")
FRAMES = {
    "filename": ["/srv/cart.py", "/srv/cart.py", "/usr/lib/json.py", "/srv/read me.py"],
    "line": [7, 9, 12, None],
}
HAS_SPARK = find_spec("pyspark") is not None and shutil.which("java") is not None
SPARK = pytest.mark.skipif(
    not HAS_SPARK and os.environ.get("CI") != "true", reason="needs Java 17 and PySpark: make spark"
)
# Runs the job of the page twice; the second time a worker is killed after it has returned links.
KILLED = """
import os, signal
from pathlib import Path
from pyspark import TaskContext

whole = frames.repartition(4, "line").sortWithinPartitions("line")
schema = frames.withColumns(added).schema

def killed(batches):
    for batch in link(batches):
        yield batch
        if TaskContext.get().partitionId() == 1 and not Path("killed").exists():
            Path("killed").touch()
            os.kill(os.getpid(), signal.SIGKILL)

for name, function in (("undisturbed", link), ("disturbed", killed)):
    whole.mapInArrow(function, schema).write.parquet(name)
"""


@pytest.fixture(scope="module")
def shop(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files of the page, a database, and the snapshot that the first command writes."""
    folder = tmp_path_factory.mktemp("shop")
    write_files(PAGE, folder)
    (folder / "scmhost.db").write_bytes(sqlite_template.read_bytes())
    (folder / "plugins.toml").write_text("[plugins.custom_scm]\nenabled = true\ndefault = true\n", encoding="utf-8")
    store = Store.open(f"sqlite:///{folder / 'scmhost.db'}")
    organization = factories.new_organization(store)
    draft = InstallationDraft(name="forge", external_id="1", configuration={"preset": "github"})
    with store.write() as tx:
        made = installation_queries.create(tx, organization, "custom_scm", draft, factories.NOW).installation
    owner = {"provider": "custom_scm", "installation_id": made.id, "external_id": "1"}
    url = "https://git.example.com/acme/shop"
    repository = factories.new_repository(store, organization, "acme/shop", url=url, **owner)
    project = factories.new_project(store, organization, "shop")
    with store.write() as tx:
        link_queries.create(tx, organization, MappingDraft(project, repository, "/srv/", "src/", "main"), factories.NOW)
    store.close()
    pq.write_table(pa.table(FRAMES), folder / "frames.parquet")
    return folder


@pytest.fixture(autouse=True)
def in_shop(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run each test in that folder, with the snapshot."""
    monkeypatch.chdir(shop)
    if not Path("links.snapshot").exists():
        done = scmhost_process("export-links", "--org", "acme")
        assert done.code == 0
        assert done.err == "Links of acme: 1 projects, 1 mappings, 1 templates, 1 repositories.\n"
        Path("links.snapshot").write_text(done.out, encoding="utf-8")


def test_commands_print_what_the_page_shows() -> None:
    """The page exports and relinks; its first command writes the file that the fixture has."""
    export, relink = steps(PAGE)
    assert export.line == "scmhost export-links --org acme > links.snapshot"
    assert Terminal().follow([relink]) == [relink]


def test_process_prints_what_the_page_shows(capsys: pytest.CaptureFixture[str]) -> None:
    """The program without an engine prints each link."""
    runpy.run_path("plain.py")
    assert capsys.readouterr().out == Path("plain.out").read_text(encoding="utf-8")


def test_duckdb_example_writes_the_links() -> None:
    """The program for DuckDB writes the frames that have a link."""
    runpy.run_path("duck.py")
    links = Path("plain.out").read_text(encoding="utf-8").splitlines()
    assert pq.read_table("linked.parquet")["url"].to_pylist() == [links[0], links[1], links[3]]


def test_links_are_those_of_the_api() -> None:
    """The API gives the same URL, reason and confidence for each frame."""
    frames = [{"filename": name, "lineno": line} for name, line in zip(*FRAMES.values(), strict=True)]
    with open_host() as host:
        with host.services.store.read() as tx:
            organization = next(iter(organization_queries.all_organizations(tx)))
        application, token = host.application(organization)
        with TestClient(application) as client:
            answer = client.post(
                "/api/0/projects/acme/shop/trace-links/",
                headers={"Authorization": f"Bearer {token}"},
                json={"frames": frames, "derive": False},
            ).json()
    served = [
        (frame["link"] and frame["link"]["url"], frame["reason"], frame["confidence"]) for frame in answer["frames"]
    ]
    batches = link_batches("links.snapshot", project="shop")(pa.table(FRAMES).to_batches())
    rows = [row for batch in batches for row in batch.to_pylist()]
    assert [(row["url"], row["reason"], row["confidence"]) for row in rows] == served


@SPARK
def test_spark_example_writes_the_links_although_a_worker_is_killed(shop: Path) -> None:
    """Spark repeats the task of a killed worker, and no byte of the result differs."""
    program = Path("cluster.py").read_text(encoding="utf-8") + KILLED
    arguments = "--master local[2,4] --conf spark.ui.enabled=false --conf spark.log.level=ERROR pyspark-shell"
    environ = {"PYSPARK_SUBMIT_ARGS": arguments, "PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, env={**os.environ, **environ}
    )
    assert done.returncode == 0, done.stderr
    assert (shop / "killed").exists()
    links = Path("plain.out").read_text(encoding="utf-8").splitlines()
    rows = pq.read_table("linked").to_pylist()
    assert [row["url"] or row["reason"] for row in rows] == links
    undisturbed, disturbed = (
        [path.read_bytes() for path in sorted(Path(name).glob("part-*"))] for name in ("undisturbed", "disturbed")
    )
    assert undisturbed == disturbed
