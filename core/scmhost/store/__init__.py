"""What is stored, and the only place that speaks SQL."""
