"""Old Forge for scmhost."""
