/* A guest that opens files while its registers, its stack and what it knows of Python are lies. */
#define _GNU_SOURCE
#include <Python.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>

/* An open with another stack pointer and frame pointer than ours. */
__attribute__((noipa)) static void open_at(uint64_t stack, uint64_t frame)
{
    static const char name[] = "mark-registers";
    register long nr asm("rax") = SYS_open;
    register const char *path asm("rdi") = name;
    register long flags asm("rsi") = O_RDONLY;
    asm volatile("mov %%rsp, %%r12; mov %%rbp, %%r13; mov %3, %%rsp; mov %4, %%rbp; syscall; mov %%r12, %%rsp; mov %%r13, %%rbp"
                 : "+a"(nr)
                 : "D"(path), "S"(flags), "r"(stack), "r"(frame)
                 : "rcx", "r11", "r12", "r13", "memory");
}

static void registers(void)
{
    char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(pages + 4096, 4096);
    uint64_t *ring = (uint64_t *)pages, own = (uint64_t)__builtin_frame_address(0);
    for (int i = 0; i < 512; i++)
        ring[i] = i % 2 ? (uint64_t)&open_at + i : (uint64_t)(ring + i);
    uint64_t values[] = {0, 1, 8, ~0ull, ~7ull, 1ull << 47, (1ull << 47) - 8, (uint64_t)ring, (uint64_t)(ring + 511), (uint64_t)ring + 4, own, (uint64_t)&open_at};
    for (unsigned i = 0; i < sizeof values / 8; i++)
        for (unsigned j = 0; j < sizeof values / 8; j++)
            open_at(values[i], values[j]);
}

static uint64_t seed = 88172645463325252ull;

static uint64_t next(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    return seed ^= seed << 17;
}

/* An open called by Python, with a word of some structure changed meanwhile. */
static PyObject *poke(PyObject *self, PyObject *arguments)
{
    PyThreadState *state = PyThreadState_Get();
    PyFrameObject *frame = PyThreadState_GetFrame(state);
    PyCodeObject *code = PyFrame_GetCode(frame);
    uint64_t *parts[] = {(uint64_t *)state, (uint64_t *)state->interp, (uint64_t *)code, ((uint64_t **)state)[7], (uint64_t *)code->co_filename, (uint64_t *)code->co_linetable};
    int sizes[] = {40, 16, 23, 3, 8, 5};
    for (int i = 0; i < 400; i++) {
        int part = next() % 6;
        uint64_t *word = parts[part] + next() % sizes[part], kept = *word;
        uint64_t values[] = {0, ~0ull, next(), kept + 1, (uint64_t)word, (uint64_t)parts[next() % 6], kept ^ 1ull << next() % 64};
        *word = values[next() % 7];
        syscall(SYS_open, "mark-poked", O_RDONLY);
        *word = kept;
    }
    syscall(SYS_open, "mark-whole", O_RDONLY);
    Py_DECREF(code);
    Py_DECREF(frame);
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {{"poke", poke, METH_NOARGS, NULL}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "hostile", NULL, -1, methods, NULL, NULL, NULL, NULL};
static PyObject *make(void) { return PyModule_Create(&module); }

int main(void)
{
    registers();
    PyImport_AppendInittab("hostile", make);
    Py_Initialize();
    PyRun_SimpleString("import hostile\ndef call():\n    hostile.poke()\n\ncall()\n");
    Py_Finalize();
    return 0;
}
