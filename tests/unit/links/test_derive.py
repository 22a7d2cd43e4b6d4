"""Derive code mappings from frames and known files, and save them."""

import pytest

import factories
from linking import LinkProject, open_project
from scmhost.infra.db.engine import Store
from scmhost.installations.install import InvalidForm
from scmhost.links.derive import Derivation, DerivationOptions, derive_for_project
from scmhost.links.values import FrameQuery
from scmhost.mapping import Evidence, FrameInfo
from scmhost.repositories import queries as repository_queries

SAVE = DerivationOptions(save=True)
CART = "/build/shop/cart.py"


def derive(
    web: LinkProject, *paths: str, options: DerivationOptions = SAVE, in_app: bool | None = None
) -> list[Derivation]:
    frames = [FrameQuery(FrameInfo(filename=path), in_app=in_app) for path in paths]
    return derive_for_project(web.services, web.organization, web.project, frames, options)


def actions(derived: list[Derivation]) -> list[str]:
    return [item.action for item in derived]


def test_derived_mapping_is_saved_on_request(web: LinkProject) -> None:
    """The first call lists the mapping, the second saves it, and the third changes nothing."""
    web.add_commit("A shop/cart.py")
    (listed,) = derive(web, CART, options=DerivationOptions())
    assert (listed.action, listed.mapping_id, web.mappings()) == ("create", None, [])
    (saved,) = derive(web, CART)
    (mapping,) = web.mappings()
    assert (saved.action, saved.mapping_id) == ("create", mapping.id)
    assert (mapping.stack_root, mapping.source_root, mapping.generated) == ("/build/", "", True)
    assert mapping.derived_from == (Evidence(CART, "shop/cart.py"),)
    assert actions(derive(web, CART)) == ["keep"]
    assert web.mappings() == [mapping]
    assert web.audited() == ["code-mapping.create"]


def test_more_evidence_raises_the_confidence(web: LinkProject) -> None:
    """A derived mapping is updated when its confidence rises, and never loses confidence."""
    web.add_commit("A shop/cart.py", "A shop/pay.py")
    derive(web, CART)
    both = [CART, "/build/shop/pay.py"]
    (listed,) = derive(web, *both, options=DerivationOptions())
    assert (listed.action, web.mappings()[0].confidence) == ("update", "medium")
    assert actions(derive(web, *both)) == ["update"]
    assert (web.mappings()[0].confidence, len(web.mappings()[0].derived_from)) == ("high", 2)
    assert actions(derive(web, CART)) == ["keep"]
    assert web.mappings()[0].confidence == "high"
    assert web.audited() == ["code-mapping.create", "code-mapping.edit"]


def test_frames_together_decide_between_services(web: LinkProject) -> None:
    """Of two services with files of the same names, the one that has all files of the trace is used, and why."""
    web.add_commit(*(f"A services/shop/cart/{name}.py" for name in ("views", "utils", "total")))
    web.add_commit(*(f"A services/pay/cart/{name}.py" for name in ("views", "utils")))
    assert derive(web, "/app/cart/views.py", "/app/cart/utils.py") == []
    trace = ("/app/cart/views.py", "/app/cart/utils.py", "/app/cart/total.py", "/app/router.py")
    (saved,) = derive(web, *trace)
    assert (saved.draft.stack_root, saved.draft.source_root) == ("/app/", "services/shop/")
    assert saved.draft.evidence == "files of the trace in services/shop/: 3 of 4"
    assert web.mappings()[0].source_root == "services/shop/"


def test_left_out_files_are_reported(sqlite_store: Store) -> None:
    """A name that too many files have, and names over the limit, are in the notes."""
    with open_project(sqlite_store, derived_from_files=2) as web:
        web.add_commit("A a/index.js", "A b/index.js", "A c/index.js", "A shop/cart.py")
        notes: list[str] = []
        names = ["index.js", "cart.py", *(f"n{number}.py" for number in range(199))]
        frames = [FrameQuery(FrameInfo(filename=f"/build/shop/{name}")) for name in names]
        args = (web.services, web.organization, web.project, frames, DerivationOptions(), notes)
        (derived,) = derive_for_project(*args)
        assert derived.draft.source_root == ""
        assert ["201 different file names" in note for note in notes] == [True, False]
        assert "'index.js'" in notes[1]
        assert "limits.derived_from_files" in notes[1]


def test_mapping_of_a_person_is_never_changed(web: LinkProject) -> None:
    """Nothing is derived for frames that a person's mapping matches."""
    web.add_commit("A shop/cart.py")
    mapping = web.add_mapping("/build/", "elsewhere/")
    assert derive(web, CART) == []
    assert web.mappings() == [mapping]


def test_mapping_of_a_person_with_the_same_roots_is_kept(web: LinkProject) -> None:
    """If a person's mapping has the derived roots but does not match, it stays as it is."""
    web.add_commit("A shop/cart.py")
    (listed,) = derive(web, CART, options=DerivationOptions())
    mapping = web.add_mapping(listed.draft.stack_root, listed.draft.source_root, default_branch="trunk")
    assert actions(derive(web, CART)) == []
    assert web.mappings() == [mapping]


def test_default_branch_comes_from_the_request_or_from_other_mappings(web: LinkProject) -> None:
    """Without a branch in the request, the one that all mappings of the repository have is used."""
    web.add_commit("A shop/cart.py", "A pay/card.py")
    web.add_mapping("/other/", default_branch="trunk")
    (item,) = derive(web, CART, options=DerivationOptions())
    assert item.draft.default_branch == "trunk"
    (item,) = derive(web, CART, options=DerivationOptions(default_branch="next"))
    assert item.draft.default_branch == "next"
    web.add_mapping("/third/", default_branch="main")
    (item,) = derive(web, CART, options=DerivationOptions())
    assert item.draft.default_branch is None


def test_malformed_branch_is_refused(web: LinkProject) -> None:
    """The branch follows the rules of mappings that people make."""
    with pytest.raises(InvalidForm) as refused:
        derive(web, options=DerivationOptions(default_branch="/main"))
    assert list(refused.value.problems) == ["defaultBranch"]


def test_uncertain_mapping_is_skipped(web: LinkProject) -> None:
    """A mapping below the least confidence is skipped with the reason, and saved if the request allows it."""
    web.add_commit("A cart.py")
    (skipped,) = derive(web, "/build/cart.py")
    assert (skipped.action, "confidence is low" in str(skipped.detail)) == ("skip", True)
    assert actions(derive(web, "/build/cart.py", options=DerivationOptions(save=True, min_confidence="low"))) == [
        "create"
    ]


def test_mapping_of_an_unclaimed_repository_is_skipped(web: LinkProject) -> None:
    """A repository needs an installation before a mapping for it is saved."""
    unclaimed = factories.new_repository(web.services.store, web.organization.id, "acme/free")
    web.add_commit("A shop/cart.py", repository=unclaimed)
    (skipped,) = derive(web, CART)
    assert (skipped.action, "Claim it" in str(skipped.detail)) == ("skip", True)


def test_malformed_roots_and_a_full_project_are_skipped(sqlite_store: Store) -> None:
    """Roots that a person could not save are skipped, and so are mappings beyond the limit of the project."""
    with open_project(sqlite_store, mappings_per_project=1) as web:
        web.add_commit("A shop/cart.py", "A pay/card.py")
        (skipped,) = derive(web, "/my build/shop/cart.py")
        (odd,) = derive(web, "/\ud800/shop/cart.py")
        web.add_mapping("/other/")
        (full,) = derive(web, CART)
    assert (skipped.action, "spaces or quotations" in str(skipped.detail)) == ("skip", True)
    assert (odd.action, "spaces or quotations" in str(odd.detail)) == ("skip", True)
    assert (full.action, "limits.mappings_per_project" in str(full.detail)) == ("skip", True)


def test_ambiguous_and_foreign_files_derive_nothing(web: LinkProject) -> None:
    """Nothing is derived from a file in two repositories, of a hidden repository, or from frames of libraries."""
    web.add_commit("A shop/cart.py", "A shop/pay.py")
    other = web.add_repository("acme/lib")
    web.add_commit("A shop/cart.py", repository=other)
    assert derive(web, CART) == []
    assert derive(web, "/site-packages/shop/pay.py", in_app=False) == []
    hidden = web.add_repository("acme/old", status="hidden")
    web.add_commit("A old/cart.py", repository=hidden)
    assert derive(web, "/build/old/cart.py") == []


def test_name_of_too_many_files_derives_nothing(sqlite_store: Store) -> None:
    """A name that more files have than the limit allows is left out."""
    with open_project(sqlite_store, derived_from_files=1) as web:
        web.add_commit("A shop/cart.py", "A pay/cart.py", "A shop/one.py")
        assert derive(web, CART) == []
        assert actions(derive(web, "/build/shop/one.py")) == ["create"]


def test_evidence_is_bounded(web: LinkProject) -> None:
    """A mapping keeps as much evidence as a person reads, even if more frames support it."""
    names = [f"shop/m{number}.py" for number in range(30)]
    web.add_commit(*(f"A {name}" for name in names))
    (item,) = derive(web, *(f"/build/{name}" for name in names))
    assert (item.draft.confidence, len(item.draft.derived_from)) == ("high", 20)


def test_repository_of_a_derived_mapping_is_shown(web: LinkProject) -> None:
    """Each result has the repository that its mapping leads to."""
    web.add_commit("A shop/cart.py")
    (item,) = derive(web, CART)
    with web.services.store.read() as tx:
        assert item.repository == repository_queries.get(tx, web.organization.id, web.repository)
