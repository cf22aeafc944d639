"""Programs that attack the sandbox they run in, and what runs them with all walls, and with one wall left out."""
