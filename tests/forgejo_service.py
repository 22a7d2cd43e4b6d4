"""A service in this process whose organization uses a fake Forgejo."""

from dataclasses import dataclass
from typing import Any, Final

import httpx2

from api import PLUGINS_TOML, ApiClient
from fake_hosts.base import Delivery
from fake_hosts.forgejo import FakeForgejo
from fake_hosts.repository import BareRepository
from scmhost.infra.secret_box import new_key

SERVICE: Final = "https://scmhost.example"
"""The address of the service, to which code hosts send deliveries and browsers."""


@dataclass
class Acme:
    """An organization whose service knows a fake host, with the private repository ``team/app``."""

    api: ApiClient
    host: FakeForgejo
    app: BareRepository

    @property
    def url(self) -> str:
        """The web page of the repository."""
        return f"{self.host.url}/team/app"

    def install(self, token: str | None = "good-token") -> dict[str, Any]:  # noqa: S107 - a test's token
        return self.api.installed(provider="forgejo", instance=self.host.url, token=token)

    def ready(self, **mapping: Any) -> dict[str, Any]:
        """Install, add the repository and map its ``src`` folder. Return the installation."""
        installation = self.install()
        repository = self.api.add(installation)
        assert self.api.mapping(repository, installation, **mapping).status_code == 201
        return installation

    def deliver(self, delivery: Delivery) -> int:
        """Hand a delivery of the fake host to the service."""
        path = delivery.url.removeprefix(SERVICE)
        answer = self.api.client.post(path, content=delivery.body, headers=dict(delivery.headers))
        return answer.status_code


def plugins_toml(settings: str = "") -> str:
    """Return plugins.toml with keys, the address of the service, and settings of the plugin."""
    host = f'secret_keys = ["{new_key()}"]\nurl = "{SERVICE}"\n'
    text = PLUGINS_TOML.replace("[plugins.custom_scm]", f"{host}[plugins.custom_scm]")
    return f'{text}[plugins.forgejo]\nenabled = true\nallow = {{ organizations = ["acme"] }}\n{settings}'


def oauth_settings(host: FakeForgejo) -> str:
    """Return settings with an OAuth2 application of a fake host, by the name ``ours``."""
    host.applications["client-7"] = "app-secret-9"
    fields = f'url = "{host.url}"\nclient_id = "client-7"\nclient_secret = "app-secret-9"\n'
    return f"[plugins.forgejo.settings.instances.ours]\n{fields}"


def agreed(page: str) -> str:
    """Open the page of the server as a person does, agree, and return the address to which the browser goes back."""
    answer = httpx2.get(page, follow_redirects=False, trust_env=False)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["Location"]).removeprefix(SERVICE)
