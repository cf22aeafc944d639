"""Security: who a token says somebody is, what a descriptor lets whom do, and the check between the two."""
