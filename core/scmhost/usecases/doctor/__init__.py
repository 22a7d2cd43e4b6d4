"""Looks for whatever an operator could have wrong. It changes nothing, and makes no database that is not there."""

from .examine import examine, in_order
from .findings import Finding, Severity, of_config_error, of_error

__all__ = ["Finding", "Severity", "examine", "in_order", "of_config_error", "of_error"]
