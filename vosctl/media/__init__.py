"""Frames and masks in and out of files. No tensors here: numpy arrays only."""
