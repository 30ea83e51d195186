"""Training of the shipped models from the recipes in this repository."""
