/* What the names of GGUF files tell by custom: the quantisation, and which part of a split file it is. */
#ifndef IPW_BASE_MODEL_NAME_H
#define IPW_BASE_MODEL_NAME_H

#include <stdbool.h>
#include <stddef.h>

/* Where the quantisation begins, with its separator: "-Q4_K_M", ".Q4_1", "_IQ2_XS", "-f16"; strlen(stem) if it is not
 * told. stem: a file's name, with or without ".gguf". */
size_t model_quant_at(const char *stem);

/* The quantisation in capitals ("Q4_K_M", "UD-Q4_K_XL", "BF16"); "" if it is not told. Returns out. */
const char *model_quant(const char *file, char out[24]);

/* NAME-00002-of-00005.gguf is part 2 of 5, and *stem the length of NAME. False for a file that is whole: *stem is then
 * its length without ".gguf". */
bool model_part(const char *file, int *part, int *parts, size_t *stem);

/* The family a model's name begins with, in small letters: "qwen" of "Qwen/Qwen2.5-7B-Instruct-GGUF:Q4_K_M", "llama" of
 * "meta-llama_Llama-3.1"; "" if it begins with none. Returns out. */
const char *model_family(const char *name, char out[24]);

#endif
