"""What every room may use: the clock, limits, paging, and the base of all errors."""
