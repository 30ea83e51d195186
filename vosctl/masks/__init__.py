"""Masks in the forms that other programs read, and back."""
