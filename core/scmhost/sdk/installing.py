"""Install in steps: the redirect to a code host, and what the plugin needs when the browser comes back."""

import json
from collections.abc import Collection
from typing import Annotated, Final

from pydantic import ConfigDict, Field

from .frozen import FrozenDict, Value
from .secrets import MASK
from .urls.safety import safe_url
from .values import FrozenJson

MOST_SAVED: Final = 65_536
"""How many characters the JSON of ``RedirectTo.saved`` may have."""

_SHORTEST_SECRET: Final = 8


class RedirectTo(Value):
    """The page of the code host on which a person continues the installation.

    Attributes:
        url: the absolute http or https URL. It has to contain the ``state`` that the hook got, and no secret.
        saved: data for ``scm_finish_install``, such as the form's fields and a code verifier. The host encrypts it,
            shows it to nobody and deletes it after ten minutes. At most 65,536 characters of JSON. Not part of dumps.
    """

    model_config = ConfigDict(hide_input_in_errors=True)

    url: Annotated[str, Field(min_length=1, max_length=4096, pattern=r"^https?://")]
    saved: FrozenJson = Field(default_factory=FrozenDict, exclude=True, repr=False)


def redirect_problem(step: RedirectTo, state: str, secrets: Collection[str] = ()) -> str | None:
    """Return why a person cannot be sent to a page, or None. The text has neither the URL nor the saved data.

    ``secrets``: texts that the address must not have, in all forms in which they may appear there.
    """
    if not safe_url(step.url):
        return "url is not safe in a browser: it needs a host, and no user part, space or control character"
    # Browsers do not send the fragment, so that a state there never comes back.
    if state not in step.url.partition("#")[0]:
        return "url does not contain the state"
    # An address stays in the browser's history and in logs. Shorter texts occur in too many harmless addresses.
    if any(text in step.url for text in secrets if len(text) >= _SHORTEST_SECRET):
        return "url contains a secret of the form or the settings"
    return None


def saved_problem(step: RedirectTo) -> str | None:
    """Return why the saved data cannot be given back unchanged, or None. The text has none of the data."""
    try:
        text = json.dumps(step.saved, allow_nan=False)
    except ValueError:
        return "saved has a number that is NaN or infinite; JSON has no such numbers"
    if len(text) > MOST_SAVED:
        return f"saved has more than {MOST_SAVED:,} characters"
    if MASK in text:
        return "saved has a masked secret; call get_secret_value() of each SecretStr"
    return None
