"""Code hosts for tests: real bare repositories behind git's HTTP protocol and the REST calls that a plugin makes."""
