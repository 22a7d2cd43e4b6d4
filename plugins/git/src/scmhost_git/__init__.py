"""Git: repositories on a disk, as bare clones, mirrors or checkouts."""
