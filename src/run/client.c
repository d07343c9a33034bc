#include "run/client.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"

void run_selftest_put(struct json_out *o, json_node *to, const struct selftest *t)
{
    json_put_int(o, to, "streams", t->streams);
    json_put_num(o, to, "seconds", t->seconds);
    json_put_int(o, to, "pieces", (int64_t)t->pieces);
    json_put_num(o, to, "delay_p50_s", t->delay_p50_s);
    json_put_num(o, to, "delay_p99_s", t->delay_p99_s);
    json_put_num(o, to, "server_late_p50_s", t->server_p50_s);
    json_put_num(o, to, "server_late_p99_s", t->server_p99_s);
    json_put_num(o, to, "cpu_ns_per_piece", t->cpu_ns_per_piece);
    json_put_num(o, to, "cpu_share", t->cpu_share);
}

int run_client_put(struct store *store, int64_t segment, int64_t anchor_ns, const struct run_load *load,
                   const struct selftest *test, struct ipw_err *err)
{
    double wall_s = (double)(load->t1_ns - load->t0_ns) * 1e-9;
    int rc = 0;
    if (!load->t0_ns)
        return 0;
    if (load->t_full_ns && load->t_last_ask_ns > load->t_full_ns &&
        !(rc = store_add_event(store, segment, load->t_full_ns - anchor_ns, "steady", NULL, err)))
        rc = store_add_event(store, segment, load->t_last_ask_ns - anchor_ns, "steady_end", NULL, err);
    struct json_out *o = json_out_new();
    json_node *c = json_new_obj(o);
    json_put_num(o, c, "wall_s", wall_s);
    json_put_num(o, c, "cpu_s", load->cpu_ns < 0 ? (double)NAN : (double)load->cpu_ns * 1e-9);
    json_put_int(o, c, "requests", (int64_t)load->requests);
    json_put_int(o, c, "pieces", (int64_t)load->pieces);
    if (test)
        run_selftest_put(o, json_put_obj(o, c, "selftest"), test);
    char *text = json_write(o, c, false);
    json_out_free(o);
    rc = rc ? rc : store_put_meta(store, "client", text, err);
    free(text);
    return rc;
}

/* The window of the last segment: times of two cannot be compared. */
static int on_steady(int64_t segment, int64_t t_ns, const char *kind, const char *detail, void *ud)
{
    struct table_run *t = ud;
    (void)segment;
    (void)detail;
    if (ipw_streq(kind, "steady")) {
        t->steady_from_s = (double)t_ns * 1e-9;
        t->steady_to_s = NAN;
    } else if (ipw_streq(kind, "steady_end"))
        t->steady_to_s = (double)t_ns * 1e-9;
    return 0;
}

static struct json_doc *meta(struct store *store, const char *key)
{
    struct json_doc *doc = NULL;
    struct ipw_err ignored;
    const char *text = store_meta(store, key);
    if (text)
        (void)!json_read(&doc, text, strlen(text), 0, &ignored);
    return doc;
}

int run_client_load(struct table_run *t, struct store *store, struct ipw_err *err)
{
    struct json_doc *client = meta(store, "client"), *weights = meta(store, "weights");
    t->client.wall_s = json_num(json_get(json_root(client), "wall_s"));
    t->client.cpu_s = json_num(json_get(json_root(client), "cpu_s"));
    t->client.pieces = json_num(json_get(json_root(client), "pieces"));
    const json_val *test = json_get(json_root(client), "selftest");
    t->client.selftest_p50_s = json_num(json_get(test, "delay_p50_s"));
    t->client.selftest_p99_s = json_num(json_get(test, "delay_p99_s"));
    t->client.selftest_cpu_ns = json_num(json_get(test, "cpu_ns_per_piece"));
    t->steady_from_s = t->steady_to_s = NAN;
    for (struct json_iter it = json_iter(json_root(weights)); json_next(&it);) {
        const char *how = json_str(json_get(it.val, "method")); /* the weaker one speaks for all */
        if (how && (!t->shared || !strcmp(how, "shared_time")))
            t->shared = ipw_arena_strdup(&t->arena, how);
    }
    json_doc_free(client);
    json_doc_free(weights);
    return store_each_event(store, on_steady, t, err);
}
