"""Sets of 64-bit numbers of the core hold what was put in, and nothing that was taken out."""

from __future__ import annotations

import random
import subprocess
from typing import TYPE_CHECKING

from inputs import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

KEYS = REPOSITORY / "picobox" / "_native" / "check"
# Each line of its input is an order and a number; it writes whether the number was there before.
PROGRAM = """
#include <stdio.h>
#include <string.h>
#include "keys.h"
int main(void)
{
    struct keys keys = {.slots = NULL};
    char order;
    unsigned long key;
    while (scanf(" %c %lu", &order, &key) == 2) {
        printf("%d", keys_has(&keys, key));
        if (order == '+' && keys_add(&keys, key))
            return 1;
        if (order == '-')
            keys_remove(&keys, key);
    }
    unsigned long left = keys.used;
    keys_clear(&keys);
    printf(" %lu %lu %d", left, (unsigned long)keys.used, keys_has(&keys, 1));
}
"""


def test_a_set_holds_what_was_put_in(tmp_path: Path) -> None:
    source, program = tmp_path / "keys.c", tmp_path / "keys"
    source.write_text(PROGRAM)
    flags = ["-Wall", "-Wextra", "-Werror", "-fsanitize=address,undefined", f"-I{KEYS}"]
    subprocess.run(["gcc", *flags, "-o", program, source, KEYS / "keys.c"], check=True, timeout=60)
    choices, held, orders, expected = random.Random(7), set[int](), [], []
    # Few places for many numbers: most stand behind others, at the end of the table too.
    numbers = [256 * high + low for high in range(1, 120) for low in (0, 1, 254, 255)]
    for _ in range(20_000):
        number, order = choices.choice(numbers), choices.choice("+-")
        expected.append(str(int(number in held)))
        orders.append(f"{order} {number}")
        (held.add if order == "+" else held.discard)(number)
    done = subprocess.run([program], input="\n".join(orders), capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "".join(expected) + f" {len(held)} 0 0"
