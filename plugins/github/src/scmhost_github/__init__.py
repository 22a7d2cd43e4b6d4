"""GitHub: github.com and GitHub Enterprise Server, through a GitHub App or a token."""
