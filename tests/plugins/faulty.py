"""A plugin that loads and then fails in every call, with a declared error or another one."""

from collections.abc import Sequence

from pydantic import BaseModel

from scmhost.sdk import (
    Existence,
    Feature,
    Installation,
    InstallationDraft,
    Location,
    NoUrl,
    Offer,
    Provider,
    ProviderError,
    ProviderForbidden,
    ProviderUnavailable,
    Reason,
    Refusal,
    Repository,
    hookimpl,
)

ON_PURPOSE = {"Fix it": ProviderError, "Try later": ProviderUnavailable, "Not yours": ProviderForbidden}


class Form(BaseModel):
    """``say`` selects the fault of each call."""

    say: str = ""
    install: bool = False


def fail(say: str) -> None:
    raise ON_PURPOSE.get(say, RuntimeError)(say)


@hookimpl
def scm_register_providers() -> Sequence[Provider]:
    features = frozenset({Feature.COMMITS, Feature.STACKTRACE_LINK})
    return [Provider(key="faulty", name="Faulty", features=features, install_form=Form)]


@hookimpl
def scm_install(form: Form) -> InstallationDraft:
    if not form.install:
        fail(form.say)
    return InstallationDraft(name="faulty", external_id="1", configuration={"say": form.say})


@hookimpl
def scm_offer_repositories(installation: Installation) -> Sequence[Offer]:
    fail(str(installation.configuration["say"]))
    return []


@hookimpl
def scm_dispatch_repository(candidate: Repository | None) -> Refusal:
    return Refusal(reason="unavailable", message="Not today.")


@hookimpl
def scm_serialize_repository() -> dict[str, None]:
    return {"name": None}


@hookimpl
def scm_source_url(installation: Installation, location: Location) -> str | NoUrl:
    say = str(installation.configuration["say"])
    if say == "unsafe":
        return "javascript:alert(1)"
    if say == "none":
        return NoUrl(reason=Reason.NO_SOURCE_PAGES, message="There are no pages.")
    if say in ("gone", "blind"):
        return f"https://faulty.example/{location.path}"
    fail(say)
    return ""


@hookimpl
def scm_commit_url(installation: Installation) -> str:
    fail(str(installation.configuration["say"]))
    return ""


@hookimpl
def scm_compare_url(installation: Installation) -> str:
    fail(str(installation.configuration["say"]))
    return ""


@hookimpl
async def scm_file_exists(installation: Installation) -> Existence:
    if installation.configuration["say"] == "blind":
        raise RuntimeError("cannot see")
    return Existence.NO
