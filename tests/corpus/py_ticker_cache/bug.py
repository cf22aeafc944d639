"""Caches prices of shares, a directory for each: Continental has the symbol CON."""

import json
import os

for ticker, price in {"AAPL": 190, "CON": 65}.items():
    os.makedirs(f"cache/{ticker}")
    with open(f"cache/{ticker}/price.json", "w") as file:
        json.dump(price, file)
print(sorted(os.listdir("cache")))
