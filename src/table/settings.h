/* How a run was made: what was chosen, on which machine, in which state. One list, so that every table, export and
 * comparison has the same facts under the same names. */
#ifndef IPW_TABLE_SETTINGS_H
#define IPW_TABLE_SETTINGS_H

#include <stdbool.h>

/* chosen: by whoever started the run, unknown means "not set"; machine, state: what was found. */
enum table_setting_kind { TABLE_CHOSEN, TABLE_MACHINE, TABLE_STATE };

/* id, name in JSON and CSV, words in tables, kind, what two numbers may differ by and still be called the same */
#define TABLE_SETTING_MAP(XX)                                                                                          \
    XX(MODE, "mode", "scoring", CHOSEN, 0)                                                                             \
    XX(ENGINE, "engine", "engine", CHOSEN, 0)                                                                          \
    XX(THREADS, "threads", "threads", CHOSEN, 0)                                                                       \
    XX(GPU_LAYERS, "gpu_layers", "layers on the GPU", CHOSEN, 0)                                                       \
    XX(CTX, "ctx", "context", CHOSEN, 0)                                                                               \
    XX(MAX_TOKENS, "max_tokens", "max tokens", CHOSEN, 0)                                                              \
    XX(TEMPERATURE, "temperature", "temperature", CHOSEN, 0)                                                           \
    XX(TOP_P, "top_p", "top-p", CHOSEN, 0)                                                                             \
    XX(TOP_K, "top_k", "top-k", CHOSEN, 0)                                                                             \
    XX(SAMPLES, "samples", "samples a question", CHOSEN, 0)                                                            \
    XX(SEED, "seed", "seed", CHOSEN, 0)                                                                                \
    XX(IGNORE_EOS, "ignore_eos", "ignore end", CHOSEN, 0)                                                              \
    XX(SYSTEM, "system_prompt", "system prompt", CHOSEN, 0)                                                            \
    XX(TEMPLATE, "template", "prompt template", CHOSEN, 0)                                                             \
    XX(CHAT_TEMPLATE, "chat_template", "chat template", CHOSEN, 0)                                                     \
    XX(SCORER, "scorer", "scored by", CHOSEN, 0)                                                                       \
    XX(WARMUP, "warmup", "warm-up", CHOSEN, 0)                                                                         \
    XX(IN_FLIGHT, "in_flight", "requests at once", CHOSEN, 0)                                                          \
    XX(DEVICES, "devices", "devices", CHOSEN, 0)                                                                       \
    XX(HOST, "host", "host", MACHINE, 0)                                                                               \
    XX(CPU, "cpu", "CPU", MACHINE, 0)                                                                                  \
    XX(GPU, "gpu", "GPU", MACHINE, 0)                                                                                  \
    XX(GPU_DRIVER, "gpu_driver", "GPU driver", MACHINE, 0)                                                             \
    XX(KERNEL, "kernel", "kernel", MACHINE, 0)                                                                         \
    XX(ENGINE_BUILD, "engine_build", "engine build", MACHINE, 0)                                                       \
    XX(CPU_VARIANT, "cpu_variant", "CPU kernels", MACHINE, 0)                                                          \
    XX(IPW_BUILD, "ipw_build", "ipw", MACHINE, 0)                                                                      \
    XX(POWER_SOURCE, "power_source", "power from", STATE, 0)                                                           \
    XX(GOVERNOR, "governor", "governor", STATE, 0)                                                                     \
    XX(EPP, "epp", "energy preference", STATE, 0)                                                                      \
    XX(PLATFORM_PROFILE, "platform_profile", "platform profile", STATE, 0)                                             \
    XX(TURBO, "turbo", "turbo", STATE, 0)                                                                              \
    XX(CPU_MAX_MHZ, "cpu_max_mhz", "CPU clock up to, MHz", STATE, 0)                                                   \
    XX(CPU_LIMIT, "cpu_power_limit_w", "CPU power limit, W", STATE, 0)                                                 \
    XX(GPU_LIMIT, "gpu_power_limit_w", "GPU power limit, W", STATE, 0)                                                 \
    XX(GPU_CLOCK, "gpu_clock_mhz", "GPU clock, mean MHz", STATE, 50)                                                   \
    XX(CPU_TEMP_START, "cpu_temperature_start_c", "CPU at the start, C", STATE, 5)                                     \
    XX(CPU_TEMP_END, "cpu_temperature_end_c", "CPU at the end, C", STATE, 5)                                           \
    XX(GPU_TEMP_START, "gpu_temperature_start_c", "GPU at the start, C", STATE, 5)                                     \
    XX(GPU_TEMP_END, "gpu_temperature_end_c", "GPU at the end, C", STATE, 5)

enum table_setting_id {
#define XX(id, key, label, kind, slack) TABLE_SETTING_##id,
    TABLE_SETTING_MAP(XX)
#undef XX
        TABLE_SETTING_N
};

struct table_setting_info {
    const char *key, *label;
    enum table_setting_kind kind;
    double slack;
};
extern const struct table_setting_info table_settings[TABLE_SETTING_N];

/* text is what people read ("60", "mains, then battery"), NULL: not known; number NAN unless it is one. */
struct table_setting {
    const char *text;
    double number;
};

/* A machine's fact that one of the runs does not know tells no difference. */
bool table_setting_differs(enum table_setting_id id, const struct table_setting *a, const struct table_setting *b);

struct table_label {
    const char *key, *value;
};

#endif
