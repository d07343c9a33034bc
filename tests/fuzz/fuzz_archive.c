/* Reading a member out of arbitrary bytes: a text within its limit, or an error that says so. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "net/archive.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { MAX = 1 << 16 };
    char path[64];
    struct ipw_buf out = IPW_BUF_INIT;
    struct ipw_err err = {0};
    int fd = memfd_create("archive", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int rc = archive_member(path, "*", MAX, &out, &err);
    if (rc ? rc != IPW_E_INPUT || !*err.text : out.len > MAX)
        abort();
    ipw_buf_release(&out);
    close(fd);
    return 0;
}
