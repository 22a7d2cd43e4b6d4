"""Code mappings, and the links that they give for frames and stack traces."""
