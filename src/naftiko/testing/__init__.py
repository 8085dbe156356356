"""Stand-ins for testing a capability without the network."""
