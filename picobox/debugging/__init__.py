"""Guests that trace guests: ptrace(2) for the sandbox's own tasks."""
