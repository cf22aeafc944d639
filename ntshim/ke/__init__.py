"""Dispatcher objects: events, mutants, semaphores, timers, keyed events."""
