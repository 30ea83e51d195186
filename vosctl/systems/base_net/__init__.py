"""Base net: the baseline of FRTM's Table 1 in which an encoder that is trained offline takes D's place."""
