from pathlib import Path

import pytest

from command import GitRepository, scmhost
from scmhost.cli.demo import look_at

CODE = """\
def outer(value):
    \"\"\"Hands its argument on.\"\"\"
    return inner(value)


def inner(value):
    return value.missing
"""


def test_the_demo_links_a_real_exception_to_the_exact_commit(tmp_path: Path) -> None:
    """Every step is shown, and the frames of the checkout's own code link to the lines of HEAD."""
    repository = GitRepository(tmp_path / "shop")
    head = repository.commit("Code", {"shop/cart.py": CODE})
    (repository.path / "shop" / "cart.py").write_text("raise SystemExit\n", encoding="utf-8")
    done = scmhost("demo", "--git", repository.path)
    assert done.code == 0, done.err
    base = f"https://git.example.com/demo/shop/src/commit/{head}/shop/cart.py"
    assert f"-> {base}#L3" in done.out
    assert f"-> {base}#L7" in done.out
    for step in ("custom_scm: ready", "1 commits, 1 new", "decision:", "saved:", "serialized:", "What to run next"):
        assert step in done.out


def test_a_checkout_without_python_says_so(tmp_path: Path) -> None:
    """Nothing is made up where nothing can be raised."""
    repository = GitRepository(tmp_path / "prose")
    repository.commit("Words", {"text": "Once upon a time\n"})
    done = scmhost("demo", "--git", repository.path)
    assert (done.code, "--trace FILE" in done.out) == (0, True)


def test_a_given_trace_is_linked_instead(tmp_path: Path) -> None:
    """With --trace no code is run."""
    repository = GitRepository(tmp_path / "prose")
    repository.commit("Words", {"text": "Once upon a time\n"})
    trace = tmp_path / "trace.txt"
    trace.write_text('Traceback:\n  File "/srv/a.py", line 1, in f\n', encoding="utf-8")
    done = scmhost("demo", "--git", repository.path, "--trace", trace)
    assert "0 of 1 frames have links." in done.out


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
def test_the_remote_gives_the_web_address(tmp_path: Path, remote: str | None, url: str) -> None:
    """The address is read from origin, without user or token; else a stand-in is used."""
    repository = GitRepository(tmp_path / "repo")
    repository.commit("Code", {"a.py": "1\n"})
    if remote:
        repository.git("remote", "add", "origin", remote)
    assert look_at(repository.path).url == url


def test_outside_of_git_the_demo_says_what_is_missing(tmp_path: Path) -> None:
    """A folder without git is a sentence."""
    done = scmhost("demo", "--git", tmp_path)
    assert (done.code, "not a git repository" in done.err) == (1, True)
