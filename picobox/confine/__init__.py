"""Confinement: what a guest may reach, and the walls that keep it there."""
