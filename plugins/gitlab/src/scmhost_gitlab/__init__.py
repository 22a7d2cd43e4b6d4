"""A provider for GitLab: gitlab.com and instances of your own."""
