"""What runs tell of themselves while they run, as their users see it."""
