"""The contract: every hook that a plugin may implement, and what the host needs to call it.

A hook gets frozen values and returns values: no session, no request, no database row. An implementation names the
arguments that it needs, in any order, and leaves out the rest. ``settings`` is the operator's settings, validated by
the provider's own model. Results are validated before anything is saved.

Pure hooks are plain functions; I/O hooks may be ``async def``. Each hook has a time budget. A call over its budget is
reported as a fault of the plugin, and affects only the request that made it.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import BaseModel, JsonValue

from .commits import BlamedLine, CommitDraft, CommitPage, Push

# The table is complete only when this module is imported, so that it is imported from here.
from .hook_specs import HOOK_SPECS as HOOK_SPECS  # noqa: PLC0414
from .hook_specs import PROMISES as PROMISES  # noqa: PLC0414
from .hook_specs import specify
from .installing import RedirectTo
from .provider import Provider
from .secrets import RefreshedCredentials
from .urls.pages import UrlTemplates
from .values import (
    AddRequest,
    Command,
    Decision,
    Existence,
    Installation,
    InstallationDraft,
    Location,
    LocationCandidate,
    NoUrl,
    Offer,
    OfferPage,
    Organization,
    Repository,
    RepositoryUpdate,
    ResolvedRef,
)
from .webhooks import DeliveryRoute, RegisteredWebhook


# Hooks have no body: pluggy calls the implementations only. mypy reports an empty body where there is a result.
@specify("pure", "plugin", budget=1.0)
def scm_register_providers() -> Sequence[Provider]:  # type: ignore[empty-body]
    """The providers that this plugin offers. Called once, when the plugin is loaded."""


@specify("io", "provider", budget=10.0)
def scm_install(  # type: ignore[empty-body]
    form: BaseModel, organization: Organization, settings: BaseModel
) -> InstallationDraft:
    """Turn a filled-in install form into an installation. The form is an instance of the provider's model."""


@specify("io", "provider", budget=10.0)
def scm_begin_install(  # type: ignore[empty-body]
    form: BaseModel, organization: Organization, callback_url: str, state: str, settings: BaseModel
) -> RedirectTo | InstallationDraft:
    """Begin an installation that a person confirms at the code host; called in place of ``scm_install``.

    ``callback_url`` is the address to which the code host has to send the browser back, with ``state`` as it is in the
    query. It is empty while the operator has not set the address of the service; then only a draft is accepted. The
    host accepts a state once, within ten minutes, while the token of the person who began is valid. Return an
    ``InstallationDraft`` if the form already has all that is needed, such as a token.
    """


@specify("io", "provider", budget=10.0)
def scm_finish_install(  # type: ignore[empty-body]
    query: Mapping[str, str],
    saved: Mapping[str, JsonValue],
    organization: Organization,
    callback_url: str,
    settings: BaseModel,
) -> InstallationDraft:
    """Finish an installation: the browser came back from the code host with this query.

    ``saved`` and ``callback_url`` are those of ``scm_begin_install``. Raise a ``ProviderError`` if the person declined,
    or if the query lacks what you need: it may have anything but a wrong state.
    """


@specify("pure", "provider", budget=1.0)
def scm_upgrade_configuration(  # type: ignore[empty-body]
    configuration: Mapping[str, JsonValue], version: str
) -> Mapping[str, JsonValue]:
    """Turn the configuration that an older version of the plugin stored into that of the current model.

    Called once for an installation whose configuration the current model refuses; the host saves the result if the
    model accepts it. ``version`` is that of the plugin that stored the configuration, or empty if it is not known.
    """


@specify("io", "provider", budget=10.0)
def scm_uninstall(installation: Installation, settings: BaseModel) -> None:
    """Clean up at the code host: an installation is being removed. Its webhooks are already unregistered.

    An error does not keep the installation: the host reports it to the person who removes it.
    """


@specify("io", "provider", budget=10.0)
def scm_refresh_credentials(installation: Installation, settings: BaseModel) -> RefreshedCredentials | None:
    """Renew the secrets of an installation, which are in ``installation.secrets``. None if that is impossible.

    Called when a hook raises ``ProviderUnauthorized``, and shortly before the secrets expire; by one worker at a time.
    The host saves the result, then calls the hook again. After None or a ``ProviderError`` the installation needs
    attention; raise ``ProviderUnavailable`` if the code host does not answer now.
    """


@specify("io", "provider", budget=10.0)
def scm_offer_repositories(  # type: ignore[empty-body]
    installation: Installation, repositories: Sequence[Repository], search: str, cursor: str, settings: BaseModel
) -> Sequence[Offer] | OfferPage:
    """The repositories that may be added to an installation: all of them, or one page.

    ``cursor`` is empty for the first page, else the ``next`` of the page before it.

    ``repositories`` are the unclaimed, active repositories of the organization, sorted by name. ``search`` is the text
    that a user searches for, or empty. The host removes offers of repositories that the installation already has: their
    identifier or name equals the name or the external id of one of its repositories.
    """


@specify("io", "provider", budget=10.0)
def scm_dispatch_repository(  # type: ignore[empty-body]
    installation: Installation, request: AddRequest, candidate: Repository | None, settings: BaseModel
) -> Decision:
    """Decide what adding a repository means: a ``Claim`` of the candidate, a ``Create``, or a ``Refusal``.

    ``candidate`` is the unclaimed, active repository, if any, whose name or ``Repository.id`` the request's identifier
    is. The host saves the decision in one transaction; if another claim was faster, nothing is saved.
    """


# Called in the background: no request waits for it.
@specify("io", "provider", budget=30.0)
def scm_sync_repositories(  # type: ignore[empty-body]
    installation: Installation, repositories: Sequence[Repository], settings: BaseModel
) -> Sequence[RepositoryUpdate]:
    """The changes of repositories at the code host: renamed, moved, archived or deleted.

    ``repositories`` are at most 100 repositories of the installation. Leave out those that have not changed.
    """


@specify("pure", "provider", budget=1.0)
def scm_serialize_repository(  # type: ignore[empty-body]
    repository: Repository, payload: Mapping[str, JsonValue]
) -> Mapping[str, JsonValue]:
    """Fields to replace in, or add to, the host's payload of a repository. The wire's types must stay."""


@specify("pure", "provider", budget=1.0)
def scm_source_url(  # type: ignore[empty-body]
    installation: Installation, repository: Repository, location: Location
) -> str | NoUrl:
    """The page that shows a location, as an absolute http or https URL, or ``NoUrl`` with the reason."""


@specify("pure", "provider", budget=1.0)
def scm_url_templates(installation: Installation, repository: Repository) -> UrlTemplates | None:
    """Templates that the host renders itself in place of one ``scm_source_url`` call per frame.

    Optional; it makes links cheap. None means that the host calls ``scm_source_url`` instead. A process caches the
    result, None included, for the thousand most recently used repositories, across requests. It calls the hook again
    when the installation, the repository or the plugin's settings have changed.
    """


@specify("pure", "provider", budget=1.0)
def scm_read_source_url(  # type: ignore[empty-body]
    installation: Installation, url: str, repositories: Sequence[Repository]
) -> Sequence[LocationCandidate]:
    """The locations that a pasted URL may mean, the most likely first; empty if it is no page of this installation.

    If the result is empty, the host tries the forms of pages that most code hosts share.
    """


@specify("pure", "provider", budget=1.0)
def scm_commit_url(  # type: ignore[empty-body]
    installation: Installation, repository: Repository, sha: str
) -> str | NoUrl:
    """The page that shows a commit."""


@specify("pure", "provider", budget=1.0)
def scm_compare_url(  # type: ignore[empty-body]
    installation: Installation, repository: Repository, base: str, head: str
) -> str | NoUrl:
    """The page that shows the changes between two commits: those of a release and of the release before it."""


# A request for links waits for this hook, so that its budget is short.
@specify("io", "provider", budget=3.0)
def scm_file_exists(  # type: ignore[empty-body]
    installation: Installation, repository: Repository, location: Location, settings: BaseModel
) -> Existence:
    """Whether the file of a location exists. ``UNKNOWN`` keeps the link, unverified.

    Called once for each file of a request. Raise a ``ProviderError`` if the code host cannot answer: the link is kept,
    unverified, and in this request the hook is not called for the repository's other files. Only ``ProviderForbidden``
    removes the link.
    """


@specify("io", "provider", budget=3.0)
def scm_resolve_ref(
    installation: Installation, repository: Repository, ref: str | None, settings: BaseModel
) -> ResolvedRef | None:
    """The name, the kind and the current commit of a ref: a branch, a tag, a commit, or the beginning of a commit's id.

    Without a ref: the default branch. None if the repository has no such ref. The host uses the result for releases,
    which keep the commit that their tag had when the ref was set; for code mappings without a branch, which link to the
    default branch; and for pasted URLs, to tell the name of a branch from the path after it.
    """


# Called in the background: no request waits for it.
@specify("io", "provider", budget=30.0)
def scm_compare_commits(  # type: ignore[empty-body]
    installation: Installation, repository: Repository, base: str | None, head: str, settings: BaseModel
) -> Sequence[CommitDraft] | CommitPage:
    """The commits after ``base`` up to ``head``, newest first, with their file changes.

    Return a ``CommitPage`` if a limit of yours leaves something out: the release then has a note about it.

    Without a base: the newest commits, as many as the plugin considers useful. Called in the background after refs are
    set on a release. ``head`` is a full commit id if ``scm_resolve_ref`` returns one, else the text that the sender
    wrote; the same is true for ``base``.
    """


# A request for links waits for this hook, so that its budget is short.
@specify("io", "provider", budget=3.0)
def scm_read_file(
    installation: Installation, repository: Repository, ref: str, path: str, settings: BaseModel
) -> bytes | None:
    """The content of a file at a ref, which is a commit where the host knows it. None if there is no such file.

    ``path`` is from the repository's root, with slashes. Read at most ``MAX_FILE_BYTES`` and raise ``FileTooLarge`` for
    a larger file. A path out of the repository, a folder and a symbolic link are no files. The host reads several files
    at the same time, and caches the content of a file at a commit.
    """


@specify("io", "provider", budget=10.0)
def scm_blame_lines(  # type: ignore[empty-body]
    installation: Installation,
    repository: Repository,
    ref: str,
    path: str,
    lines: Sequence[int],
    settings: BaseModel,
) -> Sequence[BlamedLine]:
    """The commits that last changed lines of a file at a ref, in any order; empty if there is no such file.

    ``lines`` are numbers from 1, ascending, at most 1,000. Leave out a line that the file does not have.
    """


@specify("io", "provider", budget=10.0)
def scm_register_webhook(  # type: ignore[empty-body]
    installation: Installation, repository: Repository, address: str, secret: str, settings: BaseModel
) -> RegisteredWebhook:
    """Register a webhook for pushes to a repository at the code host, or change the one with this address.

    The code host must send deliveries to ``address`` and sign them with ``secret``. Called in the background after a
    claim, and again for the same repository when the secret or the address has changed. If the id is then another one,
    the host unregisters the webhook with the former id.
    """


@specify("io", "provider", budget=10.0)
def scm_unregister_webhook(
    installation: Installation, repository: Repository, webhook: RegisteredWebhook, settings: BaseModel
) -> None:
    """Remove a webhook from the code host. One that is not there any more is no error."""


@specify("pure", "provider", budget=2.0)
def scm_route_delivery(headers: Mapping[str, str], body: bytes, settings: BaseModel) -> DeliveryRoute | None:
    """The installation that a delivery to the provider's common address is for; None for an event to ignore.

    For code hosts with one address for all installations. The body is not verified yet: ``scm_read_push`` of the
    installation gets it with the route's secret, and checks the signature. Header names are lower case.

    If no organization has the installation, ``scm_read_push`` is called with another one, and only its check of the
    signature counts. The secret must thus not depend on the installation.
    """


@specify("pure", "provider", budget=2.0)
def scm_read_push(  # type: ignore[empty-body]
    installation: Installation,
    headers: Mapping[str, str],
    body: bytes,
    secret: str,
    repositories: Sequence[Repository],
    settings: BaseModel,
) -> Sequence[Push]:
    """Read a webhook that was sent to an installation. Header names are lower case.

    ``repositories`` are the active repositories of the installation. The host reads them only for an implementation
    that takes this argument.

    Check the signature before parsing the body. Raise ``ProviderForbidden`` for a missing or wrong signature: the host
    tries the installation's next valid secret, and answers 401 if none matches. Raise ``ProviderError`` for a body that
    cannot be parsed (400). For an event that is not a push, such as a ping, return no pushes.
    """


@specify("io", "listeners", budget=2.0)
def scm_installation_saved(organization: Organization, installation: Installation) -> None:
    """An installation was created or changed. Called after the transaction, without the installation's secrets."""


@specify("io", "listeners", budget=2.0)
def scm_repository_saved(organization: Organization, repository: Repository) -> None:
    """A repository was created, changed, claimed or unclaimed. Called after the transaction."""


@specify("io", "listeners", budget=2.0)
def scm_commits_saved(organization: Organization, repository: Repository, shas: Sequence[str]) -> None:
    """Commits new to the host were saved for a repository. Called after the transaction."""


@specify("io", "listeners", budget=10.0)
def scm_startup(settings: BaseModel, data_folder: Path) -> None:
    """Start the plugin: a process that serves starts, or an operator enables the plugin while it runs.

    ``data_folder`` is a folder for the plugin's own files; it exists, and other plugins have other ones. Processes
    share it. A command, such as ``scmhost plugins list``, does not start plugins.

    Called after the plugin is validated, before any other hook that concerns an organization. Called again when an
    operator disables the plugin and enables it again in the same process.
    """


@specify("io", "listeners", budget=5.0)
def scm_shutdown() -> None:
    """Stop the plugin: the process ends, or an operator disables the plugin. Calls in progress may still finish."""


@specify("pure", "listeners", budget=1.0)
def scm_register_commands(settings: BaseModel, data_folder: Path) -> Sequence[Command]:  # type: ignore[empty-body]
    """Commands that this plugin adds to the ``scmhost`` command line.

    A command may use the settings and the data folder, as ``scm_startup`` gets them.
    """
