#include "run/client.h"

#include <math.h>
#include <stdlib.h>

#include "base/json.h"

int run_client_put(struct store *store, int64_t segment, int64_t anchor_ns, const struct run_load *load, struct ipw_err *err)
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
    char *text = json_write(o, c, false);
    json_out_free(o);
    rc = rc ? rc : store_put_meta(store, "client", text, err);
    free(text);
    return rc;
}
