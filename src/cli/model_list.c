/* ipw model list */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "cli/model.h"
#include "cli/terminal.h"
#include "report/report.h"

static void as_json(const struct local_models *all, struct ipw_buf *out)
{
    struct json_out *o = json_out_new();
    json_node *root = json_new_obj(o), *list = json_put_arr(o, root, "models");
    for (size_t i = 0; i < all->n; i++) {
        const struct local_model *m = &all->v[i];
        json_node *e = json_put_obj(o, list, NULL);
        const struct {
            const char *key, *text;
        } texts[] = {{"name", m->name}, {"path", m->path}, {"arch", *m->arch ? m->arch : NULL},
                     {"quant", *m->quant ? m->quant : NULL}, {"problem", m->problem}, {"remedy", m->remedy}};
        for (size_t k = 0; k < sizeof texts / sizeof texts[0]; k++)
            json_put_str(o, e, texts[k].key, texts[k].text);
        if (m->bytes >= 0)
            json_put_int(o, e, "bytes", m->bytes);
        else
            json_put_null(o, e, "bytes");
        if (m->params >= 0)
            json_put_int(o, e, "params", m->params);
        else
            json_put_null(o, e, "params");
    }
    json_put_bool(o, root, "cut", all->cut);
    char *text = json_write(o, root, true);
    ipw_buf_adds(out, text);
    free(text);
    json_out_free(o);
}

struct widths {
    int name, quant, arch;
};

static int longer(int a, const char *s)
{
    return (int)strlen(s) > a ? (int)strlen(s) : a;
}

/* A name is never cut, it is what -m takes: one that is too long for its column has a line of its own. */
static void add_row(const struct local_model *m, const struct widths *w, struct ipw_buf *out)
{
    char size[24], params[24];
    struct ipw_buf name = IPW_BUF_INIT, arch = IPW_BUF_INIT, quant = IPW_BUF_INIT;
    report_text(m->name, &name);
    report_text(*m->arch ? m->arch : "-", &arch);
    report_text(*m->quant ? m->quant : "-", &quant);
    if ((int)name.len > w->name)
        ipw_buf_addf(out, "%s\n%*s", name.s, w->name, "");
    else
        ipw_buf_addf(out, "%-*s", w->name, name.s);
    ipw_buf_addf(out, "  %7s  %7s  %-*s  %s\n", model_bytes(m->bytes, size), model_count(m->params, params), w->quant,
                 quant.s, arch.s);
    ipw_buf_release(&name);
    ipw_buf_release(&arch);
    ipw_buf_release(&quant);
}

static void problems(const struct local_models *all, int columns, struct ipw_buf *out)
{
    bool first = true;
    for (size_t i = 0; i < all->n; i++) {
        const struct local_model *m = &all->v[i];
        struct ipw_buf line = IPW_BUF_INIT;
        if (!m->problem)
            continue;
        if (first)
            ipw_buf_addf(out, "%sCannot be asked:\n", out->len ? "\n" : "");
        first = false;
        ipw_buf_adds(out, "  ");
        report_text(m->name, out);
        ipw_buf_addc(out, '\n');
        ipw_buf_addf(&line, "%s%s%s", m->problem, m->remedy ? "; this mends it:\n    " : "", m->remedy ? m->remedy : "");
        report_fold(line.s, columns, 6, 2, out);
        ipw_buf_release(&line);
    }
}

static void as_table(const struct local_models *all, int columns, struct ipw_buf *out)
{
    struct widths w = {4, 5, 4};
    size_t usable = 0;
    for (size_t i = 0; i < all->n; i++) {
        const struct local_model *m = &all->v[i];
        if (m->problem)
            continue;
        usable++;
        w.name = longer(w.name, m->name);
        w.quant = longer(w.quant, m->quant);
        w.arch = longer(w.arch, m->arch);
    }
    w.arch = w.arch > 12 ? 12 : w.arch;
    int room = columns - 1 - 22 - w.quant - w.arch;
    w.name = room < 20 ? 20 : w.name > room ? room : w.name;
    if (usable)
        ipw_buf_addf(out, "%-*s  %7s  %7s  %-*s  %s\n", w.name, "NAME", "SIZE", "PARAMS", w.quant, "QUANT", "ARCH");
    for (size_t i = 0; i < all->n; i++)
        if (!all->v[i].problem)
            add_row(&all->v[i], &w, out);
    problems(all, columns, out);
}

static void say_next(const struct cli *cli, const struct local_models *all)
{
    const struct local_model *m = NULL;
    char quoted[600];
    for (size_t i = 0; i < all->n && !m; i++)
        m = all->v[i].problem ? NULL : &all->v[i];
    if (!m)
        cli_say("no model that can be asked is here yet; a small one, 98 MB: ipw model pull smollm2-135m");
    else if (cli->err_tty)
        fprintf(stderr, "\nNext  ipw profile -m %s\n", cli_quote(m->name, quoted, sizeof quoted));
    if (all->cut)
        cli_say("there is more than is looked at: very many files, or folders very deep; --models DIR looks in one place");
}

int model_list(struct cli *cli, int argc, char **argv)
{
    static const char *const formats[] = {"table", "json", NULL};
    char *format = ipw_strdup("table"), *dir = NULL;
    struct option opt[] = {
        {"models", NULL, 0, OPTION_TEXT, &dir, 0, 0, "DIR", "look in this folder too", false},
        {"output", NULL, 'o', OPTION_TEXT, &format, 0, 0, "FORMAT", "table or json (table)", false}};
    const char **rest = ipw_calloc((size_t)argc + 1, sizeof *rest);
    struct ipw_buf out = IPW_BUF_INIT;
    struct local_models all = {0};
    struct ipw_err err;
    size_t n_rest;
    int code;
    if (cli_options(&model_command_list, opt, sizeof opt / sizeof opt[0], argc, argv, rest, &n_rest, &code) ||
        (code = cli_extra(rest, n_rest)))
        goto out;
    if (cli_format(format, formats, &err) || cli_models(cli, dir, &all, &err)) {
        code = cli_fail(&err);
        goto out;
    }
    if (strcmp(format, "json"))
        as_table(&all, terminal_text(1), &out);
    else
        as_json(&all, &out);
    code = cli_print(out.s, out.len);
    if (!code && strcmp(format, "json"))
        say_next(cli, &all);
out:
    local_models_release(&all);
    ipw_buf_release(&out);
    free(format);
    free(dir);
    free(rest);
    return code;
}

const struct command model_command_list = {
    .name = "list",
    .summary = "the models that are here; what cannot be asked, and why",
    .usage = "ipw model list [--models DIR] [-o table|json]",
    .details = "Looks where Ollama, LM Studio, the hub's cache and llama.cpp keep models (OLLAMA_MODELS, HF_HUB_CACHE, HF_HOME "
               "and LLAMA_CACHE are respected), and in ipw's own folder.",
    .examples = "ipw model list\nipw model list --models /mnt/models\n",
    .run = model_list};
