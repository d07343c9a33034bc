#include "dataset/mapping.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"

/* Our keys, and the columns that are taken for them when no --map names one. */
static const struct key {
    const char *ours, *row, *known[4]; /* row: its name in a row of share/datasets.json */
} keys[MAPPING_KEYS] = {{"id", "id", {"id"}},
                        {"question", "question", {"question", "problem", "prompt"}},
                        {"answer", "answer", {"answer", "expected_answer"}},
                        {"choices", "choices", {"choices", "options"}},
                        {"context", "context", {"context"}},
                        {"subject", "subject_key", {"subject"}},
                        {"dataset_metadata", "metadata", {"dataset_metadata"}},
                        {"canary", "canary", {"canary", "Canary String"}}};
enum { QUESTION = 1, ANSWER = 2, CHOICES = 3 };

static size_t key_of(const char *ours, size_t n)
{
    size_t i = 0;
    while (i < MAPPING_KEYS && (strlen(keys[i].ours) != n || strncmp(keys[i].ours, ours, n) != 0))
        i++;
    return i;
}

int mapping_parse(struct mapping *m, const char *text, struct ipw_err *err)
{
    for (const char *p = text; *p;) {
        size_t n = strcspn(p, ","), eq = strcspn(p, "="), k = eq < n ? key_of(p, eq) : MAPPING_KEYS;
        if (k == MAPPING_KEYS || n - eq - 1 == 0 || n - eq - 1 >= sizeof m->column[0])
            return ipw_err_set(err, IPW_E_USAGE, "'--map %.*s' is not KEY=COLUMN; keys: id question answer choices context subject "
                               "dataset_metadata canary", (int)(n < 200 ? n : 200), p);
        if (*m->column[k])
            return ipw_err_set(err, IPW_E_USAGE, "'--map' names two columns for '%s', '%s' and '%.*s'; give one", keys[k].ours,
                               m->column[k], (int)(n - eq - 1), p + eq + 1);
        snprintf(m->column[k], sizeof m->column[0], "%.*s", (int)(n - eq - 1), p + eq + 1);
        p += n + (p[n] == ',');
    }
    return 0;
}

bool mapping_has(const struct ipw_buf *names, const char *name)
{
    for (const char *p = names->s; p < names->s + names->len; p += strlen(p) + 1)
        if (!strcmp(p, name))
            return true;
    return false;
}

/* A column of that name, else one that has it in other letters ("Question"). */
static void find(const struct ipw_buf *names, const char *name, char *out, size_t size)
{
    for (const char *p = names->s; p < names->s + names->len; p += strlen(p) + 1)
        if (!strcmp(p, name) || (!*out && !strcasecmp(p, name)))
            snprintf(out, size, "%s", p);
}

/* The first ones of many, each once. */
static void list(const struct ipw_buf *names, struct ipw_buf *out)
{
    struct ipw_buf listed = IPW_BUF_INIT;
    for (const char *p = names->s; p < names->s + names->len; p += strlen(p) + 1) {
        if (mapping_has(&listed, p))
            continue;
        if (out->len + strlen(p) > 500) {
            ipw_buf_adds(out, " ...");
            break;
        }
        ipw_buf_add(&listed, p, strlen(p) + 1);
        ipw_buf_addf(out, "%s%s", out->len ? " " : "", p);
    }
    ipw_buf_release(&listed);
}

int mapping_complete(struct mapping *m, const char *file, const struct ipw_buf *names, struct ipw_err *err)
{
    struct ipw_buf there = IPW_BUF_INIT;
    const char *lacks = NULL;
    for (size_t i = 0; i < MAPPING_KEYS && !lacks; i++) {
        for (size_t k = 0; k < 4 && keys[i].known[k] && !*m->column[i]; k++)
            find(names, keys[i].known[k], m->column[i], sizeof m->column[i]);
        if (*m->column[i] && !mapping_has(names, m->column[i]))
            lacks = m->column[i];
    }
    list(names, &there);
    if (lacks)
        ipw_err_set(err, IPW_E_INPUT, "'%s' has no column '%s'; there are: %s", file, lacks, there.s);
    else if (!*m->column[QUESTION])
        ipw_err_set(err, IPW_E_INPUT, "'%s' has no column 'question'; say which is meant, --map question=COLUMN; there are: %s",
                    file, there.s);
    ipw_buf_release(&there);
    return lacks || !*m->column[QUESTION] ? IPW_E_INPUT : 0;
}

char *mapping_row(const struct mapping *m)
{
    struct json_out *o = json_out_new();
    json_node *row = json_new_obj(o);
    for (size_t i = 0; i < MAPPING_KEYS; i++)
        if (*m->column[i] || !i)
            json_put_str(o, row, keys[i].row, m->column[i]);
    char *s = json_write(o, row, false);
    json_out_free(o);
    return s;
}

const char *mapping_type(const struct mapping *m)
{
    return *m->column[CHOICES] ? "mcq" : *m->column[ANSWER] ? "exact" : "none";
}
