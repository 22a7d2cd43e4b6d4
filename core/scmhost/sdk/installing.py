"""Install in steps: the redirect to a code host, and what the plugin needs when the browser comes back."""

from typing import Annotated

from pydantic import ConfigDict, Field

from .frozen import FrozenDict, Value
from .values import FrozenJson


class RedirectTo(Value):
    """The page of the code host on which a person continues the installation.

    Attributes:
        url: the absolute http or https URL. It has to contain the ``state`` that the hook got.
        saved: data for ``scm_finish_install``, such as the form's fields and a code verifier. The host encrypts it,
            shows it to nobody and deletes it after ten minutes. Not part of dumps.
    """

    model_config = ConfigDict(hide_input_in_errors=True)

    url: Annotated[str, Field(min_length=1, max_length=4096, pattern=r"^https?://")]
    saved: FrozenJson = Field(default_factory=FrozenDict, exclude=True, repr=False)
