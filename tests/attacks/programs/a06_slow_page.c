/* A6: a page that faults as slowly as the guest likes would hold a decision open: userfaultfd, by call and by device. */
/* Walls: row-userfaultfd tree */
#include "attack.h"
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>

int main(void)
{
    begin();
    long fd = syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY);
    GOT_IF(fd >= 0, "a userfaultfd by the call\n");
    int device = open("/dev/userfaultfd", O_RDWR | O_CLOEXEC);
    if (device >= 0)
        GOT_IF(ioctl(device, USERFAULTFD_IOC_NEW, O_CLOEXEC) >= 0, "a userfaultfd by the device\n");
    return 0;
}
