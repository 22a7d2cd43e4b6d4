"""Settings of the pages for people: ``[web]`` of plugins.toml."""

from collections.abc import Collection, Mapping
from ipaddress import ip_address, ip_network
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

# A header that servers and proxies set themselves names no person.
_NO_USER_HEADERS: Final = frozenset({"authorization", "cookie", "host", "x-forwarded-for"})


def _network(text: str) -> str:
    ip_network(text)
    return text


def _user_header(name: str) -> str:
    if name.lower() in _NO_USER_HEADERS:
        raise ValueError(f"{name} is no header with the name of a user; such as X-Forwarded-User")
    return name.lower()


HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,64}$"), AfterValidator(_user_header)]
Network = Annotated[str, AfterValidator(_network)]
IssuerUrl = Annotated[str, Field(pattern=r"^https?://[^\s?#]+$")]


class WebTable(BaseModel):
    """Base of the tables: frozen, without unknown keys, as the other tables of the file."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)


class GroupRole(WebTable):
    """``[[web.groups]]``: what the members of a group at a proxy or an identity provider may do."""

    group: str = Field(min_length=1, description="The group's name; `*`: everybody who signs in this way.")
    organization: str | None = Field(default=None, description="The slug of the organization that members see.")
    role: Literal["member", "admin"] = Field(default="member", description="Their role in the organization.")
    host_admin: bool = Field(default=False, description="Whether they administer the host.")


class OpenIdSettings(WebTable):
    """``[web.openid]``: sign-in by OpenID Connect; needs the extra `scmhost[openid]`."""

    issuer: IssuerUrl = Field(description="URL of the provider; its configuration is below `/.well-known/`.")
    client_id: str = Field(min_length=1, description="Id of scmhost at the provider.")
    client_secret: SecretStr | None = Field(default=None, description="Its secret; none for a public client.")
    scope: str = Field(default="openid profile email", description="Scopes, separated by blanks.")
    groups_claim: str = Field(default="groups", min_length=1, description="Claim with the groups of the person.")


class WebSettings(WebTable):
    """``[web]``: pages for people."""

    enabled: bool = Field(default=True, description="Serves pages for people; the API does not depend on them.")
    session_hours: int = Field(default=336, ge=1, le=8_760, description="Hours after which people sign in again.")
    share_days: int = Field(
        default=30, ge=0, le=365, description="Days after which shared traces are deleted; 0: no trace can be shared."
    )
    proxy_user_header: HeaderName | None = Field(
        default=None, description="Header in which a proxy names the person, such as `X-Forwarded-User`."
    )
    proxy_groups_header: HeaderName | None = Field(
        default=None, description="Header with the person's groups, separated by commas."
    )
    # Not strict: TOML has arrays, and the frozen model needs tuples.
    proxy_addresses: Annotated[tuple[Network, ...], Field(strict=False)] = Field(
        default=(), description="Addresses and networks of proxies that may name people; from others it is refused."
    )
    groups: Annotated[tuple[GroupRole, ...], Field(strict=False)] = Field(
        default=(), description="What members of groups may do, below."
    )
    openid: OpenIdSettings | None = Field(default=None, description="Sign-in by OpenID Connect, below.")

    def trusts(self, address: str) -> bool:
        """Return whether a proxy with this address may name people."""
        try:
            number = ip_address(address)
        except ValueError:
            return False
        return any(number in ip_network(network) for network in self.proxy_addresses)

    def roles(self, groups: Collection[str]) -> "GroupRoles":
        """Return what a person in these groups may do."""
        own = [each for each in self.groups if each.group == "*" or each.group in groups]
        roles: dict[str, Literal["member", "admin"]] = {}
        for each in own:
            if each.organization and roles.get(each.organization) != "admin":
                roles[each.organization] = each.role
        return GroupRoles(roles=roles, host_admin=any(each.host_admin for each in own))


class GroupRoles(WebTable):
    """Roles by the slug of the organization, and whether the person administers the host."""

    roles: Mapping[str, Literal["member", "admin"]]
    host_admin: bool


DEFAULT_WEB: Final = WebSettings()
