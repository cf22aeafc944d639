"""Checks of real programs."""
