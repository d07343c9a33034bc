/* Puts the stub of NVIDIA's library (stub_nvml.c) and a scenario beside a fake_io's tree. */
#ifndef IPW_FAKES_NVML_STUB_H
#define IPW_FAKES_NVML_STUB_H

#include "fakes/fake_io.h"

struct nvml_stub {
    char lib[512];
    _Atomic int64_t *clock; /* NULL: f->real_clock */
};

/* body: the scenario without its braces, "\"devices\":[{}]". The library runs on f's clock, whose start is its epoch.
 * old: the library of an old driver. */
void nvml_stub_use(struct nvml_stub *s, struct fake_io *f, bool old, const char *body);
void nvml_stub_at(struct nvml_stub *s, struct fake_io *f, int64_t t); /* both clocks stand at t */
void nvml_stub_release(struct nvml_stub *s, struct fake_io *f);

#endif
