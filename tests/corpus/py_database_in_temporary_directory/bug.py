"""Tests a store in a temporary directory and leaves its database open."""

import os
import sqlite3
import tempfile

with tempfile.TemporaryDirectory() as directory:
    store = sqlite3.connect(os.path.join(directory, "state.db"))
    with store:
        store.execute("create table state (name text)")
    names = store.execute("select count(*) from state").fetchone()
print(names)
store.close()
