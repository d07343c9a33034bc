#include "engine/llama_devices.h"

#include <stdio.h>

#include <ggml-backend.h>

static ggml_backend_dev_t gpu_device(size_t i)
{
    for (size_t k = 0; k < ggml_backend_dev_count(); k++) {
        ggml_backend_dev_t d = ggml_backend_dev_get(k);
        enum ggml_backend_dev_type t = ggml_backend_dev_type(d);
        if ((t == GGML_BACKEND_DEVICE_TYPE_GPU || t == GGML_BACKEND_DEVICE_TYPE_IGPU) && i-- == 0)
            return d;
    }
    return NULL;
}

int llama_devices_layers(const struct gguf_info *info)
{
    double room = 0;
    ggml_backend_dev_t d;
    for (size_t i = 0; (d = gpu_device(i)); i++) {
        size_t avail, total;
        ggml_backend_dev_memory(d, &avail, &total);
        room += 0.9 * (double)avail;
    }
    if (room >= (double)info->bytes * 1.1 || info->n_layer <= 0)
        return -1;
    return (int)(room / ((double)info->bytes * 1.1) * (double)info->n_layer);
}

bool llama_devices_gpu(void)
{
    return gpu_device(0);
}

int llama_devices_list(bool on_gpu, struct engine_device *out, int cap)
{
    int n = 0;
    for (size_t i = 0; i < ggml_backend_dev_count() && n < cap; i++) {
        struct ggml_backend_dev_props p;
        ggml_backend_dev_t d = ggml_backend_dev_get(i);
        ggml_backend_dev_get_props(d, &p);
        bool cpu = p.type == GGML_BACKEND_DEVICE_TYPE_CPU;
        if (p.type == GGML_BACKEND_DEVICE_TYPE_ACCEL) /* BLAS and the like: the CPU under another name */
            continue;
        struct engine_device *o = &out[n++];
        *o = (struct engine_device){.computes = cpu || on_gpu};
        snprintf(o->key, sizeof o->key, "%s", cpu ? "cpu" : p.device_id ? p.device_id : p.name);
        snprintf(o->name, sizeof o->name, "%s", p.description ? p.description : p.name);
        snprintf(o->kind, sizeof o->kind, "%s", cpu ? "cpu" : "gpu");
    }
    return n;
}
