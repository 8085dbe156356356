"""Read bind variables, one file for each scheme."""
