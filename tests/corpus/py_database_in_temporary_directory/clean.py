"""Tests a store in a temporary directory and closes its database."""

import contextlib
import os
import sqlite3
import tempfile

with tempfile.TemporaryDirectory() as directory:
    with contextlib.closing(sqlite3.connect(os.path.join(directory, "state.db"))) as store:
        with store:
            store.execute("create table state (name text)")
        names = store.execute("select count(*) from state").fetchone()
print(names)
