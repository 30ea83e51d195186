"""Scores against ground truth, as the official tools compute them."""
