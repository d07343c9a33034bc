/* What people write and what a study's folder holds, on arbitrary bytes: study files, study.json, settings file and presets. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cli/config.h"
#include "cli/profile.h"
#include "run/study.h"
#include "run/study_plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void study(const char *text, size_t size)
{
    struct study s;
    struct ipw_err err = {0};
    study_init(&s);
    int rc = study_read(&s, "fuzz", text, size, &err);
    if (rc ? rc != IPW_E_INPUT || strncmp(err.text, "'fuzz'", 6) : !study_cells(&s))
        abort();
    for (size_t i = 0, n = rc ? 0 : study_cells(&s); i < n; i++) {
        struct study_cell c = study_cell_at(&s, i);
        if (!c.setting || c.repeat < 1 || c.repeat > s.repeats)
            abort();
    }
    study_release(&s);
}

static void plan(const char *text, size_t size)
{
    struct study_plan p;
    struct ipw_err err = {0};
    if (study_plan_read(&p, "fuzz", text, size, &err))
        return;
    struct study_block *b;
    char *json = study_plan_json(&p);
    if (!study_order(&p, &b) || !strstr(json, "ipw.study/1"))
        abort();
    free(json);
    free(b);
    study_plan_release(&p);
}

static void settings(const char *text, size_t size)
{
    struct profile p;
    struct option opt[PROFILE_MAX_OPTIONS];
    struct ipw_err err = {0};
    size_t resume;
    profile_init(&p, NULL);
    size_t n = profile_options(&p, opt, &resume);
    int rc = config_apply_text("fuzz", text, size, "profile", opt, n, &err);
    if (rc && (rc != IPW_E_INPUT || strncmp(err.text, "'fuzz'", 6)))
        abort();
    profile_split(&p.models);
    profile_release(&p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    study(text, size);
    plan(text, size);
    settings(text, size);
    return 0;
}
