"""The job summary of a test run: its Markdown, and the option of pytest that writes it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from command import Done, GitRepository
from scmhost.checkout.job_summary import FailedTest, job_summary

# Each test runs pytest in a process.
pytestmark = pytest.mark.thorough

TESTS = """\
import pytest
from shop.cart import total


def test_total():
    assert total([1, 2]) == 4


@pytest.mark.parametrize("name", ["</code><img src=x> @ada #1 *b*"])
def test_odd_names(name):
    raise ValueError("first line\\n\\nthird </pre> line")


def test_that_passes():
    pass
"""
CART = "def total(prices):\n    if len(prices) > 5:\n        raise KeyError(5)\n    return sum(prices)\n"


@pytest.fixture
def project(repository: GitRepository) -> GitRepository:
    """A project with tests, pushed to a remote."""
    files = {"shop/__init__.py": "", "shop/cart.py": CART, "tests/test_cart.py": TESTS, "conftest.py": ""}
    repository.commit("Tests", files)
    repository.git("remote", "add", "origin", "https://github.com/acme/shop.git")
    return repository


def run_pytest(folder: Path, *words: str, **environ: str) -> Done:
    """Run pytest in a process of its own, with only the plugin of scmhost."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "PYTEST_", "COV_"))}
    own |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONDONTWRITEBYTECODE": "1", **environ}
    command = [sys.executable, "-m", "pytest", "-p", "scmhost.pytest_plugin", "-q", "-p", "no:cacheprovider", *words]
    done = subprocess.run(command, cwd=folder, env=own, capture_output=True, text=True, check=False)
    return Done(done.returncode, done.stdout, done.stderr)


def test_failed_tests_are_linked(project: GitRepository, tmp_path: Path) -> None:
    """Each failed test has a link to the line that failed, and its text has links too; the run's result is its own."""
    file = tmp_path / "summary.md"
    file.write_text("### Before\n", encoding="utf-8")
    done = run_pytest(project.path, "--scmhost-summary", GITHUB_STEP_SUMMARY=str(file))
    assert done.code == 1, done
    text = file.read_text(encoding="utf-8")
    page = f"https://github.com/acme/shop/blob/{project.shas()[0]}/tests/test_cart.py"
    assert text.startswith("### Before\n### Tests: 2 failed, 1 passed\n")
    assert f'<a href="{page}#L6" rel="noopener noreferrer">tests/test_cart.py:6</a>' in text
    assert text.count(f'<a href="{page}#L11"') == 2
    assert "<code>tests/test_cart.py::test_total</code>" in text
    assert "<br>assert 3 == 4" in text


def test_text_of_tests_has_no_markup(project: GitRepository, tmp_path: Path) -> None:
    """Names and errors of tests neither end a block nor mention a person."""
    file = tmp_path / "summary.md"
    run_pytest(project.path, "--scmhost-summary-file", str(file))
    text = file.read_text(encoding="utf-8")
    assert "<img" not in text
    assert "@ada" not in text
    assert text.count("</pre>") == text.count("<pre>") == text.count("<details>") == 2


def test_a_file_is_written_anew(project: GitRepository, tmp_path: Path) -> None:
    """A file of one's own has the last run only, also if all its tests passed."""
    file = tmp_path / "summary.md"
    for words, code in (((), 1), (("-k", "passes"), 0)):
        assert run_pytest(project.path, "--scmhost-summary-file", str(file), *words).code == code
    assert file.read_text(encoding="utf-8") == "### Tests: 1 passed\n"


def test_errors_of_fixtures_and_imports_are_linked(project: GitRepository, tmp_path: Path) -> None:
    """A test file that cannot be imported has its own link."""
    project.commit("Broken", {"tests/test_broken.py": "import no_such_module\n"})
    file = tmp_path / "summary.md"
    assert run_pytest(project.path, "--scmhost-summary-file", str(file), "tests/test_broken.py").code == 2
    text = file.read_text(encoding="utf-8")
    assert text.startswith("### Tests: 1 error\n")
    assert f"/blob/{project.shas()[0]}/tests/test_broken.py" in text
    assert "test_broken.py#L1" in text


def test_a_failure_in_a_package_links_to_the_call(project: GitRepository, tmp_path: Path) -> None:
    """A library has no page in this repository; the line of the test that called it has one."""
    test = "import json\n\n\ndef test_json():\n    json.loads('{')\n"
    project.commit("Library", {"tests/test_json.py": test})
    file = tmp_path / "summary.md"
    run_pytest(project.path, "--scmhost-summary-file", str(file), "tests/test_json.py")
    text = file.read_text(encoding="utf-8")
    assert re.search(r'<summary><code>\S+</code> <a href="\S+/tests/test_json.py#L5"', text)
    assert "<br>json.decoder.JSONDecodeError" in text


def test_workers_write_no_summary_of_their_own(project: GitRepository, tmp_path: Path) -> None:
    """With pytest-xdist there is one summary of all tests."""
    file = tmp_path / "summary.md"
    run_pytest(project.path, "--scmhost-summary", "-p", "xdist", "-n", "2", GITHUB_STEP_SUMMARY=str(file))
    text = file.read_text(encoding="utf-8")
    assert re.findall("^### .*", text, re.MULTILINE) == ["### Tests: 2 failed, 1 passed"]


def test_paths_are_found_from_another_folder(project: GitRepository, tmp_path: Path) -> None:
    """Pytest may be started in a folder of the project."""
    file = tmp_path / "summary.md"
    environ = {"PYTHONPATH": str(project.path), "PWD": f"{project.path}/tests"}
    run_pytest(project.path / "tests", "--scmhost-summary-file", str(file), **environ)
    assert "/tests/test_cart.py#L6" in file.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--scmhost-summary",), "GITHUB_STEP_SUMMARY is not set"),
        (("--scmhost-summary-file", "/no/such/folder/summary.md"), "No such file"),
    ],
)
def test_a_summary_never_fails_the_run(project: GitRepository, words: tuple[str, ...], message: str) -> None:
    """If it cannot be written, a line says why, and the exit code stays that of the tests."""
    done = run_pytest(project.path, *words, "-k", "passes")
    assert done.code == 0
    assert f"scmhost: no job summary: {message}" in done.out.replace("[Errno 2] ", "")


def test_without_a_checkout_there_are_no_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The summary still has the tests, and says what is missing."""
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    text = job_summary(
        [FailedTest("test_a.py::test_a", [("/srv/test_a.py", 3)], "no", "test_a.py:3: no")], {"failed": 1}
    )
    assert "<p>No links: " in text
    assert "</code> test_a.py:3<br>no" in text
    assert "href" not in text


def test_nothing_is_written_without_the_option(project: GitRepository, tmp_path: Path) -> None:
    """GitHub sets the variable in every step; only the option uses it."""
    file = tmp_path / "summary.md"
    run_pytest(project.path, GITHUB_STEP_SUMMARY=str(file))
    assert not file.exists()


def test_a_summary_is_bounded(repository: GitRepository) -> None:
    """Tests that no longer fit are counted, so that GitHub accepts the file."""
    repository.git("remote", "add", "origin", "https://github.com/acme/shop.git")
    failed = [FailedTest(f"t{number}" * 1_000, [("main.py", 1)], "m" * 9_999, "&\n" * 50_000) for number in range(100)]
    text = job_summary(failed, {"failed": 100})
    assert len(text.encode()) < 1_048_576
    match = re.search(r"^(\d+) more failed tests are not shown\.$", text, re.MULTILINE)
    assert match
    assert int(match[1]) + text.count("<details>") == 100


@settings(max_examples=50)
@given(text=st.text(max_size=200))
def test_any_text_stays_in_its_block(text: str) -> None:
    """A name or a message has no line end and no markup, and any text can be written as UTF-8."""
    summary = job_summary([FailedTest(text, [(text, 1)], text, text)], {"failed": 1})
    head = summary.partition("<details><summary>")[2].partition("\n\n<pre>")[0]
    assert "\n" not in head
    assert set(re.findall(r"<[^>]*>", head)) <= {"<code>", "</code>", "<br>", "</summary>"}
    assert summary.encode()
