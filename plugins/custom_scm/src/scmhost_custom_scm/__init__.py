"""Custom SCM: bring your own source control."""
