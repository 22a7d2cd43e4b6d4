"""Finding repositories below a folder. No name leads out of the folder."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from command import GitRepository
from scmhost.sdk import ProviderError
from scmhost_git import folders
from scmhost_git.folders import find, walk


def bare(path: Path) -> Path:
    """Make an empty folder that git accepts as a bare repository."""
    for name in ("objects", "refs"):
        (path / name).mkdir(parents=True)
    (path / "HEAD").write_text("ref: refs/heads/main\n", encoding="utf-8")
    return path


def names(top: Path) -> list[str]:
    return [found.name for found in walk(top)]


def test_bare_clones_and_checkouts_are_found_in_nested_folders(tmp_path: Path) -> None:
    """A repository's name is its path, without the ending of bare clones."""
    GitRepository(tmp_path / "team" / "app").commit(files={"a.py": "1\n"})
    GitRepository(tmp_path / "team" / "app").git("clone", "--quiet", "--bare", ".", "../deep/er/lib.git")
    GitRepository(tmp_path / "team" / "app").git("clone", "--quiet", "--mirror", ".", str(tmp_path / "mirror.git"))
    (tmp_path / "team" / "empty").mkdir()
    (tmp_path / "team" / "notes.txt").write_text("no folder", encoding="utf-8")
    assert names(tmp_path) == ["mirror", "team/app", "team/deep/er/lib"]
    found = find(tmp_path, "team/deep/er/lib")
    assert found is not None
    assert (found.path, found.git_dir) == ("team/deep/er/lib.git", tmp_path / "team/deep/er/lib.git")


def test_a_checkout_and_its_bare_clone_have_different_names(tmp_path: Path) -> None:
    """Side by side, each is found by its own name."""
    bare(tmp_path / "app.git")
    bare(tmp_path / "app" / ".git")
    assert names(tmp_path) == ["app", "app.git"]
    assert [str(found.git_dir.relative_to(tmp_path)) for found in walk(tmp_path)] == ["app/.git", "app.git"]
    assert [found and found.path for found in (find(tmp_path, "app"), find(tmp_path, "app.git"))] == ["app", "app.git"]


def test_a_symbolic_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    """Only repositories below the folder are found, and a walk does not follow a circle of links."""
    top, outside = tmp_path / "top", tmp_path / "outside"
    inside = bare(top / "inside.git")
    bare(outside / "secret.git")
    (top / "checkout").mkdir()
    for link, target in [
        ("out.git", outside / "secret.git"),
        ("folder", outside),
        ("circle", top),
        ("checkout/.git", outside / "secret.git"),
        ("nowhere.git", top / "nothing"),
        ("again.git", inside),
        ("itself", top / "itself"),
    ]:
        (top / link).symlink_to(target)
    assert names(top) == ["again", "inside"]
    refused = ["out", "out.git", "folder/secret", "circle/inside", "checkout", "nowhere", "../outside/secret"]
    assert [find(top, name) for name in refused] == [None] * len(refused)


def test_the_inside_of_a_repository_is_not_searched(tmp_path: Path) -> None:
    """A committed folder may look like a repository, with settings that run programs."""
    bare(tmp_path / "app" / ".git")
    bare(tmp_path / "app" / "fixtures" / "evil.git")
    bare(tmp_path / "lib.git")
    bare(tmp_path / "lib.git" / "modules" / "x")
    assert names(tmp_path) == ["app", "lib"]
    inner = ["app/fixtures/evil", "app/.git", "lib.git/modules/x", "lib/modules/x"]
    assert [find(tmp_path, name) for name in inner] == [None] * 4


def test_invalid_names_are_left_out(tmp_path: Path) -> None:
    """A name is UTF-8, not hidden, not too long, and has no control characters."""
    long = "x" * 120
    for name in (".hidden.git", "a\nb.git", " blank.git", f"{long}/{long}.git", "fine name.git", "ünï.git"):
        bare(tmp_path / name)
    bare(Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.git")))
    assert names(tmp_path) == ["fine name", "ünï"]
    assert find(tmp_path, f"{long}/{long}") is None


def test_depth_and_number_of_folders_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A walk ends after a number of folders, with an error."""
    bare(tmp_path.joinpath(*["d"] * 11, "last.git"))
    bare(tmp_path.joinpath(*["d"] * 12, "too-deep.git"))
    assert names(tmp_path) == ["d/" * 11 + "last"]
    monkeypatch.setattr(folders, "MAX_FOLDERS", 5)
    with pytest.raises(ProviderError, match="more than 5 folders"):
        names(tmp_path)


def test_an_unreadable_folder_has_no_repositories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The repositories in other folders are still found."""
    bare(tmp_path / "app.git")
    (tmp_path / "shut").mkdir()
    scandir = os.scandir

    def refuse(path: Path) -> object:
        if path.name == "shut":
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr("scmhost_git.folders.os.scandir", refuse)
    assert names(tmp_path) == ["app"]


segments = st.sampled_from(
    ["a", "b.git", "a.git", "..", ".", "", ".git", "link", "HEAD", "objects", "\\", "c:", " ", "\0"]
)


@pytest.fixture(scope="module")
def tangle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with repositories inside and outside, and links between them."""
    top = tmp_path_factory.mktemp("tangle") / "a"
    for path in (top / "a.git", top / "a" / "b.git", top.parent / "b.git", top.parent / "a.git"):
        bare(path)
    (top / "link").symlink_to(top.parent)
    (top / "a" / "link").symlink_to(top.parent / "b.git")
    return top


@given(name=st.lists(segments, max_size=5).map("/".join))
def test_no_name_leads_out(tangle: Path, name: str) -> None:
    """For any name, the found repository is below the folder, and a walk finds it too."""
    found = find(tangle, name)
    if found is not None:
        assert os.path.realpath(found.git_dir).startswith(f"{tangle}/")
        assert found in list(walk(tangle))


def test_each_listed_repository_is_found(tangle: Path) -> None:
    """Each name and path from a walk finds the same repository."""
    listed = list(walk(tangle))
    assert listed
    assert [find(tangle, found.name) for found in listed] == listed
    assert [find(tangle, found.path) for found in listed] == listed
