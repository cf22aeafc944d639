/* Says that it runs, and waits to be killed: what an instance of the benchmarks is for. It may be a machine's init. */
#include <unistd.h>

int main(void)
{
    static const char said[] = "instance-ready\n";
    if (write(1, said, sizeof said - 1) != sizeof said - 1)
        return 1;
    for (;;)
        pause();
}
