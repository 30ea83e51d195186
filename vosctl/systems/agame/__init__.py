"""A-GAME, of CVPR 2019: a generative appearance model, trained end to end."""
