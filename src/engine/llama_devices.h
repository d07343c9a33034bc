/* What the in-process engine computes on. */
#ifndef IPW_ENGINE_LLAMA_DEVICES_H
#define IPW_ENGINE_LLAMA_DEVICES_H

#include <stdbool.h>

#include "engine/engine.h"
#include "engine/gguf_info.h"

bool llama_devices_gpu(void); /* there is one */

/* Layers whose share of the file fits into nine tenths of the free GPU memory (the rest is KV and buffers); -1: all. */
int llama_devices_layers(const struct gguf_info *info);

/* As engine_ops.devices. on_gpu: layers are there. */
int llama_devices_list(bool on_gpu, struct engine_device *out, int cap);

#endif
