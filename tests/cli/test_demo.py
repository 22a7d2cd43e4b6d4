"""``scmhost demo``."""

import os
import re
import signal
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import urljoin

import httpx2
import pytest
from selectolax.lexbor import LexborHTMLParser

from browsing import fields_of
from command import SCMHOST, Done, GitRepository, scmhost, scmhost_process
from scmhost.cli.demo import make_sample_repository, read_checkout_repository

# Python that leaves a file behind when it is imported or run.
TRAP = "from pathlib import Path\nPath({marker!r}).touch()\n\n\ndef outer(value):\n    return value.missing\n"
HOOK = "#!/bin/sh\ntouch {marker}\n"


def sections(done: Done) -> dict[str, str]:
    """The output of each step, by the step's title."""
    assert done.code == 0, done.err
    blocks = re.split(r"(?m)^\n(?=\S)", done.out)
    return {block.strip().split("\n")[0]: block for block in blocks}


@pytest.fixture(autouse=True)
def temporary_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the pages of the demo out of the folder of the system."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))


def test_demo_writes_a_page_with_its_links(tmp_path: Path) -> None:
    """The address that it prints is that of a file, which needs no service and loads nothing."""
    repository = GitRepository(tmp_path / "shop")
    repository.commit("Code", {"shop/a<b>.py": "one\n"})
    done = scmhost("demo", "--git", repository.path)
    (address,) = re.findall(r"Open this address in a browser: file://(\S+\.html)\n", done.out)
    page = LexborHTMLParser(Path(address).read_text(encoding="utf-8"))
    links = [str(link.attributes["href"]) for link in page.css(".frames .place a")]
    assert links == re.findall(r"-> (https://\S+)", done.out)
    assert len(links) == 5
    assert page.css("script, link, img, form, b") == []
    named = scmhost("demo", "--git", repository.path, "--page", tmp_path / "named.html")
    assert f"file://{tmp_path}/named.html" in named.out
    assert (tmp_path / "named.html").exists()


def test_demo_serves_its_page(tmp_path: Path) -> None:
    """The address signs in, and leads to the trace with its links; Ctrl-C ends the demo as a success."""
    with subprocess.Popen([SCMHOST, "demo", "--serve"], cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            line = next(line for line in process.stdout if "it signs you in once" in line)
            with httpx2.Client(follow_redirects=True, timeout=60) as browser:
                url = line.rpartition(" ")[2].strip()
                form = LexborHTMLParser(browser.get(url).text).css_first("form")
                assert form
                shown = browser.post(urljoin(url, form.attributes["action"]), data=fields_of(form))
            assert "4 of 4 frames have a link" in shown.text
            assert re.search(r"/organizations/demo/projects/app/traces/\d+$", str(shown.url))
        finally:
            process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0


def test_demo_links_the_crash_of_the_sample_program_to_its_commit(tmp_path: Path) -> None:
    """Every frame of the sample program links to the line that failed, in the commit that contains it."""
    repository = GitRepository(tmp_path / "shop")
    repository.commit("Code", {"shop/cart.py": "one\n"})
    sample = make_sample_repository(tmp_path / "sample")
    done = scmhost("demo", "--git", repository.path)
    assert done.code == 0, done.err
    links = re.findall(
        rf"-> https://sample\.example\.com/scmhost-sample/shop/src/commit/{sample.head}/(src/\w+\.py)#L(\d+)", done.out
    )
    assert [file for file, _ in links] == ["src/shop.py", "src/cart.py", "src/cart.py", "src/prices.py"]
    file, line = links[-1]
    assert "raise LookupError" in (sample.path / file).read_text(encoding="utf-8").splitlines()[int(line) - 1]
    assert "4 of 4 frames have links." in done.out


def test_demo_shows_the_history_of_the_checkout(tmp_path: Path) -> None:
    """The checkout's commits are sent, its repository is claimed, and files of its newest commit have links."""
    repository = GitRepository(tmp_path / "prose")
    repository.commit("First", {"notes.txt": "x\n"})
    head = repository.commit("Code", {"a/cart.py": "one\n", "b.go": "two\n"})
    done = scmhost("demo", "--git", repository.path)
    shown = sections(done)
    assert f"Links to demo/prose at {head[:12]}" in shown
    base = f"https://git.example.com/demo/prose/src/commit/{head}"
    assert f"-> {base}/a/cart.py#L1" in done.out
    assert f"-> {base}/b.go#L1" in done.out
    for step in ("custom_scm: ready", "demo/prose: 2 commits, 2 new", "decision:", "saved:", "serialized:"):
        assert step in done.out
    assert "What to run next" in shown


def test_demo_runs_no_code_of_the_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither modules nor git hooks of the checkout run, whichever way Python could find them."""
    marker = tmp_path / "marker"
    trap = TRAP.format(marker=str(marker))
    repository = GitRepository(tmp_path / "shop")
    names = ("cart.py", "prices.py", "sitecustomize.py", "usercustomize.py", "conftest.py", "setup.py", "src/shop/a.py")
    repository.commit("Code", dict.fromkeys(names, trap))
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    for name in ("pre-commit", "post-commit", "post-checkout", "reference-transaction"):
        hook = hooks / name
        hook.write_text(HOOK.format(marker=marker), encoding="utf-8")
        hook.chmod(0o755)
    settings = tmp_path / "gitconfig"
    settings.write_text(f"[core]\n\thooksPath = {hooks}\n[init]\n\ttemplateDir = {tmp_path}\n", encoding="utf-8")
    monkeypatch.chdir(repository.path)
    environ = {"GIT_CONFIG_GLOBAL": str(settings), "PYTHONPATH": "", "PYTHONSAFEPATH": ""}
    done = scmhost_process("demo", environ=environ)
    assert done.code == 0, done.err
    assert "4 of 4 frames have links." in done.out
    assert not marker.exists()


def test_demo_works_outside_a_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a checkout the sample program is enough, and a note gives the reason."""
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    done = scmhost("demo")
    assert (done.code, "only the sample program is used" in done.out) == (0, True)
    assert "4 of 4 frames have links." in done.out


def test_demo_works_in_a_checkout_without_commits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fresh repository has no history to show."""
    monkeypatch.chdir(GitRepository(tmp_path / "fresh").path)
    done = scmhost("demo")
    assert (done.code, "only the sample program is used" in done.out) == (0, True)


def test_demo_refuses_a_folder_that_is_no_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that --git names must be a repository."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    done = scmhost("demo", "--git", tmp_path)
    assert (done.code, "not a git repository" in done.err) == (1, True)


def test_demo_links_a_given_trace(tmp_path: Path) -> None:
    """With --trace the frames of that trace are linked to the checkout."""
    repository = GitRepository(tmp_path / "prose")
    repository.commit("Words", {"a.py": "Once upon a time\n"})
    trace = tmp_path / "trace.txt"
    frames = f'  File "{repository.path}/a.py", line 1, in f\n  File "/srv/b.py", line 1, in g\n'
    trace.write_text(f"Traceback (most recent call last):\n{frames}", encoding="utf-8")
    done = scmhost("demo", "--git", repository.path, "--trace", trace)
    assert "1 of 2 frames have links." in done.out


@pytest.mark.parametrize(
    ("remote", "url"),
    [
        ("https://github.com/team/app.git", "https://github.com/team/app"),
        ("https://user:token@gitlab.com/group/sub/app.git", "https://gitlab.com/group/sub/app"),
        ("git@codeberg.org:team/app.git", "https://codeberg.org/team/app"),
        ("ssh://git@git.example.org/team/app", "https://git.example.org/team/app"),
        ("/srv/git/app.git", "https://git.example.com/demo/repo"),
        (None, "https://git.example.com/demo/repo"),
    ],
)
def test_remote_names_host_and_repository(tmp_path: Path, remote: str | None, url: str) -> None:
    """The URL comes from the remote without its credentials; without a remote on the web an example host is used."""
    repository = GitRepository(tmp_path / "repo")
    repository.commit("Code", {"a.py": "1\n"})
    if remote:
        repository.git("remote", "add", "origin", remote)
    checkout = read_checkout_repository(repository.path)
    assert (checkout.url, checkout.has_host) == (url, "example.com" not in url)


def test_sample_program_is_committed_the_same_in_every_run(tmp_path: Path) -> None:
    """Author and dates are fixed, so that the links are the same in every run."""
    first, second = (make_sample_repository(tmp_path / name) for name in ("one", "two"))
    assert first.head == second.head
    assert first.text.replace(str(first.path), str(second.path)) == second.text


def test_sample_program_ignores_the_environment_of_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """PYTHONPATH and PYTHONSTARTUP do not reach the sample program."""
    (tmp_path / "sitecustomize.py").write_text(TRAP.format(marker=str(tmp_path / "marker")), encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", os.fspath(tmp_path))
    assert "no price for 'quince'" in make_sample_repository(tmp_path / "sample").text
    assert not (tmp_path / "marker").exists()
