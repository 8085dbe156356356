"""What every room stands on: errors, positions, numbers, media types."""
