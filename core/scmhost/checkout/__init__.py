"""Links in a git checkout, without a server: git, the linker, and text with links."""
