"""The calls of guests under profile nt."""
