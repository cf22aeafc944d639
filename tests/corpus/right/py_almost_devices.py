"""Names that begin or end as those of devices and are none."""

import os

NAMES = [
    "console", "icon", "icon.txt", "auxiliary.c", "nullable", "nul_", "nul-", "com", "com10", "com1a", "lpt", "lpt0",
    "prnt", "printer.prn", "conf", "con_", "_con", ".con", "a.con", "my nul", "auxv", "comport1", "CONIN", "conout",
]
for name in NAMES:
    os.mkdir(name)
    with open(f"{name}/file", "w") as file:
        file.write(name)
print(len(NAMES))
