"""The namespace as files in guests' /nt."""
