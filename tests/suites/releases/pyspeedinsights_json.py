"""Has an answer of the service written as JSON, into a file whose name has the time in it."""

# mypy: ignore-errors

from pyspeedinsights.api.response import process_json

process_json({"analysisUTCTimestamp": "2022-10-27T11:05:25.626Z"}, "performance", "desktop")
