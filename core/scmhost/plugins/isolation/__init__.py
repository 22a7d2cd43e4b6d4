"""The border to plugin code: guarded calls, worker pools, circuit breakers and the description of faults."""
