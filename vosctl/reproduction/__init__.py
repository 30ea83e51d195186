"""The tables and figures of both papers, measured anew on whatever data there is."""
