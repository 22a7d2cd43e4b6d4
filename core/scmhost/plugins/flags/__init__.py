"""The rules that turn a plugin's providers on and off for an organization."""
