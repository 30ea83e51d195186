"""Algorithm 1: what carries the models through a clip."""
