"""What the adapters that speak HTTP share."""
