"""The commands that answer a JSON line with a JSON line."""

import json
import re
import subprocess
import sys
from typing import Any

import pytest

from command import SCMHOST, scmhost, scmhost_process
from pages import page

QUESTIONS: dict[str, dict[str, Any]] = {
    "map": {"frame": {"filename": "app/cart.py"}, "code_mappings": [{"stack_root": "app/", "source_root": "src/"}]},
    "roots": {"frame": {"filename": "shop/cart.py"}, "source_file": "src/shop/cart.py"},
    "derive": {"frames": [{"filename": "shop/cart.py"}], "repo_trees": {"acme/web": {"files": ["src/shop/cart.py"]}}},
}
ANSWERS = {
    "map": {"source_path": "src/cart.py", "matched_mapping": 0, "munged_filename": None, "reason": None},
    "roots": {"stack_root": "shop/", "source_root": "src/shop/"},
    "derive": {
        "derived": [
            {
                "repository": "acme/web",
                "stack_root": "shop/",
                "source_root": "src/shop/",
                "confidence": "medium",
                "derived_from": [{"path": "shop/cart.py", "file": "src/shop/cart.py"}],
            }
        ]
    },
}
# The answers of these commands are tested in test_url_lines.py.
OF_URLS = {
    "url": {"remote": "git@github.com:acme/web.git", "ref": "main", "path": "a.py"},
    "remote": {"remote": "git@github.com:acme/web.git"},
    "read-url": {"url": "https://github.com/acme/web/blob/main/a.py"},
}
REQUESTS: dict[str, dict[str, Any]] = {**QUESTIONS, **OF_URLS}
every_pipe = pytest.mark.parametrize("name", [*QUESTIONS, *OF_URLS])


def answers_of(name: str, *requests: object) -> list[Any]:
    """Return the answers of a command to requests; bytes are sent unchanged."""
    lines = [request if isinstance(request, bytes) else json.dumps(request).encode() for request in requests]
    done = scmhost_process(name, "--jsonl", stdin=b"\n".join(lines))
    assert (done.code, done.err) == (0, "")
    return [json.loads(line) for line in done.out.splitlines()]


@every_pipe
def test_every_line_gets_one_answer(name: str) -> None:
    """Answers have the order of the lines, and a malformed line gets an error."""
    request = REQUESTS[name]
    bad = [b"no json", b"", b"\xff\xfe", b"[1]", json.dumps({key: [5] for key in request}).encode(), b"[" * 50_000]
    *errors, answer, last = answers_of(name, *bad, request, request)
    assert {(error["error"], error["reason"]) for error in errors} == {("malformed_input", "malformed_input")}
    assert len(errors) == len(bad)
    assert all(error["detail"] for error in errors)
    assert answer == last == ANSWERS.get(name, answer)


@every_pipe
def test_answer_is_printed_before_the_next_line_arrives(name: str) -> None:
    """A client that sends line by line gets each answer immediately."""
    request = REQUESTS[name]
    with subprocess.Popen([SCMHOST, name, "--jsonl"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdin is not None
        assert run.stdout is not None
        for _ in range(2):
            run.stdin.write(json.dumps(request) + "\n")
            run.stdin.flush()
            answer = json.loads(run.stdout.readline())
            assert "error" not in answer
            assert answer == ANSWERS.get(name, answer)


@every_pipe
def test_no_server_library_is_imported(name: str) -> None:
    """Neither the database nor the web server is imported."""
    code = (
        f"import sys; sys.argv = ['scmhost', {name!r}, '--jsonl']; from scmhost.app import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(sorted({'sqlalchemy', 'fastapi', 'alembic', 'httpx2', 'rich', 'structlog'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], input="", capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@every_pipe
def test_jsonl_option_is_required(name: str) -> None:
    """Without ``--jsonl`` the command exits with an error that names the option."""
    done = scmhost(name)
    assert done.code == 2
    assert "--jsonl" in done.err


def test_map_returns_the_mapping_or_a_reason() -> None:
    """The answer has the index of the code mapping, or the reason why none leads to a path."""
    mappings = [
        {"stack_root": "", "source_root": "one/", "automatically_generated": True},
        {"stack_root": "com/", "source_root": "src/com/"},
    ]
    frame = {"filename": "Cart.java", "module": "com.acme.Cart", "abs_path": "Cart.java", "lineno": 3}
    java = {"platform": "java", "sdk_name": "sentry.java", "frame": frame, "code_mappings": mappings}
    assert answers_of("map", java, {"frame": "../../x.py", "code_mappings": mappings}, {"frame": {}}) == [
        {
            "source_path": "src/com/acme/Cart.java",
            "matched_mapping": 1,
            "munged_filename": "com/acme/Cart.java",
            "reason": None,
        },
        {
            "source_path": None,
            "matched_mapping": None,
            "munged_filename": None,
            "reason": "path_outside_repository",
        },
        {"source_path": None, "matched_mapping": None, "munged_filename": None, "reason": "not_a_file"},
    ]


def test_roots_are_inferred_or_refused() -> None:
    """A frame may be only its path; without roots there is a reason."""
    java = {"platform": "java", "source_file": "src/main/java/com/acme/Cart.java"}
    known = {**java, "frame": {"module": "com.acme.Cart", "abs_path": "Cart.java"}, "repo_files": [java["source_file"]]}
    assert answers_of(
        "roots", {"frame": "<anonymous>", "source_file": "x.js"}, {**java, "frame": "Cart.java"}, known
    ) == [
        {"error": "unsupported_frame", "reason": "unsupported_frame"},
        {"error": "missing_module_or_abs_path", "reason": "missing_module_or_abs_path"},
        {"stack_root": "com/acme/", "source_root": "src/main/java/com/acme/"},
    ]


def test_derive_ignores_library_frames() -> None:
    """Library frames are ignored, except for class platforms, which cannot mark them before a mapping exists."""
    trees = {"acme/web": ["lib/six.py", "src/com/acme/Cart.java"]}
    python = {"platform": "python", "frames": [{"filename": "six.py", "in_app": False}, None], "repo_trees": trees}
    cart = {"module": "com.acme.Cart", "abs_path": "Cart.java", "in_app": False}
    nothing, java = answers_of("derive", python, {"platform": "java", "frames": [cart], "repo_trees": trees})
    assert nothing == {"derived": []}
    assert [mapping["source_root"] for mapping in java["derived"]] == ["src/com/acme/"]


def test_documented_examples_give_the_documented_answers() -> None:
    """The examples in docs/api.md give the answers that the page shows."""
    shown = re.findall(r"^\$ echo '(.*)' \| scmhost ([\w-]+) --jsonl\n(.*)$", page("docs/api.md"), re.MULTILINE)
    assert {name for _, name, _ in shown} == {*QUESTIONS, *OF_URLS}
    for request, name, answer in shown:
        assert scmhost_process(name, "--jsonl", stdin=request.encode()).out == f"{answer}\n"
