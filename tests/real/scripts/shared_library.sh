# A shared library with a constructor, found by rpath, by preload and by dlopen; link-time optimisation.
set -e
cat >lib.c <<'C'
#include <stdio.h>
__attribute__((constructor)) static void start(void) { puts("constructor"); }
int answer(void) { return 42; }
C
cat >main.c <<'C'
#include <stdio.h>
int answer(void);
int main(void) { printf("%d\n", answer()); return 0; }
C
cat >open.c <<'C'
#include <dlfcn.h>
#include <stdio.h>
int main(void) {
    void *library = dlopen("./liba.so", RTLD_NOW);
    if (!library) { puts(dlerror()); return 1; }
    printf("%d\n", ((int (*)(void))dlsym(library, "answer"))());
    puts(dlopen("./none.so", RTLD_NOW) ? "found" : dlerror());
    return dlclose(library);
}
C
gcc -shared -fPIC -o liba.so lib.c
gcc -o main main.c -L. -la '-Wl,-rpath,$ORIGIN'
./main
gcc -o open open.c
./open
LD_PRELOAD=./liba.so /bin/true
gcc -O2 -flto -c lib.c main.c
gcc -O2 -flto lib.o main.o -o whole
./whole
rm lib.o main.o whole
