"""What scmhost does, one module for each use case; each reads like its sentence."""
