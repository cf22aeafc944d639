/* Runs instructions where they were and where they are moved to, from equal states, and compares every state between. */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#define STUB 0x7c000000UL
#define ARENA 0x60000000UL
#define ARENA_SIZE 0x4000UL
#define WATCHED 64
#define MOST_STEPS 64
#define TRAP_FLAG 0x100
#define USUAL_FLAGS 0x202
#define COMPARED_FLAGS 0xcd5

/* One run of instructions, as the test writes it; addresses are those at which they are run here. */
struct run {
    uint64_t name, start, end, ignored;
    uint32_t original_size, code_size, steps, literals;
    uint8_t original[40], code[64];
    uint64_t step_at[16], step_to[16], literal[8];
};

struct state {
    uint64_t place;
    greg_t registers[16];
    uint64_t flags;
    int signal;
};

struct trace {
    struct state states[MOST_STEPS];
    int count;
    uint8_t arena[ARENA_SIZE], watched[8][WATCHED], vectors[256];
};

static const struct run *current;
static int is_moved;
static struct trace *trace;
static ucontext_t home;
static __typeof__(*home.uc_mcontext.fpregs) home_vectors;
static gregset_t first;
static uint8_t vectors[256];
static const char *complaint;

static uint64_t random_bits(void) {
    static uint64_t bits = 0x9e3779b97f4a7c15UL;
    bits ^= bits << 13;
    bits ^= bits >> 7;
    bits ^= bits << 17;
    return bits;
}

/* Where a task at an instruction pointer is, were nothing moved; 0 if nothing tells. */
static uint64_t place_of(uint64_t rip) {
    if (!is_moved || rip < STUB || rip > STUB + current->code_size)
        return rip;
    if (rip == STUB + current->code_size)
        return current->end;
    for (uint32_t i = 0; i < current->steps; i++)
        if (current->step_at[i] == rip - STUB)
            return current->step_to[i];
    complaint = "an instruction that no step tells of";
    return 0;
}

static int is_over(uint64_t rip) {
    if (is_moved)
        return rip < STUB || rip >= STUB + current->code_size;
    return rip <= current->start || rip >= current->start + current->original_size;
}

static void on_signal(int number, siginfo_t *info, void *context) {
    (void)info;
    ucontext_t *interrupted = context;
    greg_t *registers = interrupted->uc_mcontext.gregs;
    if (number == SIGUSR1) {
        home = *interrupted;
        home_vectors = *interrupted->uc_mcontext.fpregs;
        memcpy(registers, first, sizeof(greg_t) * 16);
        registers[REG_RIP] = is_moved ? STUB : current->start;
        registers[REG_EFL] = first[REG_EFL];
        memcpy(interrupted->uc_mcontext.fpregs->_xmm, vectors, sizeof vectors);
        return;
    }
    uint64_t rip = registers[REG_RIP], place = place_of(rip);
    struct state *last = trace->count ? &trace->states[trace->count - 1] : NULL;
    if (place != (last ? last->place : current->start) || number != SIGTRAP) {
        struct state *state = &trace->states[trace->count++];
        state->place = place;
        memcpy(state->registers, registers, sizeof state->registers);
        state->flags = registers[REG_EFL] & COMPARED_FLAGS;
        state->signal = number;
    }
    if (number == SIGTRAP && !is_over(rip) && trace->count < MOST_STEPS && !complaint)
        return;
    memcpy(trace->vectors, interrupted->uc_mcontext.fpregs->_xmm, sizeof trace->vectors);
    memcpy(registers, home.uc_mcontext.gregs, sizeof(gregset_t));
    *interrupted->uc_mcontext.fpregs = home_vectors;
}

/* One run from the state in `first` and in the arena. */
static void run(struct trace *into, int moved, const uint8_t *arena) {
    trace = into;
    trace->count = 0;
    is_moved = moved;
    memcpy((void *)ARENA, arena, ARENA_SIZE);
    for (uint32_t i = 0; i < current->literals; i++)
        for (int at = 0; at < WATCHED; at++)
            ((uint8_t *)current->literal[i])[at] = 0x5a ^ (current->literal[i] + at) * 7;
    memcpy((void *)current->start, current->original, current->original_size);
    memcpy((void *)STUB, current->code, current->code_size);
    raise(SIGUSR1);
    memcpy(trace->arena, (void *)ARENA, ARENA_SIZE);
    for (uint32_t i = 0; i < current->literals; i++)
        memcpy(trace->watched[i], (void *)current->literal[i], WATCHED);
}

static void choose_state(uint8_t *arena) {
    for (size_t at = 0; at < ARENA_SIZE; at += 8) {
        uint64_t word = random_bits() % 4 ? ARENA + random_bits() % ARENA_SIZE : random_bits();
        memcpy(arena + at, &word, 8);
    }
    for (int i = 0; i < 16; i++) {
        uint64_t kind = random_bits() % 8;
        uint64_t pointer = ARENA + ARENA_SIZE / 4 + random_bits() % (ARENA_SIZE / 2);
        first[i] = kind < 5 ? (greg_t)(pointer & ~7UL) : kind < 7 ? (greg_t)(random_bits() % 300) - 150 : (greg_t)random_bits();
    }
    first[REG_RSP] = ARENA + ARENA_SIZE / 2 + random_bits() % 64 * 16;
    first[REG_EFL] = USUAL_FLAGS | TRAP_FLAG | (random_bits() & 0x8d5);
    for (size_t at = 0; at < sizeof vectors; at += 8) {
        uint64_t word = random_bits();
        memcpy(vectors + at, &word, 8);
    }
}

static const char *difference(const struct trace *one, const struct trace *other) {
    if (complaint)
        return complaint;
    if (one->count != other->count)
        return "another number of states";
    for (int i = 0; i < one->count; i++) {
        const struct state *a = &one->states[i], *b = &other->states[i];
        if (a->place != b->place)
            return "another place";
        if (a->flags != b->flags)
            return "other flags";
        if (a->signal != b->signal)
            return "another signal";
        for (int j = 0; j < 16; j++)
            if (a->registers[j] != b->registers[j] && !(current->ignored >> j & 1))
                return "other registers";
    }
    if (memcmp(one->arena, other->arena, ARENA_SIZE) != 0 || memcmp(one->vectors, other->vectors, sizeof vectors) != 0)
        return "other memory or vectors";
    return memcmp(one->watched, other->watched, WATCHED * current->literals) != 0 ? "other data" : NULL;
}

static void *map_at(uint64_t address, size_t size) {
    void *found = mmap((void *)address, size, PROT_READ | PROT_WRITE | PROT_EXEC,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
    if (found != (void *)address) {
        perror("mmap");
        exit(2);
    }
    return found;
}

static void handle_signals(void) {
    static uint8_t stack[1 << 16];
    static const int numbers[] = {SIGUSR1, SIGTRAP, SIGSEGV, SIGBUS, SIGILL, SIGFPE};
    stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
    sigaltstack(&alternate, NULL);
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        sigaction(numbers[i], &action, NULL);
}

/* arguments: rounds, begin and size of the image; runs come by standard input */
int main(int count, char **words) {
    static struct trace original, moved;
    static struct run read_run;
    static uint8_t arena[ARENA_SIZE];
    if (count != 4)
        return 2;
    map_at(strtoull(words[2], NULL, 0), strtoull(words[3], NULL, 0));
    map_at(STUB, 4096);
    map_at(ARENA, ARENA_SIZE);
    handle_signals();
    long runs = 0, states = 0, failed = 0, faults = 0;
    current = &read_run;
    while (fread(&read_run, sizeof read_run, 1, stdin) == 1) {
        for (long round = strtol(words[1], NULL, 0); round > 0; round--) {
            choose_state(arena);
            complaint = NULL;
            run(&original, 0, arena);
            run(&moved, 1, arena);
            runs++;
            states += original.count;
            faults += original.count && original.states[original.count - 1].signal != SIGTRAP;
            const char *found = difference(&original, &moved);
            if (found) {
                failed++;
                printf("%#lx: %s\n", read_run.name, found);
                break;
            }
        }
    }
    printf("%ld runs, %ld states, %ld faults, %ld failed\n", runs, states, faults, failed);
    return failed != 0;
}
