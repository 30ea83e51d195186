"""The systems that follow objects (FRTM, A-GAME) and the network that finds them in boxes.

The only files that they read and write are models.
"""
