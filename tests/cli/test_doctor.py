"""Everything that an operator could have wrong, made wrong, and what the doctor says of it."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from command import scmhost
from hosting import candidate
from house import SWITCHBOARD, House, open_house
from loading import case_id, load_cases
from scmhost.admin.doctor import examine, machine
from scmhost.admin.doctor.findings import MOST_OF_A_KIND, Finding, each
from scmhost.infra.clock import SystemClock
from scmhost.infra.db import jobs
from scmhost.organizations.tokens import create_token

CANDIDATES = {
    "broken": candidate("broken", "plugins.fails_at_import"),
    "early": candidate("early", api_range=">=9"),
    "unstated": candidate("unstated", api_range=None),
    "faulty": candidate("faulty", "plugins.faulty"),
    "unnamed": candidate("unnamed"),
}


@contextmanager
def house_with(folder: Path, more: str = "", *names: str) -> Iterator[House]:
    """A house on a switchboard with something more in it, and some of the sample plugins."""
    switchboard = f"{SWITCHBOARD}{more}[plugins.git]\nenabled = false\n"
    with open_house(folder, switchboard, more=[CANDIDATES[name] for name in names], background=False) as house:
        (folder / "plugins.toml").chmod(0o600)
        yield house


def said(found: list[Finding]) -> list[str]:
    return [f"{item.severity} {item.subject}: {item.problem} -> {item.remedy}" for item in found]


def only(found: list[Finding], subject: str) -> Finding:
    """The one finding about something."""
    (finding,) = [item for item in found if item.subject == subject]
    return finding


def test_where_nothing_is_wrong_nothing_is_said(tmp_path: Path) -> None:
    """A sound host gives no cause, and the command says so."""
    with house_with(tmp_path) as house:
        repository, installation = house.claimed()
        house.mapping(repository, installation)
        assert said(examine(house.services)) == []
    done = scmhost(
        "plugins", "doctor", "--config", tmp_path / "plugins.toml", "--database-url", f"sqlite:///{tmp_path}/test.db"
    )
    assert (done.code, done.out) == (0, "Nothing is wrong.\n")


@pytest.mark.parametrize("case", load_cases("doctor"), ids=case_id)
def test_the_switchboard(tmp_path: Path, case: dict[str, Any]) -> None:
    """What is wrong with the switchboard and the plugins has a severity, a place and a remedy."""
    with house_with(tmp_path, case["more"], *case.get("plugins", [])) as house:
        finding = only(examine(house.services), case["subject"])
    assert finding.severity == case["severity"]
    assert [word for word in case["says"] if word not in f"{finding.problem} {finding.remedy}"] == []
    assert Path(finding.place).name == case.get("place", "")


def test_a_switchboard_that_cannot_be_read_is_a_finding(tmp_path: Path) -> None:
    """All that is wrong with it is told at once, as JSON too."""
    config = tmp_path / "plugins.toml"
    config.write_text("schema = 1\n[hots]\n[plugins.x]\nenabeld = true\n", encoding="utf-8")
    done = scmhost("plugins", "doctor", "--config", config, "--json")
    told = json.loads(done.out)
    assert (done.code, told["errors"], told["warnings"]) == (1, 2, 0)
    assert {item["subject"]: (item["place"], item["remedy"]) for item in told["findings"]} == {
        "setting hots": (f"{config}:2", "did you mean 'host'?"),
        "setting plugins.x.enabeld": (f"{config}:4", "did you mean 'enabled'?"),
    }


def test_a_switchboard_with_secrets_is_not_for_everybody(tmp_path: Path) -> None:
    """The key of webhooks, in a file that every user of the machine may read, is told without its text."""
    with house_with(tmp_path) as house:
        (tmp_path / "plugins.toml").chmod(0o644)
        finding = only(examine(house.services), "the switchboard")
    assert ("webhook_key" in finding.problem, "chmod o-r" in finding.remedy) == (True, True)
    assert "an-operator-s-key" not in str(finding)


def test_a_secret_in_the_environment_is_not_in_the_file(tmp_path: Path) -> None:
    """The remedy for a secret among a plugin's settings is a form that the doctor is content with."""
    secret = "[plugins.faulty]\nsettings = {{ token = {} }}\n"
    with house_with(tmp_path, secret.format('"hunter2-hunter2"')) as house:
        (tmp_path / "plugins.toml").chmod(0o644)
        finding = only(examine(house.services), "the switchboard")
    assert "plugins.faulty.settings.token is" in finding.problem
    assert '{ env = "VARIABLE" }' in finding.remedy
    (tmp_path / "again").mkdir()
    with house_with(tmp_path / "again", secret.format('{ env = "ACME_TOKEN" }')) as house:
        (tmp_path / "again" / "plugins.toml").chmod(0o644)
        finding = only(examine(house.services), "the switchboard")
    assert "settings" not in finding.problem


def test_a_database_that_is_not_there_is_a_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the first start there is none, and a look makes none; a folder that cannot be written is an error."""
    monkeypatch.chdir(tmp_path)
    done = scmhost("plugins", "doctor", "--database-url", f"sqlite:///{tmp_path}/new.db", "--json")
    told = {item["subject"]: item["severity"] for item in json.loads(done.out)["findings"]}
    assert told["the database"] == "note"
    done = scmhost("plugins", "doctor", "--database-url", f"sqlite:///{tmp_path}/no/new.db")
    assert (done.code, "cannot be written" in done.out) == (1, True)
    assert list(tmp_path.iterdir()) == []


def test_a_database_url_that_cannot_be_read_is_an_error() -> None:
    """The look ends there, with what to write."""
    done = scmhost("plugins", "doctor", "--database-url", "mysql://x")
    assert (done.code, "write sqlite:///" in done.out) == (1, True)


def test_old_tables_are_an_error(tmp_path: Path) -> None:
    """The command that helps is named, and nothing more is said of rows."""
    with house_with(tmp_path) as house:
        house.services.store.downgrade("0001")
        finding = only(examine(house.services), "the database")
        assert (finding.severity, finding.remedy) == ("error", "run scmhost migrate")


def test_a_server_that_does_not_answer_is_an_error(tmp_path: Path) -> None:
    """The error says itself what to check."""
    url = "postgresql://nobody:geheim@127.0.0.1:1/none"
    (tmp_path / "plugins.toml").write_text("schema = 1\n", encoding="utf-8")
    done = scmhost("plugins", "doctor", "--config", tmp_path / "plugins.toml", "--database-url", url)
    assert (done.code, "does not answer" in done.out, "geheim" in done.out) == (1, True, False)


MOUNTS = """\
/dev/sda1 / ext4 rw 0 0
server:/home /home nfs4 rw 0 0
/dev/sdb1 /home/ada/local ext4 rw 0 0
tmpfs /run tmpfs rw 0 0
"""


@pytest.mark.parametrize(
    ("folder", "kind"),
    [("/srv", "ext4"), ("/home/ada", "nfs4"), ("/home/ada/local/x", "ext4"), ("/homes", "ext4"), ("/run/x", "tmpfs")],
)
def test_the_nearest_mount_is_the_folders_own(tmp_path: Path, folder: str, kind: str) -> None:
    """On a network's file system SQLite loses rows; which one a folder is on, the system tells."""
    mounts = tmp_path / "mounts"
    mounts.write_text(MOUNTS, encoding="utf-8")
    assert machine.filesystem_of(Path(folder), mounts) == kind
    assert machine.filesystem_of(Path(folder), tmp_path / "none") is None


def test_several_source_roots_of_one_stack_root_are_meant(tmp_path: Path) -> None:
    """Where the files decide, no mapping hides another."""
    with house_with(tmp_path) as house:
        repository, installation = house.claimed()
        for root in ("src/", "lib/"):
            assert house.mapping(repository, installation, sourceRoot=root).status_code == 201
        assert said(examine(house.services)) == []


@dataclass(frozen=True)
class Later:
    """A clock that is wrong."""

    by: timedelta

    def now(self) -> Any:
        return SystemClock().now() + self.by


def examined(house: House, *, later: timedelta = timedelta()) -> list[Finding]:
    """What is found, at a later time if wanted."""
    return examine(replace(house.services, clock=Later(later)))


def test_a_clock_that_is_behind_is_told(tmp_path: Path) -> None:
    """Rows from the future are the sign of a wrong clock."""
    with house_with(tmp_path) as house:
        finding = only(examined(house, later=-timedelta(hours=1)), "the clock")
        assert ("still to come" in finding.problem, "NTP" in finding.remedy) == (True, True)


def test_a_token_is_told_before_and_after_its_end(tmp_path: Path) -> None:
    """A build that fails on Monday is announced the week before; the remedy names the command."""
    with house_with(tmp_path) as house:
        now = SystemClock().now()
        token, _ = create_token(house.services, house.there.organization, "ci", ["org:ci"], now + timedelta(days=10))
        subject = f"token {token.id} of acme"
        assert examined(house) == []
        assert only(examined(house, later=timedelta(days=5)), subject).severity == "warning"
        ended = only(examined(house, later=timedelta(days=11)), subject)
        assert (ended.severity, ended.remedy) == ("note", f"scmhost token revoke {token.id} --org acme")


def test_webhooks_without_a_key_are_an_error(tmp_path: Path) -> None:
    """Deliveries would be answered 404, and nobody would know why."""
    with house_with(tmp_path) as house:
        installation = house.install()
        house.post(f"integrations/{installation['id']}/webhook/", None)
        finding = only(examine(replace(house.services, webhook_key=None)), "webhooks")
        assert (finding.severity, "SCMHOST_WEBHOOK_KEY" in finding.remedy) == ("error", True)


def of_installation(house: House) -> str:
    return f"installation {house.install()['id']} of acme"


def of_unclaimed(house: House) -> str:
    repository, installation = house.claimed()
    house.mapping(repository, installation)
    house.put(f"repos/{repository['id']}/", {"integrationId": None})
    return f"repository {repository['id']} of acme"


def of_nameless(house: House) -> str:
    repository, installation = house.claimed()
    house.mapping(repository, installation)
    with house.services.store.write() as tx:
        tx.execute(text("UPDATE repositories SET url = NULL"))
    return f"repository {repository['id']} of acme"


def of_hidden(house: House) -> str:
    repository, installation = house.claimed()
    house.mapping(repository, installation)
    house.put(f"repos/{repository['id']}/", {"status": "hidden"})
    return f"repository {repository['id']} of acme"


def of_generated_mapping(house: House) -> str:
    repository, installation = house.claimed()
    house.mapping(repository, installation)
    longer = house.mapping(repository, installation, stackRoot="/srv/app/lib/").json()["id"]
    with house.services.store.write() as tx:
        tx.execute(text("UPDATE code_mappings SET generated = :yes WHERE id = :id"), {"yes": True, "id": int(longer)})
    return f"mapping {longer} of acme/web"


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (of_unclaimed, ["is unclaimed", "code mappings to it: 1", "claim it"]),
        (of_nameless, ["has no URL", "give it its web URL"]),
        (of_hidden, ["is not active"]),
        (of_generated_mapping, ["'/srv/app/lib/' comes after", "('/srv/app/')", "was made by hand"]),
    ],
)
def test_rows_that_cannot_work_are_told(tmp_path: Path, make: Callable[[House], str], says: list[str]) -> None:
    """What would give no link is named, with why and what to do."""
    with house_with(tmp_path) as house:
        subject = make(house)
        finding = only(examine(house.services), subject)
    assert finding.severity in ("warning", "note")
    assert [word for word in says if word not in f"{finding.problem} {finding.remedy}"] == []


def test_an_installation_whose_provider_is_off_is_idle(tmp_path: Path) -> None:
    """The reason is the switch's own, with its line."""
    with house_with(tmp_path) as house:
        subject = of_installation(house)
    off = SWITCHBOARD.replace('allow = { organizations = ["acme"] }', 'deny = { organizations = ["acme"] }')
    with open_house(tmp_path, off, f"sqlite:///{tmp_path}/test.db", background=False) as house:
        finding = only(examine(house.services), subject)
    assert ("deny names 'acme'" in finding.problem, Path(finding.place).name) == (True, "plugins.toml:7")


def test_jobs_that_nobody_does_are_told(tmp_path: Path) -> None:
    """One that is due and not taken means that no service runs; one that was given up has its last fault."""
    with house_with(tmp_path) as house:
        now = SystemClock().now()
        organization = house.there.organization.id
        with house.services.store.write() as tx:
            jobs.put(tx, organization, "fetch", "a", {}, now)
            jobs.put(tx, organization, "fetch", "b", {}, now + timedelta(hours=2))
            job = jobs.lease(tx, now, now)
            assert job is not None
            jobs.fail(tx, job, "no such ref")
        found = examined(house, later=timedelta(hours=3))
        assert "no worker takes them" in only(found, "jobs").problem
        assert "no such ref" in only(found, f"job {job.id} of acme").problem


def test_many_of_a_kind_are_a_number() -> None:
    """Ten thousand rows with one fault fill no terminal."""
    rows = range(MOST_OF_A_KIND + 5)
    found = list(each(rows, lambda row: Finding("warning", f"token {row} of acme", "ends", "make another")))
    assert len(found) == MOST_OF_A_KIND + 1
    assert (found[-1].subject, found[-1].problem) == ("5 more", "are like the last token above")
