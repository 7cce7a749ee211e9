"""What a recipe must bear before it is believed: surrogates, hunts for leaks, tuning and promotion."""
