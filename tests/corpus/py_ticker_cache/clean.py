"""Caches prices of shares, a directory for each, whose name ends in an underscore: no symbol does."""

import json
import os

for ticker, price in {"AAPL": 190, "CON": 65}.items():
    os.makedirs(f"cache/{ticker}_")
    with open(f"cache/{ticker}_/price.json", "w") as file:
        json.dump(price, file)
print(sorted(os.listdir("cache")))
