"""Builds whose only setting is a token that names the service and the organization."""

from dataclasses import replace
from pathlib import Path

import pytest

from command import GitRepository, scmhost
from organization_client import OrganizationClient, remote
from real_clients import SentryCli, SentryNode
from serving import Served


def without_settings(cli: SentryCli, token: str) -> SentryCli:
    """Return a client without SENTRY_URL and SENTRY_ORG."""
    return replace(cli, account=replace(cli.account, url="", organization="", token=token))


@pytest.fixture
def secret(folder: Path, served: Served, organization: OrganizationClient, tmp_path: Path) -> str:
    """A token for builds, made by an operator whose plugins.toml has the address of the service."""
    config = tmp_path / "plugins.toml"
    config.write_text(f'schema = 1\n[host]\nurl = "{served.url}"\n', encoding="utf-8")
    where = ["--config", config, "--database-url", f"sqlite:///{folder}/served.db"]
    scopes = ["--scope", "org:ci", "--scope", "org:read"]
    done = scmhost("token", "create", "--org", organization.slug, "--name", "ci", *scopes, "--sntrys", *where)
    assert done.code == 0, done.err
    return done.out.strip()


def test_one_secret_is_enough_for_a_build(
    cli: SentryCli, organization: OrganizationClient, secret: str, tmp_path: Path
) -> None:
    """Without SENTRY_URL and SENTRY_ORG, sentry-cli finds service and organization in the token."""
    checkout = GitRepository(tmp_path / "checkout")
    checkout.grow(3)
    checkout.git("remote", "add", "origin", remote("team/app"))
    organization.claimed("team/app")
    build = without_settings(cli, secret)
    assert organization.slug in build("info")
    build("releases", "new", "1.0")
    build("releases", "set-commits", "1.0", "--auto", cwd=checkout.path)
    build("releases", "finalize", "1.0")
    assert organization.shas("1.0") == checkout.shas()


def test_the_older_form_of_a_token_still_works(cli: SentryCli, organization: OrganizationClient) -> None:
    """A token without the address needs the other two settings, as before."""
    cli("releases", "new", "1.0")
    assert organization.versions() == ["1.0"]
    done = without_settings(cli, organization.token).run("releases", "new", "1.1")
    assert done.code == 1
    assert organization.versions() == ["1.0"]


def test_a_changed_token_is_refused(cli: SentryCli, organization: OrganizationClient, secret: str) -> None:
    """The claim is not signed, but the secret part decides."""
    done = without_settings(cli, secret[:-4] + "AAAA").run("releases", "new", "1.0")
    assert (done.code, "Invalid token" in done.err) == (1, True), done
    assert organization.versions() == []


def test_newer_client_takes_the_token(sentry: SentryNode, organization: OrganizationClient, secret: str) -> None:
    """The npm client reads the service from it."""
    only_token = replace(sentry, account=replace(sentry.account, token=secret, url=""))
    assert organization.slug in only_token("org", "list")


def test_newer_client_logs_in(sentry: SentryNode, organization: OrganizationClient) -> None:
    """It asks for the regions of the user, of which there are none, and then works without a variable."""
    account = sentry.account
    sentry("auth", "login", "--token", account.token, "--url", account.url)
    assert organization.slug in sentry("org", "list")
