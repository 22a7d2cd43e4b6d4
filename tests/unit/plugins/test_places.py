"""Where in a plugin's code something happened."""

import pytest

from scmhost.plugins.places import place_of


@pytest.mark.parametrize(
    ("file", "told"),
    [
        ("/venv/lib/site-packages/quarry/client.py", "quarry/client.py"),
        ("/venv/lib/site-packages/quarry.py", "quarry.py"),
        ("/home/ada/quarry/src/quarry/client.py", "quarry/client.py"),
        ("/elsewhere/quarry/client.py", "/elsewhere/quarry/client.py"),
    ],
)
def test_a_file_is_named_from_its_package_on(monkeypatch: pytest.MonkeyPatch, file: str, told: str) -> None:
    """The folders that modules are imported from are left out, the innermost one where they are nested."""
    monkeypatch.setattr("sys.path", ["", "/home/ada", "/venv/lib", "/home/ada/quarry/src", "/venv/lib/site-packages"])
    assert place_of(file, 7) == f" ({told}:7)"
