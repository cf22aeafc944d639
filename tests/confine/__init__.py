"""Tests of confinement: policies, walls, layers."""
