/* libipw: what a piece of work costs in joules, from the energy counters of this machine.
 *
 *     ipw_meter *meter;
 *     ipw_window *window;
 *     struct ipw_energy e;
 *     char error[512];
 *     if (ipw_meter_open(&meter, NULL, error, sizeof error)) ...
 *     ipw_window_begin(meter, "my work", &window);
 *     work();
 *     ipw_window_end(window);
 *     ipw_window_energy(window, IPW_TOTAL_COMPONENT, &e);     e.joules +- e.uncertainty_j
 *
 * C11 and C++. Units: joules, watts, seconds. What is not known is NAN with a reason, never 0.
 *
 * Threads: every function may be called by any thread. Windows may overlap, and a window may be ended by another thread
 * than the one that began it; but one window is for one thread at a time.
 *
 * Fork: a meter has a thread that reads the counters, and threads do not survive fork. In the child every function on
 * the parent's meter or windows gives IPW_ERROR_FORKED (NULL or 0 where it gives no code) and does nothing; open another
 * meter there. The parent's goes on.
 *
 * Environment: IPW_SYSFS_ROOT, IPW_PROC_ROOT, IPW_DEV_ROOT (other roots than /sys, /proc, /dev) and IPW_NVML_LIB,
 * IPW_IOREPORT_LIB (other libraries), all ignored in set-user-id programs. The library prints nothing, changes no signal
 * handler, and ends the process only when memory is exhausted. */
#ifndef IPW_H
#define IPW_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define IPW_API __attribute__((visibility("default")))
#else
#define IPW_API
#endif

/* Grows with every change that breaks programs built before it. ipw_abi_version gives the library's. */
#define IPW_ABI_VERSION 1
IPW_API int ipw_abi_version(void);

/* What functions return. */
enum ipw_code {
    IPW_SUCCESS = 0,
    IPW_ERROR_ARGUMENT = 1,    /* NULL, an index that is none, a device or channel that is not here */
    IPW_ERROR_ENVIRONMENT = 2, /* nothing to measure with, no permission, no thread; the error text has the remedy */
    IPW_ERROR_STATE = 3,       /* not now: the window has not ended, or the meter still has windows */
    IPW_ERROR_FORKED = 4       /* the meter belongs to the parent process */
};
IPW_API const char *ipw_error_text(int code); /* static; never NULL */

typedef struct ipw_meter ipw_meter;
typedef struct ipw_window ipw_window;

/* ---- the meter ---- */

struct ipw_meter_options {
    size_t size;         /* sizeof(struct ipw_meter_options) */
    const char *energy;  /* "auto" (counters, else an estimate), "measured" (else an error), "estimated"; NULL: auto */
    const char *devices; /* GPUs that take part: "0,1", UUIDs, PCI addresses; NULL: all; "": none */
    const char *include; /* ids of channels to count in the total though they would not be; NULL: none */
};

/* Opens the counters and starts to read them, 20 times a second. options may be NULL. On failure *meter is NULL and
 * error, when not NULL, holds a sentence that ends with what to do next.
 * Errors: IPW_ERROR_ARGUMENT, IPW_ERROR_ENVIRONMENT. */
IPW_API int ipw_meter_open(ipw_meter **meter, const struct ipw_meter_options *options, char *error, size_t error_size);

/* Stops reading; waits up to 2.5 s for the last readings of slow counters. NULL is fine.
 * Errors: IPW_ERROR_STATE while it has windows (it stays open), IPW_ERROR_FORKED. */
IPW_API int ipw_meter_close(ipw_meter *meter);

/* What its component total is worth: "measured", "partial" (not all that computes is metered), "estimated" (a model of
 * CPU time, known to a factor of two), "none". Lives as long as the program. NULL: forked. */
IPW_API const char *ipw_meter_source(const ipw_meter *meter);

/* The members of the component total: "component(cpu_package+dram)". Lives as long as the meter. NULL: forked. */
IPW_API const char *ipw_meter_signature(const ipw_meter *meter);

struct ipw_channel {
    const char *id;     /* "rapl:intel-rapl:0": stable over reboots */
    const char *device; /* "package-0", a PCI address; "" none */
    const char *scope;  /* "cpu_package", "dram", "gpu_board", ...; see docs/units.md */
    const char *kind;   /* "energy", "power_inst", "power_avg", "gauge" (no energy) */
    const char *status; /* "ok", "denied", "absent", "error" */
    const char *why;    /* why it is in or out of the total */
    const char *remedy; /* what can be done when it cannot be read; NULL: nothing is wrong */
    int in_total;       /* member of the component total */
    int in_system;      /* member of the system total */
    int estimated;      /* a model, not a counter */
};
IPW_API size_t ipw_meter_channel_count(const ipw_meter *meter);

/* Describes channel i, counted from 0, readable or not. Texts live as long as the meter.
 * Errors: IPW_ERROR_ARGUMENT, IPW_ERROR_FORKED. */
IPW_API int ipw_meter_channel(const ipw_meter *meter, size_t i, struct ipw_channel *channel);

/* ---- windows ---- */

/* Begins a window now. The name is copied; NULL is "". While a window is open its readings are kept: about 2 MB an hour
 * for each channel, less after the second hour.
 * Errors: IPW_ERROR_ARGUMENT, IPW_ERROR_FORKED. */
IPW_API int ipw_window_begin(ipw_meter *meter, const char *name, ipw_window **window);

/* Ends it now; waits for nothing. A second end changes nothing. Errors: IPW_ERROR_ARGUMENT, IPW_ERROR_FORKED. */
IPW_API int ipw_window_end(ipw_window *window);

/* 1 when its joules can be told without waiting, else 0. */
IPW_API int ipw_window_ready(ipw_window *window);
IPW_API const char *ipw_window_name(const ipw_window *window); /* NULL: forked */
IPW_API void ipw_window_free(ipw_window *window);              /* NULL is fine */

/* Totals never count a joule twice. */
enum ipw_total {
    IPW_TOTAL_COMPONENT = 0, /* what computes: CPU packages, memory, GPU boards; the headline */
    IPW_TOTAL_ACCEL = 1,     /* GPUs and neural engines alone */
    IPW_TOTAL_SYSTEM = 2     /* the whole machine: wall, else platform, else battery */
};

struct ipw_energy {
    double joules;        /* NAN when not known */
    double watts;         /* mean power; NAN when not known */
    double seconds;       /* length of the window */
    double uncertainty_j; /* one sigma of how these readings were cut and added; NAN when not known */
    double gain_u;        /* one sigma of the sensors' gain, relative, the same in every window; NAN when not known */
    const char *status;   /* "measured", "partial", "estimated", "low_resolution" (the window is too short for the
                             counter), "missing", "implausible" */
    const char *reason;   /* a word of docs/units.md, or NULL */
};

/* The joules of a window that has ended. The first call waits until every counter has been updated since the end: some
 * milliseconds, at most 0.3 s with fast counters and 2.6 s with slow ones; later calls give the same at once.
 * Errors: IPW_ERROR_ARGUMENT, IPW_ERROR_STATE (not ended), IPW_ERROR_FORKED. */
IPW_API int ipw_window_energy(ipw_window *window, enum ipw_total total, struct ipw_energy *energy);

/* The same for channel i of the meter; status "missing" for what cannot be read, and for gauges. */
IPW_API int ipw_window_channel_energy(ipw_window *window, size_t i, struct ipw_energy *energy);

#ifdef __cplusplus
}
#endif

#endif
