"""Test cases in files under tests/cases/<subject>/, with one case or a list of cases in each."""

import json
import tomllib
from pathlib import Path
from typing import Any

CASES = Path(__file__).parent / "cases"


def load_cases(subject: str) -> list[dict[str, Any]]:
    """Return all cases of a subject, in the order of their files. By default the ``id`` is the file and a number."""
    files = sorted(path for path in (CASES / subject).rglob("*") if path.suffix in (".json", ".toml"))
    cases = [case for path in files for case in _cases(path)]
    if not cases:
        raise LookupError(f"no cases under {CASES / subject}")
    return cases


def case_id(case: dict[str, Any]) -> str:
    """Return the id of a case, for ``pytest.mark.parametrize(ids=case_id)``."""
    return str(case["id"])


def _cases(path: Path) -> list[dict[str, Any]]:
    text = path.read_text(encoding="utf-8")
    content = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    found = content if isinstance(content, list) else content.get("cases", [content])
    return [{"id": f"{path.stem}-{number}", **case} for number, case in enumerate(found, start=1)]
