/* Shows C++ exceptions and cancellation through calls that are made again and again: destructors run, handlers see a
   cancellation and pass it on, and whoever was to be cancelled is. */
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cxxabi.h>
#include <pthread.h>
#include <stdexcept>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CHECK(cond) ((cond) ? (void)0 : failed(__LINE__, #cond))

static void failed(int line, const char *what)
{
    std::fprintf(stderr, "g5_unwinding.cc:%d: %s (errno %d)\n", line, what, errno);
    _exit(1);
}

static constexpr int CALLS = 100, ROUNDS = 10;
static std::atomic<int> alive, unwound, caught, begun;

/* Counts how many there are: none may be left over. */
struct Guard {
    Guard() { ++alive; }
    Guard(const Guard &) = delete;
    ~Guard() { --alive; }
};

static void make_calls(int file)
{
    const Guard guard;
    char nothing;
    for (int i = 0; i < CALLS; i++) {
        CHECK(syscall(SYS_getppid) == getppid());
        CHECK(read(file, &nothing, 0) == 0);
    }
}

/* A call that waits, below a function that catches all and has to pass on what is no exception. */
static void wait_below(int file, int depth)
{
    const Guard guard;
    if (depth > 0) {
        try {
            wait_below(file, depth - 1);
        } catch (abi::__forced_unwind &) {
            ++unwound;
            throw;
        } catch (...) {
            ++caught;
        }
        return;
    }
    make_calls(file);
    ++begun;
    char byte[8];
    while (begun > 0)
        CHECK(read(file, byte, sizeof byte) == -1 && errno == EINTR);
}

static void *wait_to_be_cancelled(void *file)
{
    wait_below(*static_cast<int *>(file), 3);
    return nullptr;
}

/* Between its calls it can be cancelled at any instruction. */
static void *call_to_be_cancelled(void *)
{
    ++begun;
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, nullptr);
    for (;;)
        syscall(SYS_getppid);
}

static void *test_for_cancellation(void *file)
{
    const Guard guard;
    ++begun;
    for (;;) {
        make_calls(*static_cast<int *>(file));
        pthread_testcancel();
        usleep(1);
    }
}

static void cancel(void *(*body)(void *), int file, useconds_t delay)
{
    pthread_t thread;
    void *result;
    begun = 0;
    CHECK(pthread_create(&thread, nullptr, body, &file) == 0);
    while (begun == 0)
        usleep(100);
    usleep(delay);
    CHECK(pthread_cancel(thread) == 0 && pthread_join(thread, &result) == 0 && result == PTHREAD_CANCELED);
    CHECK(alive == 0);
}

static void throw_after_calls(int file, int depth)
{
    const Guard guard;
    make_calls(file);
    if (depth == 0)
        throw std::runtime_error("thrown");
    throw_after_calls(file, depth - 1);
}

int main()
{
    alarm(90);
    int pair[2];
    CHECK(pipe2(pair, O_CLOEXEC) == 0);
    const int file = pair[0];
    for (int i = 0; i < ROUNDS; i++) {
        cancel(wait_to_be_cancelled, file, static_cast<useconds_t>(i) * 20);
        cancel(call_to_be_cancelled, file, static_cast<useconds_t>(i) * 20);
        cancel(test_for_cancellation, file, static_cast<useconds_t>(i) * 20);
    }
    CHECK(unwound == 3 * ROUNDS && caught == 0);
    std::puts("cancelled threads unwind to their end");
    for (int i = 0; i < ROUNDS; i++) {
        try {
            throw_after_calls(file, 4);
            CHECK(!"it came back");
        } catch (const std::runtime_error &) {
            ++caught;
        }
        CHECK(alive == 0);
    }
    CHECK(caught == ROUNDS);
    std::puts("and exceptions go through");
    return 0;
}
