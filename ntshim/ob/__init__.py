"""The object manager: what every object has in common, its type, and the handles to it."""
