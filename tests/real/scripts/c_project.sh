# Fifty C files, a header and their makefile.
for i in $(seq 50); do
    printf '#include "all.h"\nint f%d(int x) { return x * %d + 1; }\n' $i $i >f$i.c
    echo "int f$i(int x);" >>all.h
done
{
    printf '#include <stdio.h>\n#include "all.h"\nint main(void) {\n    int x = 0;\n'
    for i in $(seq 50); do echo "    x += f$i(x & 7);"; done
    printf '    printf("%%d\\n", x);\n    return 0;\n}\n'
} >main.c
cat >Makefile <<'M'
objects := $(patsubst %.c,%.o,$(wildcard *.c))
program: $(objects)
	gcc -o $@ $(sort $^)
%.o: %.c all.h
	gcc -O1 -c -o $@ $<
M
