#include "fakes/nvml_stub.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fakes/fakefs.h"

static _Atomic int64_t *map_clock(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    void *p = fd < 0 || ftruncate(fd, sizeof(int64_t)) != 0
                  ? MAP_FAILED
                  : mmap(NULL, sizeof(int64_t), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED) {
        perror(path);
        exit(1);
    }
    close(fd);
    return p;
}

void nvml_stub_use(struct nvml_stub *s, struct fake_io *f, bool old, const char *body)
{
    char text[8192], path[512];
    snprintf(text, sizeof text, "{\"epoch_ns\":%lld,%s}", f->real_clock ? (long long)f->real_epoch : 0LL, body);
    fakefs_write(f->root, "nvml.json", text);
    snprintf(path, sizeof path, "%s/nvml.json", f->root);
    setenv("IPW_STUB_NVML", path, 1);
    snprintf(path, sizeof path, "%s/nvml.clock", f->root);
    s->clock = f->real_clock ? NULL : map_clock(path);
    if (s->clock)
        setenv("IPW_FAKE_CLOCK", path, 1);
    else
        unsetenv("IPW_FAKE_CLOCK");
    snprintf(s->lib, sizeof s->lib, "%s/libnvidia-ml%s.so.1", IPW_FAKES_DIR, old ? "-old" : "");
    f->env.at.nvml = s->lib;
}

void nvml_stub_at(struct nvml_stub *s, struct fake_io *f, int64_t t)
{
    atomic_store(&f->now, t);
    atomic_store(s->clock, t);
}

void nvml_stub_release(struct nvml_stub *s, struct fake_io *f)
{
    void *p = (void *)(uintptr_t)s->clock;
    if (p)
        munmap(p, sizeof(int64_t));
    f->env.at.nvml = "";
}
