#!/usr/bin/env bash
# libipw: what an install brings, what it exports and needs, the example by pkg-config, fork, C++.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
command -v pkg-config >/dev/null || skip "no pkg-config"
[ -e "$IPW_BUILD/libipw.so" ] || skip "libipw was not built"
case "$IPW" in *-asan | *-tsan) skip "sanitizers belong to programs, not to libraries" ;; esac

run 0 cmake --install "$IPW_BUILD" --prefix "$work/prefix"
lib=$(dirname "$(find "$work/prefix" -name libipw.so)")
export PKG_CONFIG_PATH=$lib/pkgconfig LD_LIBRARY_PATH=$lib

# ---- exactly what the header declares, in both libraries ----
grep '^IPW_API' "$IPW_SOURCE/include/ipw.h" | grep -oE 'ipw_[a-z_]+\(' | tr -d '(' | sort >"$work/want"
nm -D --defined-only "$lib/libipw.so" | awk '{ print $3 }' | sort >"$work/have"
diff "$work/want" "$work/have" || fail "libipw.so exports something else"
nm -g --defined-only "$lib/libipw.a" | awk 'NF == 3 { print $3 }' | sort >"$work/have"
diff "$work/want" "$work/have" || fail "libipw.a exports something else"
run 0 ldd "$lib/libipw.so"
! grep -E 'crypto|ssl|yyjson|sqlite|curl|duckdb|llama|ggml|stdc' "$work/out" || fail "libipw.so needs more than libc"

# ---- the example, by pkg-config; linked statically too; the header as C++ ----
src=$IPW_SOURCE/examples/meter.c
read -ra cflags < <(pkg-config --cflags ipw)
read -ra libs < <(pkg-config --libs ipw)
run 0 cc -Wall -Wextra -Werror "$src" "${cflags[@]}" "${libs[@]}" -o "$work/meter"
run 0 cc -Wall -Wextra -Werror "$src" "${cflags[@]}" "$lib/libipw.a" -lpthread -lm -ldl -o "$work/static"
cat >"$work/use.c" <<'EOF'
#include <ipw.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#define MUST(x) ((x) ? (void)0 : (fprintf(stderr, "line %d: %s\n", __LINE__, #x), _exit(1)))
int main(void)
{
    ipw_meter *m, *other;
    ipw_window *w, *x;
    struct ipw_energy e;
    struct ipw_channel c;
    char error[200];
    struct ipw_meter_options o = {sizeof o, "much", NULL, NULL};
    MUST(ipw_abi_version() == IPW_ABI_VERSION);
    MUST(ipw_meter_open(&m, &o, error, sizeof error) == IPW_ERROR_ARGUMENT && !m && strstr(error, "'much'"));
    o = (struct ipw_meter_options){0, NULL, NULL, NULL};
    MUST(ipw_meter_open(&m, &o, NULL, 0) == IPW_ERROR_ARGUMENT);
    o = (struct ipw_meter_options){sizeof o, "estimated", NULL, NULL};
    MUST(!ipw_meter_open(&m, &o, error, sizeof error) && !*error);
    MUST(!strcmp(ipw_meter_source(m), "estimated"));
    MUST(!ipw_window_begin(m, "w", &w));
    MUST(ipw_window_energy(w, IPW_TOTAL_COMPONENT, &e) == IPW_ERROR_STATE);
    MUST(ipw_meter_close(m) == IPW_ERROR_STATE);
    pid_t pid = fork();
    if (!pid) {
        MUST(ipw_window_begin(m, "x", &x) == IPW_ERROR_FORKED && !x);
        MUST(ipw_window_end(w) == IPW_ERROR_FORKED && ipw_meter_close(m) == IPW_ERROR_FORKED);
        MUST(!ipw_meter_source(m) && !ipw_window_name(w) && !ipw_meter_channel_count(m));
        ipw_window_free(w);
        MUST(!ipw_meter_open(&other, &o, NULL, 0) && !ipw_meter_close(other)); /* its own works */
        _exit(0);
    }
    int status;
    waitpid(pid, &status, 0);
    MUST(status == 0);
    MUST(!ipw_window_end(w) && !ipw_window_energy(w, IPW_TOTAL_COMPONENT, &e));
    MUST(e.joules > 0 && e.seconds > 0 && !strcmp(e.status, "estimated") && e.gain_u == 0.5);
    MUST(!ipw_window_energy(w, IPW_TOTAL_SYSTEM, &e) && isnan(e.joules) && !strcmp(e.reason, "no_channel"));
    double sum = 0;
    for (size_t i = 0; i < ipw_meter_channel_count(m); i++) {
        MUST(!ipw_meter_channel(m, i, &c) && !ipw_window_channel_energy(w, i, &e));
        sum += c.in_total ? e.joules : 0;
    }
    MUST(!ipw_window_energy(w, IPW_TOTAL_COMPONENT, &e) && fabs(sum - e.joules) < 1e-6);
    MUST(ipw_meter_channel(m, 99, &c) == IPW_ERROR_ARGUMENT);
    MUST(ipw_window_channel_energy(w, 99, &e) == IPW_ERROR_ARGUMENT);
    ipw_window_free(w);
    MUST(!ipw_meter_close(m));
    return 0;
}
EOF
run 0 cc -Wall -Wextra -Werror "$work/use.c" "${cflags[@]}" "${libs[@]}" -lm -o "$work/use"
run 0 "$work/use"
if command -v c++ >/dev/null; then
    printf '#include <ipw.h>\nint main() { return ipw_abi_version() == IPW_ABI_VERSION ? 0 : 1; }\n' >"$work/x.cc"
    run 0 c++ -Wall -Wextra -Werror -pedantic "$work/x.cc" "${cflags[@]}" "${libs[@]}" -o "$work/x"
    run 0 "$work/x"
fi

export IPW_SYSFS_ROOT=$work/nosys # the estimator, wherever this runs
run 0 "$work/meter"
shows "estimated, component(cpu_package)"
run 0 "$work/static"
shows "estimated, component(cpu_package)"
cat "$work/out"

# ---- counters ----
powercap
run 0 "$work/meter"
shows "measured, component(cpu_package+dram)"
cat "$work/out"
