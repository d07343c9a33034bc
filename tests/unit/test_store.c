/* The run store: every table there and back, the contract, what is refused. */
#include "store_dir.h"

static void test_contract(void **state)
{
    static const char list[] = "SELECT m.type, m.name, m.tbl_name, c.* FROM sqlite_schema m LEFT JOIN"
                               " pragma_table_xinfo(m.name) c ORDER BY m.name, c.cid";
    char path[PATH_MAX];
    struct store *s;
    ok(store_create(&s, *state, &err));
    store_close(s);
    check_rows(*state, "PRAGMA user_version", "3\n");
    write_raw(in(*state, "run.db"), "DROP TABLE served; DROP TABLE judged"); /* the contract is schema 1; 2 and 3 add these */
    check_rows(*state, "PRAGMA journal_mode", "wal\n");
    if (!check_shared("design/contract/run.sql", path, sizeof path)) {
        print_message("no contract/run.sql here: the schema was not compared\n");
        return;
    }
    struct ipw_buf sql = IPW_BUF_INIT;
    ok(fs_read(path, 1 << 20, &sql, &err));
    write_raw(in(*state, "contract.db"), sql.s);
    ipw_buf_release(&sql);
    char *want = rows(in(*state, "contract.db"), list);
    check_rows(*state, list, want);
    free(want);
}

static int on_segment(const struct store_segment *g, void *ud)
{
    int n = ++*(int *)ud;
    if (n == 1) {
        assert_int_equal(g->id, 1);
        assert_int_equal(g->pid, 77);
        assert_true(g->started_real_ns == 1790000000123456789 && g->anchor_raw_ns == 5 && g->anchor_boot_ns == 6);
        assert_string_equal(g->boot_id, "boot");
        assert_string_equal(g->host, "h");
        assert_string_equal(g->ipw_build, "b");
        assert_string_equal(g->engine, "llama");
        assert_string_equal(g->engine_build, "eb");
        assert_string_equal(g->cpu_variant, "avx2");
        assert_string_equal(g->power_source, "mains");
        assert_string_equal(g->env, "{}");
    } else
        assert_true(!g->boot_id && !g->env && g->pid == STORE_NULL && g->anchor_boot_ns == STORE_NULL);
    return 0;
}

static int on_device(const struct store_device *d, void *ud)
{
    int n = ++*(int *)ud;
    assert_int_equal(d->id, n);
    assert_string_equal(d->key, n == 1 ? "pci:1" : "package-0");
    assert_string_equal(d->name, n == 1 ? "GPU" : "CPU");
    assert_string_equal(d->kind, n == 1 ? "gpu" : "cpu");
    assert_true(d->computes);
    return 0;
}

static int on_channel(const struct store_channel *c, void *ud)
{
    int n = ++*(int *)ud;
    assert_int_equal(c->id, n);
    if (n == 1) {
        assert_true(c->device == 2 && c->modulus == UINT64_MAX - 1 && c->period_ns == 1000000 && c->in_total);
        assert_true(c->window_ns == 2 && c->quantum_nj == 3 && c->latency_ns == 4);
        check_near(c->unit_nj, 15258.789, 0);
        check_near(c->gain_u, 0.025, 0);
        assert_string_equal(c->name, "pkg");
        assert_string_equal(c->scope, "cpu_package");
        assert_string_equal(c->kind, "counter");
        assert_string_equal(c->why, "w");
        assert_string_equal(c->source, "powercap");
        assert_string_equal(c->verified, "hw");
    } else {
        assert_true(isnan(c->unit_nj) && isnan(c->gain_u) && c->period_ns == STORE_NULL && !c->why && !c->in_total);
        assert_true(c->modulus == (uint64_t)1 << 63); /* the bits of STORE_NULL, here a number */
    }
    return 0;
}

static void test_machine(void **state)
{
    struct store *s;
    int n = 0;
    struct store_segment g = {.pid = 77, .started_real_ns = 1790000000123456789, .anchor_raw_ns = 5,
                              .anchor_boot_ns = 6, .boot_id = "boot", .host = "h", .ipw_build = "b",
                              .engine = "llama", .engine_build = "eb", .cpu_variant = "avx2",
                              .power_source = "mains", .env = "{}"};
    struct store_segment g2 = {.pid = STORE_NULL, .anchor_boot_ns = STORE_NULL};
    struct store_device gpu = {.key = "pci:1", .name = "GPU", .kind = "gpu", .computes = true};
    struct store_device meter = {.key = "package-0", .name = "package-0", .kind = "meter"}, again = meter;
    struct store_device cpu = {.key = "package-0", .name = "CPU", .kind = "cpu", .computes = true};
    struct store_channel pkg = {.device = 2, .name = "pkg", .scope = "cpu_package", .kind = "counter",
                                .unit_nj = 15258.789, .modulus = UINT64_MAX - 1, .period_ns = 1000000,
                                .window_ns = 2, .quantum_nj = 3, .latency_ns = 4, .gain_u = 0.025,
                                .in_total = true, .why = "w", .source = "powercap", .verified = "hw"};
    struct store_channel bare = {.device = 2, .name = "x", .kind = "gauge", .unit_nj = NAN, .gain_u = NAN,
                                 .modulus = (uint64_t)1 << 63, .period_ns = STORE_NULL};
    ok(store_create(&s, *state, &err));
    ok(store_begin(s, &err));
    ok(store_put_meta(s, "run_id", "r\xc3\xa9", &err));
    ok(store_put_meta(s, "run_id", "r2", &err));
    ok(store_put_meta_int(s, "generation", INT64_MAX, &err));
    ok(store_add_segment(s, &g, &err));
    ok(store_add_segment(s, &g2, &err));
    ok(store_put_device(s, &gpu, &err));
    ok(store_put_device(s, &meter, &err));
    ok(store_put_device(s, &cpu, &err)); /* the engine's words replace the meter's ... */
    ok(store_put_device(s, &again, &err)); /* ... and stay */
    assert_true(g2.id == 2 && gpu.id == 1 && meter.id == 2 && cpu.id == 2 && again.id == 2);
    ok(store_put_channel(s, &pkg, &err));
    ok(store_put_channel(s, &bare, &err));
    struct store_channel same = pkg, bare2 = bare;
    ok(store_put_channel(s, &same, &err));
    ok(store_put_channel(s, &bare2, &err));
    assert_true(same.id == 1 && bare2.id == 2);
    same.unit_nj = 1000;
    assert_int_equal(store_put_channel(s, &same, &err), IPW_E_INPUT);
    says("'pkg' counts in another unit");
    ok(store_add_clock(s, 1, 10, 20, STORE_NULL, &err));
    ok(store_commit(s, &err));
    store_close(s);

    ok(store_open(&s, *state, false, &err));
    assert_string_equal(store_meta(s, "run_id"), "r2");
    assert_null(store_meta(s, "plan"));
    assert_true(store_meta_int(s, "generation", -1) == INT64_MAX && store_meta_int(s, "plan", -1) == -1);
    ok(store_each_segment(s, on_segment, &n, &err));
    ok((n = 0, store_each_device(s, on_device, &n, &err)));
    ok((n = 0, store_each_channel(s, on_channel, &n, &err)));
    assert_int_equal(n, 2);
    store_close(s);
    check_rows(*state, "SELECT * FROM clock", "1|10|20|NULL\n");
}

static int on_block(const struct store_reading_block *b, void *ud)
{
    int n = ++*(int *)ud;
    assert_true(b->t0_ns == 10 * n && b->t1_ns == 10 * n + 5 && b->n == 1 && b->fmt == 1 && b->channel == 1);
    assert_true(b->size == 4 && !memcmp(b->data, "\0\1\2\3", 4));
    return 0;
}

static int on_event(int64_t segment, int64_t t_ns, const char *kind, const char *detail, void *ud)
{
    ++*(int *)ud;
    assert_true(segment == 1 && t_ns == 9 && !detail);
    assert_string_equal(kind, "suspend");
    return 0;
}

static int on_energy(const struct store_energy *e, void *ud)
{
    int n = ++*(int *)ud;
    assert_true(e->version == 1 && e->channel == 1);
    if (n == 1)
        assert_true(e->query == 0 && e->nj == STORE_NULL && e->u_nj == STORE_NULL && !e->method &&
                    e->status == ENERGY_MISSING && !strcmp(e->reason, "no_readings"));
    else
        assert_true(e->query == 1 && e->nj == -5 && e->u_nj == 7 && e->status == ENERGY_LOW_RESOLUTION &&
                    !strcmp(e->phase, n == 2 ? "decode" : "total") && !strcmp(e->method, "interpolate") && !e->reason);
    return 0;
}

static int on_score(const struct store_score *c, void *ud)
{
    int n = ++*(int *)ud;
    assert_int_equal(c->version, n);
    if (n == 1)
        assert_true(c->status == SCORE_UNPARSED && isnan(c->value) && !c->extracted && !c->method);
    else
        assert_true(c->status == SCORE_CORRECT && c->value == 0.5 && !strcmp(c->extracted, "B") &&
                    !strcmp(c->method, "tag"));
    return 0;
}

static void test_facts(void **state)
{
    struct store *s;
    int n = 0;
    struct store_reading_block b = {1, 1, 20, 25, 1, 1, "\0\1\2\3", 4};
    struct store_energy e = {.version = 1, .query = 1, .channel = 1, .nj = -5, .u_nj = 7, .phase = "total",
                             .method = "interpolate", .status = ENERGY_LOW_RESOLUTION};
    struct store_energy gap = {.version = 1, .channel = 1, .nj = STORE_NULL, .u_nj = STORE_NULL, .phase = "total",
                               .status = ENERGY_MISSING, .reason = "no_readings"};
    struct store_score c = {.query = 1, .version = 2, .scorer = "mcq", .extracted = "B", .method = "tag",
                            .status = SCORE_CORRECT, .value = 0.5};
    struct store_score c1 = {.query = 1, .version = 1, .scorer = "mcq", .status = SCORE_UNPARSED, .value = NAN};
    ok(store_create(&s, *state, &err));
    ok(store_begin(s, &err));
    ok(store_add_readings(s, &b, &err));
    b.t0_ns = 10, b.t1_ns = 15;
    ok(store_add_readings(s, &b, &err));
    ok((b.channel = 2, store_add_readings(s, &b, &err)));
    ok(store_add_event(s, 1, 9, "suspend", NULL, &err));
    ok(store_put_energy(s, &e, &err));
    assert_int_equal(store_put_energy(s, &e, &err), IPW_E_BUG);
    ok(store_clear_energy(s, 1, &err));
    ok(store_put_energy(s, &e, &err));
    ok((e.phase = "decode", store_put_energy(s, &e, &err)));
    ok(store_put_energy(s, &gap, &err));
    ok((e.version = 2, store_put_energy(s, &e, &err)));
    ok((c.value = 0, store_put_score(s, &c, &err)));
    ok((c.value = 0.5, store_put_score(s, &c, &err))); /* replaces */
    ok(store_put_score(s, &c1, &err));
    ok(store_commit(s, &err));
    ok(store_each_readings(s, 1, 1, on_block, &n, &err));
    assert_int_equal(n, 2);
    ok((n = 0, store_each_event(s, on_event, &n, &err)));
    assert_int_equal(n, 1);
    ok((n = 0, store_each_energy(s, 1, on_energy, &n, &err)));
    assert_int_equal(n, 3);
    ok((n = 0, store_each_score(s, on_score, &n, &err)));
    assert_int_equal(n, 2);
    store_close(s);

    write_raw(in(*state, "run.db"), "UPDATE reading SET n = 1000000000000; UPDATE score SET status = 'brilliant'");
    ok(store_open(&s, *state, false, &err));
    assert_int_equal((n = 0, store_each_readings(s, 1, 1, on_block, &n, &err)), IPW_E_INPUT);
    says("damaged");
    assert_int_equal(store_each_score(s, on_score, &n, &err), IPW_E_INPUT);
    says("'brilliant'");
    assert_int_equal(n, 0);
    store_close(s);
}

static int on_query(const struct store_query_row *r, void *ud)
{
    int n = ++*(int *)ud;
    const struct store_query *q = &r->q;
    assert_int_equal(q->id, n);
    if (n == 1) {
        assert_string_equal(q->query_id, "q1");
        assert_true(q->status == QUERY_TRUNCATED && q->sample == 2 && q->attempt == 1 && q->segment == 1);
        assert_true(q->t_send == 100 && q->t_first == 101 && q->t_first_answer == 102 && q->t_last == 103 &&
                    q->t_end == INT64_MAX && q->n_in == 0 && q->n_cached == 1 && q->n_out == 2 && q->n_reason == 3 &&
                    q->in_flight == 4);
        assert_true(q->logprob_mean == -0.5 && q->logprob_min == -1e-300 && q->margin_first == 0);
        assert_string_equal(q->domain, "math");
        assert_string_equal(q->reason, "length");
        assert_string_equal(q->token_source, "engine");
        assert_string_equal(q->stop, "limit");
        assert_string_equal(r->text.prompt, "p");
        assert_string_equal(r->text.answer, "");
        assert_string_equal(r->text.thinking, "hm");
        assert_true(r->text.stamps_size == 3 && !memcmp(r->text.stamps, "\0\1\0", 3));
        assert_string_equal(r->question.query_id, "q1");
        assert_string_equal(r->question.type, "mcq");
        assert_string_equal(r->question.scorer, "s");
        assert_string_equal(r->question.tmpl, "t");
        assert_string_equal(r->question.record, "{\"first\":1}");
    } else {
        assert_true(q->status == QUERY_OK && q->t_send == STORE_NULL && q->n_reason == STORE_NULL && !q->domain &&
                    !q->reason && isnan(q->logprob_mean) && isnan(q->margin_first));
        assert_true(!r->text.prompt && !r->text.stamps && !r->text.stamps_size && !r->question.type);
        assert_string_equal(r->question.record, "{}");
    }
    return 0;
}

static int on_bare(const struct store_query_row *r, void *ud)
{
    ++*(int *)ud;
    assert_true(!r->text.answer && !r->question.record && r->q.query_id);
    return 0;
}

static int stop_at_2(const struct store_query_row *r, void *ud)
{
    (void)ud;
    return r->q.id == 2 ? 42 : 0;
}

static void test_queries(void **state)
{
    struct store *s;
    int n = 0;
    struct store_query q = a_query("q1", 1, QUERY_TRUNCATED), bare = a_query("q2", 1, QUERY_OK);
    q.sample = 2;
    q.t_send = 100, q.t_first = 101, q.t_first_answer = 102, q.t_last = 103, q.t_end = INT64_MAX;
    q.n_in = 0, q.n_cached = 1, q.n_out = 2, q.n_reason = 3, q.in_flight = 4;
    q.logprob_mean = -0.5, q.logprob_min = -1e-300, q.margin_first = 0;
    q.domain = "math", q.reason = "length", q.token_source = "engine", q.stop = "limit";
    struct store_text t = {.prompt = "p", .answer = "", .thinking = "hm", .stamps = "\0\1\0", .stamps_size = 3};
    struct store_question u = {"q1", "mcq", "s", "t", "{\"first\":1}"}, late = {"q1", NULL, NULL, NULL, "{}"};
    ok(store_create(&s, *state, &err));
    ok(store_begin(s, &err));
    ok(store_put_query(s, &q, &t, &u, &err));
    ok(put(s, &bare, NULL));
    ok((q.sample = 3, store_put_query(s, &q, &t, &late, &err))); /* the question's first record stays */
    assert_int_equal(q.id, 3);
    ok(store_commit(s, &err));
    check_rows(*state, "SELECT query_id, record FROM question", "q1|{\"first\":1}\nq2|{}\n");
    assert_int_equal(store_each_query(s, 0, stop_at_2, NULL, &err), 42);
    store_close(s);
    write_raw(in(*state, "run.db"), "DELETE FROM query WHERE sample = 3");
    ok(store_open(&s, *state, false, &err));
    ok(store_each_query(s, STORE_WITH_TEXT | STORE_WITH_QUESTION, on_query, &n, &err));
    ok(store_each_query(s, 0, on_bare, &n, &err));
    assert_int_equal(n, 4);
    store_close(s);
}

static void test_attempts(void **state)
{
    struct store *s;
    struct store_query q = a_query("q", 1, QUERY_NOT_SENT), other = a_query("other", 1, QUERY_OK);
    ok(store_create(&s, *state, &err));
    ok(store_begin(s, &err));
    q.reason = "refused";
    ok(put(s, &q, "old"));
    ok(put(s, &other, "x"));
    ok(store_commit(s, &err));
    int64_t id = q.id;

    ok(store_begin(s, &err));
    q = a_query("q", 1, QUERY_ERROR);
    q.t_send = 5;
    ok(put(s, &q, "new"));
    assert_true(q.id == id);
    ok(store_commit(s, &err));

    ok(store_begin(s, &err));
    assert_int_equal(put(s, &q, "third"), IPW_E_BUG);
    says("'q'");
    q.attempt = 2;
    ok(put(s, &q, "retry"));
    ok(store_commit(s, &err));
    check_rows(*state, "SELECT q.id, attempt, status, reason, t_send, answer FROM query q JOIN text ON query = q.id"
                       " ORDER BY q.id",
               "1|1|error|NULL|5|new\n2|1|ok|NULL|NULL|x\n3|2|error|NULL|5|retry\n");
    store_close(s);
}

static void test_refused(void **state)
{
    struct store *s;
    assert_int_equal(store_open(&s, "/nonexistent/run", false, &err), IPW_E_INPUT);
    says("no run folder '/nonexistent/run'");
    assert_int_equal(store_create(&s, "/nonexistent/run", &err), IPW_E_IO);
    for (int write = 0; write < 2; write++) {
        assert_int_equal(store_open(&s, *state, write, &err), IPW_E_INPUT);
        says("holds no run.db");
    }
    write_raw(in(*state, "run.db"), "CREATE TABLE x(y); PRAGMA user_version = 1");
    for (int write = 0; write < 2; write++) {
        assert_int_equal(store_open(&s, *state, write, &err), IPW_E_INPUT);
        says("not a run");
    }
    unlink(in(*state, "run.db"));
    ok(store_create(&s, *state, &err));
    store_close(s);
    write_raw(in(*state, "run.db"), "PRAGMA user_version = 9");
    for (int write = 0; write < 2; write++) {
        assert_int_equal(store_open(&s, *state, write, &err), IPW_E_INPUT);
        says("of schema 9, this ipw reads up to 3");
    }
    ok(fs_write_atomic(in(*state, "run.db"), "this is a diary, not a database, whatever its name is\n", 54, &err));
    for (int write = 0; write < 2; write++) {
        assert_int_equal(store_open(&s, *state, write, &err), IPW_E_INPUT);
        says("is not a run");
        assert_null(s);
    }
    ok(fs_write_atomic(in(*state, "run.db"), "", 0, &err)); /* its maker was killed: not a run, but room for one */
    assert_int_equal(store_open(&s, *state, false, &err), IPW_E_INPUT);
    ok(store_create(&s, *state, &err));
    store_close(s);
}

static int on_served(const struct store_query_row *row, void *ud)
{
    int *seen = ud;
    seen[0]++;
    if (row->q.served)
        seen[1] += row->q.served->t_due == 7 && row->q.served->load_ns == STORE_NULL &&
                   row->q.served->prompt_ns == 8 && row->q.served->decode_ns == 9;
    return 0;
}

/* A run of schema 1 is read as it is, and brought up when it is written again. */
static void test_served(void **state)
{
    struct store *s;
    struct store_served v = {7, STORE_NULL, 8, 9};
    struct store_query q = {.query_id = "a", .attempt = 1, .served = &v};
    const struct store_question question = {.query_id = "a", .record = "{}"};
    int seen[2] = {0};
    ok(store_create(&s, *state, &err));
    ok(store_begin(s, &err));
    ok(store_put_query(s, &q, &(struct store_text){0}, &question, &err));
    ok(store_commit(s, &err));
    ok(store_each_query(s, 0, on_served, seen, &err));
    store_close(s);
    assert_true(seen[0] == 1 && seen[1] == 1);
    write_raw(in(*state, "run.db"), "DROP TABLE served; DROP TABLE judged; PRAGMA user_version = 1");
    ok(store_open(&s, *state, false, &err));
    ok(store_each_query(s, 0, on_served, seen, &err));
    store_close(s);
    assert_true(seen[0] == 2 && seen[1] == 1);
    ok(store_open(&s, *state, true, &err));
    ok(store_each_query(s, 0, on_served, seen, &err));
    store_close(s);
    check_rows(*state, "PRAGMA user_version", "3\n");
    assert_int_equal(seen[0], 3);
}

/* What a judge found: newer versions beside older ones, by question; what was asked and answered. */
static void test_judged(void **state)
{
    struct store *s;
    char *answer, *record, *found;
    struct store_query q = {.query_id = "a", .attempt = 1, .status = QUERY_ERROR};
    struct store_text text = {.answer = "first"};
    struct store_question question = {.query_id = "a", .record = "{}"};
    ok(store_create(&s, *state, &err));
    ok(store_begin(s, &err));
    assert_int_equal(store_last_attempt(s, "a", 0), 0);
    ok(store_put_query(s, &q, &text, &question, &err));
    assert_false(store_answer(s, "a", 0, &answer, &record)); /* it failed */
    q.attempt = 2;
    q.status = QUERY_OK;
    text.answer = "second";
    ok(store_put_query(s, &q, &text, &question, &err));
    assert_true(store_answer(s, "a", 0, &answer, &record));
    assert_string_equal(answer, "second");
    assert_string_equal(record, "{}");
    free(answer);
    free(record);
    assert_int_equal(store_last_attempt(s, "a", 0), 2);
    assert_int_equal(store_last_attempt(s, "a", 1), 0);
    assert_int_equal(store_score_version(s, "judge"), 0);
    for (int version = 1; version <= 2; version++) {
        struct store_score score = {.query = q.id, .version = version, .scorer = "judge",
                                    .extracted = version == 1 ? "correct" : "incorrect", .status = SCORE_CORRECT};
        struct store_judged j = {q.id, version, "judge", "so it is", 0, 7, STORE_NULL};
        ok(store_put_score(s, &score, &err));
        ok(store_put_judged(s, &j, &err));
        ok(store_put_judged(s, &j, &err));
    }
    assert_int_equal(store_score_version(s, "judge"), 2);
    found = store_extracted(s, "a", 0, "judge", 1);
    assert_string_equal(found, "correct");
    free(found);
    assert_null(store_extracted(s, "a", 0, "judge", 3));
    ok(store_commit(s, &err));
    store_close(s);
    check_rows(*state, "SELECT * FROM judged", "2|judge|1|0|so it is|7|NULL\n2|judge|2|0|so it is|7|NULL\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_dir(test_served),
        with_dir(test_judged),
        with_dir(test_contract), with_dir(test_machine),  with_dir(test_facts),
        with_dir(test_queries),  with_dir(test_attempts), with_dir(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
