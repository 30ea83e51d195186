"""What a run leaves beside its masks, so that it can go on, be corrected and be judged."""
