"""Git: repositories that lie on a disk as bare clones, mirrors or checkouts."""
