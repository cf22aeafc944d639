"""NT's behaviour as other implementations showed it, row by row."""
