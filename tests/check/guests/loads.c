/* A guest that loads libraries one after another, as its arguments name them, and calls `work` in each. */
#include <dlfcn.h>
#include <fcntl.h>

__attribute__((noipa)) int use(const char *path)
{
    void *library = dlopen(path, RTLD_NOW);
    int (*work)(void) = (int (*)(void))dlsym(library, "work");
    int result = work();
    dlclose(library);
    return result;
}

int main(int count, char **arguments)
{
    open("mark-0", O_RDONLY);
    for (int i = 1; i < count; i++)
        use(arguments[i]);
    return 0;
}
