"""Many clips: over the devices of a machine, or of several; a clip that fails does not stop the others."""
