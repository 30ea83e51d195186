"""The version, where every room finds it without importing the public face."""

__version__ = "0.1.0"
