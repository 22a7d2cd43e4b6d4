"""All laws, in the order in which they are asked."""

from typing import Final

from . import call_laws, contract_laws, delivery_laws, link_laws, repository_laws, silence_laws
from .laws import Law

LAWS: Final[tuple[Law, ...]] = (
    *contract_laws.LAWS,
    *call_laws.LAWS,
    *silence_laws.LAWS,
    *repository_laws.LAWS,
    *link_laws.LAWS,
    *delivery_laws.LAWS,
)
BY_NAME: Final = {law.name: law for law in LAWS}
