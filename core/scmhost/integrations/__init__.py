"""Links to the source in the errors of a running program, for Sentry's SDK, logging, structlog and OpenTelemetry.

They are made from the repository and the revision that the program was built from, which ``build_info`` finds. Nothing
here uses a network, takes longer than a millisecond for an error, or raises.
"""
