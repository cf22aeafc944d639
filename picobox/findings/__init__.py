"""What a run would have met on Windows: the rules, the findings by them, and how they are told."""
