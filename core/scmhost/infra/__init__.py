"""What every subject may use: database, jobs, telemetry, HTTP basics, clock, limits."""
