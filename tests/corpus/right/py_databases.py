"""Databases of SQLite in each journal mode; its code for Windows closes what it deletes, in another order than here."""

import contextlib
import os
import sqlite3
import tempfile

for mode in ("delete", "truncate", "persist", "wal"):
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "data.db")
        with contextlib.closing(sqlite3.connect(path)) as one, contextlib.closing(sqlite3.connect(path)) as other:
            print(one.execute(f"pragma journal_mode = {mode}").fetchone()[0])
            with one:
                one.execute("create table t (x)")
                one.executemany("insert into t values (?)", [(number,) for number in range(100)])
            print(other.execute("select sum(x) from t").fetchone()[0])
            with other:
                other.execute("delete from t")
            one.execute("vacuum")
        os.rename(path, path + ".old")
